"""Finds the baseline's file, without loading the survey: a project without a baseline runs none."""

from pathlib import Path

from carveout.carving.survey.project_root import default_root
from carveout.conf.code_locations import is_installed
from carveout.errors import BaselineInvalid

NAME = "carveout-baseline.txt"


def default_path(root: Path) -> Path:
    """In the project's root; if that is an installed package, next to the manage.py that runs.

    Raises: BaselineInvalid, if all of the project is installed, so that no folder is its own.
    """
    folders = [root, default_root()]
    if (Path.cwd() / "manage.py").exists():
        folders.append(Path.cwd())
    home = next((each for each in folders if not is_installed(each)), None)
    if home is None:
        raise BaselineInvalid(
            f"{root} is an installed package, and the next installation would delete a baseline"
            f" there. Name another file: --baseline {NAME}."
        )
    return home / NAME
