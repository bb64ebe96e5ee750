"""Spin: looks at every state that the model can reach."""

import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.copies import ROOT

MODEL = ROOT / "docs" / "explanation" / "model"
TOOLS = ("spin", "gcc")
DEPTH_MAX = 1_000_000
MEMORY_MAX_MB = 4_000
FAIRNESS_WORDS = 3
"""Enough for all processes. Source: https://spinroot.com/spin/Man/Pan.html"""
EVERYTHING_ARRIVES = "everything_arrives"


class SpinFailed(Exception):
    """Spin came to no verdict."""


@dataclass(frozen=True)
class Verdict:
    """What an exhaustive search found."""

    violated: str
    """The property of `properties.pml` that does not hold; empty if all do."""
    states: int
    seconds: float


def missing_tools() -> list[str]:
    return [tool for tool in TOOLS if shutil.which(tool) is None]


def check_safety(flags: Sequence[str], *, shortest: bool = False) -> Verdict:
    """Does every assertion hold in every state? `shortest` finds the shortest way to break one.

    Nothing is ever healed: what comes after that is a part of what may come before.
    """
    breadth_first = ["-DBFS", "-O1"] if shortest else []  # most are found sooner than compiled
    compile_with = ["-DSAFETY", "-DNOCLAIM", *breadth_first]
    return _check(["NEVER_HEALED", *flags], compile_with, [])


def check_liveness(flags: Sequence[str]) -> Verdict:
    """Does everything arrive in every run in which each process goes on?"""
    return _check(flags, [f"-DNFAIR={FAIRNESS_WORDS}"], ["-a", "-f"])


def _check(flags: Sequence[str], compile_with: Sequence[str], run_with: Sequence[str]) -> Verdict:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="model-") as name:
        folder = Path(name)
        shutil.copytree(MODEL, folder, dirs_exist_ok=True)
        _run(folder, "spin", "-a", *(f"-D{flag}" for flag in flags), "protocol.pml")
        memory = f"-DMEMLIM={MEMORY_MAX_MB}"
        _run(folder, "gcc", "-O2", "-w", memory, *compile_with, "-o", "pan", "pan.c")
        output = _run(folder, "./pan", f"-m{DEPTH_MAX}", "-w24", *run_with)
    return Verdict(_violated(output), _states(output), time.monotonic() - began)


def _run(folder: Path, *command: str) -> str:
    ran = subprocess.run(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if ran.returncode:
        raise SpinFailed(f"{' '.join(command)}: exit code {ran.returncode}\n{ran.stdout}")
    return ran.stdout


def _violated(output: str) -> str:
    if "acceptance cycle" in output:
        return EVERYTHING_ARRIVES
    found = re.search(r"assertion violated \((.*)\) \(at depth", output)
    if found:
        return _property_of(found[1])
    if "errors: 0" not in output or re.search("not completed|depth too small", output):
        raise SpinFailed(output)
    return ""


def _property_of(condition: str) -> str:
    """The name of the macro that this condition comes from."""
    for name, shape in properties().items():
        if re.fullmatch(shape, condition):
            return name
    raise SpinFailed(f"no property of properties.pml looks like {condition}")


def properties() -> dict[str, str]:
    """The asserted properties, and what their conditions look like once names are put in."""
    text = (MODEL / "properties.pml").read_text()
    macros = re.findall(r"^#define (\w+)\(\w+\) assert\((.*)\)$", text, re.MULTILINE)
    return {name: _shape(condition) for name, condition in macros}


def _shape(condition: str) -> str:
    """Arrays and numbers stay; what is in an array's place may be anything."""
    tokens = re.findall(r"\w+\[?|[^\w\s]", condition)
    return "".join(".+" if token.isidentifier() else re.escape(token) for token in tokens)


def _states(output: str) -> int:
    found = re.search(r"(\d+(?:\.\d+)?(?:e\+\d+)?) states, stored", output)
    if found is None:
        raise SpinFailed(output)
    return int(float(found[1]))
