"""The survey of real monoliths beside what Django and grimp say about them.

Slow: the first run installs them under build/monoliths. `make monoliths` runs it.
"""

from typing import Any

import pytest

from tests.monoliths.subject import Found, Subject

SUBJECTS = [
    Subject(
        "oscar",
        "django-oscar==4.2.1",
        settings="oscar_shop.settings",
        settings_in="oscar_shop.settings oscar.defaults",
        folder="oscar",
        packages=("oscar",),
    ),
    Subject(
        "pretix",
        "pretix==2026.8.0",
        settings="pretix.testutils.settings",
        settings_in="pretix.testutils.settings",
        folder="pretix",
        packages=("pretix",),
    ),
    Subject(
        "label-studio",
        "label-studio==1.23.2",
        settings="core.settings.label_studio",
        settings_in="core.settings",
        folder="label_studio",
        packages=(
            "core",
            "data_export",
            "data_import",
            "data_manager",
            "fsm",
            "io_storages",
            "jwt_auth",
            "labels_manager",
            "ml",
            "ml_model_providers",
            "ml_models",
            "organizations",
            "projects",
            "session_policy",
            "tasks",
            "users",
            "webhooks",
        ),
        on_path=True,
        env={"LATEST_VERSION_CHECK": "0"},
    ),
]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

Pairs = set[tuple[str, str]]


@pytest.fixture(scope="module", params=SUBJECTS, ids=str)
def found(request: pytest.FixtureRequest) -> Found:
    return Found(request.param)


def of_kind(found: Found, kind: str) -> list[dict[str, Any]]:
    return [each for each in found.survey["couplings"] if each["kind"] == kind]


def compare(found: Found, what: str, surveyed: Pairs, oracle: Pairs) -> None:
    """Print both numbers for docs/explanation/survey-accuracy.md, and fail on a difference."""
    recall = len(surveyed & oracle) / len(oracle) if oracle else 1.0
    precision = len(surveyed & oracle) / len(surveyed) if surveyed else 1.0
    line = f"{found.subject} | {what} | {len(oracle)} | {recall:.1%} | {precision:.1%}"
    print(line)  # noqa: T201 (the numbers of the docs)
    assert not oracle ^ surveyed, (
        f"{line}\nmissed: {sorted(oracle - surveyed)}\ntoo many: {sorted(surveyed - oracle)}"
    )


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
