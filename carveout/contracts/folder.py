"""The folder of contracts: one file each, `contracts/<context>.json`, beside the code."""

from codecs import BOM_UTF8
from pathlib import Path

import msgspec

from carveout import origin
from carveout.conf import get_settings
from carveout.contracts.contract import Contract
from carveout.contracts.declared import declared
from carveout.errors import DeclarationInvalid

FOLDER = "contracts"
"""In the project's root."""


def default_folder() -> Path:
    return origin.root() / FOLDER


def path_of(context: str, folder: Path) -> Path:
    return folder / f"{context}.json"


def encode(contract: Contract) -> str:
    """The same text for the same contract, with keys in order and a line end at the end."""
    data = msgspec.json.encode(contract, order="sorted")
    return msgspec.json.format(data, indent=2).decode() + "\n"


def stored(context: str, folder: Path) -> Contract | None:
    """The contract in its file; None if there is no file.

    Raises: DeclarationInvalid: the file holds something else.
    """
    path = path_of(context, folder)
    try:
        return msgspec.json.decode(path.read_bytes().removeprefix(BOM_UTF8), type=Contract)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        raise DeclarationInvalid(
            f"{path} is no contract: {error}. Write it anew with `manage.py contracts --write`"
            f" where {context} is hosted."
        ) from error


def known(folder: Path) -> dict[str, Contract]:
    """What is true now: of the code for the contexts hosted here, of the files for the others."""
    settings = get_settings()
    found = {
        name: declared(name) if settings.hosts(name) else stored(name, folder)
        for name in settings.contexts
    }
    return {name: contract for name, contract in found.items() if contract}
