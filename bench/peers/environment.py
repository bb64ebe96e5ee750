"""The virtual environment of the peers: they must not meet the kit's own requirements."""

import shutil
import subprocess
import sys
import venv
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / ".venv-peers"
REQUIREMENTS = Path(__file__).with_name("requirements.txt")


def python() -> Path | None:
    """Its Python; None if nothing is installed."""
    stamp = FOLDER / "installed"
    if stamp.exists() and stamp.read_text() == REQUIREMENTS.read_text():
        return FOLDER / "bin" / "python"
    return None


def install() -> bool:
    """Make it, unless it is there. Returns: is it there now?"""
    if python():
        return True
    print("Installing the peers into .venv-peers …", file=sys.stderr)
    shutil.rmtree(FOLDER, ignore_errors=True)
    venv.create(FOLDER, with_pip=True)
    command = [FOLDER / "bin" / "python", "-m", "pip", "install", "-qq"]
    command += ["--disable-pip-version-check", "-r", REQUIREMENTS]
    if subprocess.run([str(part) for part in command], check=False).returncode:
        return False
    (FOLDER / "installed").write_text(REQUIREMENTS.read_text())
    return True
