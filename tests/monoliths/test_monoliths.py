"""The survey of real monoliths beside what Django and grimp say about them.

Slow: the first run installs them under build/monoliths. `make monoliths` runs it.
"""

from typing import Any

import pytest

from tests.monoliths.compared import Pairs, compare, of_kind
from tests.monoliths.subject import Found
from tests.monoliths.subjects import NETBOX, SUBJECTS, found_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module", params=[*SUBJECTS, NETBOX], ids=str)
def found(request: pytest.FixtureRequest) -> Found:
    return found_of(request.param)


def pairs(of: list[list[str]]) -> Pairs:
    return {(first, second) for first, second in of}


def test_relations_are_those_of_the_app_registry(found):
    own = [each for each in of_kind(found, "relation") if each["form"] not in ("through", "proxy")]
    surveyed = {(each["source_symbol"], each["target_symbol"]) for each in own}
    compare(found, "relations", surveyed, pairs(found.oracle["relations"]))


def receivers(found: Found) -> list[tuple[dict[str, Any], str]]:
    """Each receiver with each of its signals."""
    heard = of_kind(found, "receiver")
    return [(each, signal) for each in heard for signal in each["details"]["signals"]]


def is_of_models(target: str) -> bool:
    return target.startswith("django.") or target.split(".")[-1][0].isupper()


def test_receivers_are_those_that_django_would_call(found):
    surveyed = {
        (each["source_symbol"], f"{signal} of {of_whom(each)}")
        for each, signal in receivers(found)
        if is_of_models(each["target_symbol"])
    }
    compare(found, "receivers of models", surveyed, pairs(found.oracle["receivers"]))


def of_whom(each: dict[str, Any]) -> str:
    return "every model" if each["target"] == "*" else each["target_symbol"]


def test_receivers_of_own_signals_are_those_in_the_live_lists(found):
    surveyed = {
        (each["source_symbol"], signal)
        for each, signal in receivers(found)
        if not is_of_models(each["target_symbol"])
    }
    compare(found, "receivers of own signals", surveyed, pairs(found.oracle["own signals"]))


def test_imports_are_those_that_grimp_sees(found):
    """grimp does not look into folders without `__init__.py`; those are left out here."""
    modules = {*found.oracle["modules"]}
    surveyed = {
        (module_of(found, each["file"]), each["target_symbol"]) for each in of_kind(found, "import")
    }
    seen = {pair for pair in surveyed if {*pair} <= modules}
    compare(found, "imports", seen, pairs(found.oracle["imports"]))


def module_of(found: Found, file: str) -> str:
    above = () if found.subject.on_path else (found.subject.folder,)
    parts = [*above, *file.removesuffix(".py").split("/")]
    return ".".join(parts).removesuffix(".__init__")


def test_every_coupling_names_a_line_that_exists(found):
    root = found.subject.root
    wrong = []
    for each in found.survey["couplings"]:
        path = root / each["file"]
        lines = path.read_text().count("\n") + 1 if path.is_file() else 0
        if not 0 < each["line"] <= lines:
            wrong.append((each["kind"], each["form"], each["source_symbol"], each["file"]))
    unlocated = f"{len(wrong)} of {len(found.survey['couplings'])} without a line: {wrong[:10]}"
    assert len(wrong) <= len(found.survey["couplings"]) * 0.01, unlocated


def test_no_file_is_left_unread(found):
    assert found.survey["unread"] == []
