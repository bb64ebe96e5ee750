"""The calls between the apps of real monoliths become seams, or stay with a reason.

Slow: `make monoliths MONOLITHS="-k test_carve"`. In a copy, each function that another app calls
without using what it returns is carved, in turn. What is written is valid Python, and carving it
again changes nothing.
"""

import ast
import json
from typing import Any

import pytest

from tests.monoliths.subject import HERE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


def test_calls_become_seams_or_stay_with_a_reason(copied):
    lines: list[Any] = [
        json.loads(line)
        for line in copied.run(str(HERE / "carved.py"), str(copied.folder)).splitlines()
        if line.startswith('{"name"')
    ]
    assert lines
    for each in lines:
        assert each["seams"] or each["said"], each
        assert all(". Fix: " in said or "Add " in said for said in each["said"]), each
        assert not each.get("again"), each
        for file in each.get("written", ()):
            ast.parse((copied.folder / file).read_text())
    calls, seams = (sum(each[name] for each in lines) for name in ("calls", "seams"))
    whole = sum(1 for each in lines if not each["seams"])
    print(  # noqa: T201
        f"{copied.subject}: {len(lines)} functions, {calls} places that call them; {seams} calls"
        f" are seams, {whole} functions stay as they are"
    )
