"""Reads and writes contract files: `contracts/<context>.json`, beside the code."""

from codecs import BOM_UTF8
from pathlib import Path

import msgspec

from carveout.conf import code_locations, get_settings
from carveout.contracts.contract import Contract
from carveout.contracts.declared import declared
from carveout.errors import DeclarationInvalid

FOLDER = "contracts"
"""Folder in the project's root."""


def default_folder() -> Path:
    return code_locations.root() / FOLDER


def path_of(context: str, folder: Path) -> Path:
    return folder / f"{context}.json"


def encode(contract: Contract) -> str:
    """A contract as stable text, with sorted keys and a final line break."""
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
            f"{path} is not a contract: {error}. Write it again with `manage.py contracts --write`"
            f" where {context} is hosted."
        ) from error


def known(folder: Path) -> dict[str, Contract]:
    """The current contracts: from code for contexts hosted here, from files for others."""
    settings = get_settings()
    found = {
        name: declared(name) if settings.hosts(name) else stored(name, folder)
        for name in settings.contexts
    }
    return {name: contract for name, contract in found.items() if contract}
