"""Suggested contexts, and the measures that groupings are compared by."""

import os
import subprocess
import sys

import msgspec
import pytest

from carveout.carving.plan.app_graph import graph
from carveout.carving.plan.communities import communities
from carveout.carving.plan.cut_line import CutLine, line
from carveout.carving.plan.measures import crossing, extreme, interfaces, modularity
from carveout.carving.plan.plan import plan
from carveout.carving.plan.suggestion import Suggestion, steadiness, suggestion
from carveout.carving.plan.text import as_text
from carveout.carving.survey import grouping
from tests.copies import ROOT
from tests.surveys import coupling, grouped, surveyed


def lines(*pairs: tuple[str, str], times: int = 1) -> list[CutLine]:
    """Calls of functions between these apps, five points each."""
    return [
        line(coupling(one, other, number, details={"names": ["call"]}, target_symbol=f"{other}.s"))
        for one, other in pairs
        for number in range(times)
    ]


def every(apps: str, times: int = 1) -> list[CutLine]:
    """Each of these apps needs each of those after it."""
    return lines(*[(one, other) for one in apps for other in apps if one < other], times=times)


PLANTED = [*every("abcd", times=4), *every("efgh", times=4), *every("ijk", times=4)]
PLANTED += lines(("a", "e"), ("f", "i"), ("k", "b"))
APPS = list("abcdefghijk")


# -- Communities -------------------------------------------------------------------------------


def test_planted_communities_are_found():
    found = suggestion(PLANTED, APPS)
    assert sorted(found.contexts.values()) == [list("abcd"), list("efgh"), list("ijk")]
    assert found.hubs == []
    assert found.modularity > 0.5
    assert found.steadiness == 1


def test_a_context_is_named_for_the_app_that_has_most_to_do_with_the_others():
    found = suggestion([*PLANTED, *lines(("c", "a"), ("c", "d"), times=3)], APPS)
    assert found.contexts["c"] == list("abcd")


def test_a_hub_does_not_draw_all_into_one_context():
    hub = lines(*[(app, "core") for app in APPS], times=9)
    found = suggestion([*PLANTED, *hub], [*APPS, "core"])
    assert found.hubs == ["core"]
    assert sorted(found.contexts.values()) == [list("abcd"), ["core"], list("efgh"), list("ijk")]


def test_an_app_that_needs_only_hubs_goes_with_the_hub_that_it_needs_most():
    hub = lines(*[(app, "core") for app in [*APPS, "x"]], times=9)
    found = suggestion([*PLANTED, *hub], [*APPS, "core", "x", "y"])
    assert found.contexts["core"] == ["core", "x"]
    assert found.contexts["y"] == ["y"]


@pytest.mark.parametrize("apps", ["", "a", "ab", "abcd"])
def test_nothing_is_suggested_for_a_handful_of_apps(apps):
    found = suggestion(every(apps), list(apps))
    assert found.contexts == {}
    assert "too few to group" in found.why


def test_nothing_is_suggested_where_every_app_needs_every_other():
    found = suggestion(every("abcdef"), list("abcdef"))
    assert found.contexts == {}
    assert found.hubs == list("abcdef")
    assert "no groups stand out" in found.why


def test_apps_without_couplings_are_no_reason_to_fail():
    assert suggestion([], APPS).contexts == {}


def test_what_is_suggested_can_be_tried():
    found = suggestion(PLANTED, APPS)
    assert grouping.parse(found.line) == found.contexts


def test_what_is_suggested_is_shown_as_an_option_and_as_settings():
    couplings = [each.coupling for each in PLANTED]
    text = as_text(plan(surveyed(couplings, APPS)), [])
    assert '--contexts "d=a,b,c,d; h=e,f,g,h; k=i,j,k"' in text
    assert '      "d": {"apps": ["a", "b", "c", "d"]},\n' in text


def test_where_contexts_are_declared_some_are_suggested_on_demand():
    found = surveyed([each.coupling for each in PLANTED], APPS)
    contexts = dict.fromkeys("abcde", "one") | dict.fromkeys("fghijk", "two")
    found = msgspec.structs.replace(found, contexts=contexts, declared=["one", "two"])
    assert plan(found).suggestion is None
    assert list(plan(found).measures) == ["each app", "declared"]
    asked = plan(found, suggest=True)
    assert asked.suggestion is not None
    assert sorted(asked.suggestion.contexts.values()) == [list("abcd"), list("efgh"), list("ijk")]
    assert asked.measures["suggested"].crossing < asked.measures["declared"].crossing


def test_apps_that_are_in_no_context_are_grouped_beside_those_declared():
    needed = lines(("e", "x"), ("x", "a"), times=3)
    found = surveyed([each.coupling for each in [*PLANTED, *needed]], [*APPS, "x"])
    found = grouped(found, first=["x"])
    grown = plan(found)
    assert grown.suggestion is not None
    assert sorted(grown.suggestion.contexts.values()) == [list("abcd"), list("efgh"), list("ijk")]
    assert grown.suggestion.kept == {"first": ["x"]}
    assert list(grown.measures) == ["each app", "declared", "suggested"]
    text = as_text(grown, [])
    assert text.startswith("1 context declared. 69 couplings to cut with 11 apps that are in no")
    assert "\nSuggested contexts for the apps that are in none\n" in text
    assert '--contexts "first=x; d=a,b,c,d; h=e,f,g,h; k=i,j,k"' in text
    assert '  CARVEOUT["CONTEXTS"] |= {\n' in text
    assert '"first": {' not in text


SCRIPT = """
from tests.unit.test_suggestions import WAVERING, APPS
from carveout.carving.plan.suggestion import suggestion
print(suggestion(WAVERING, APPS))
"""
WAVERING = lines(*[(APPS[n], APPS[(n + far) % 11]) for n in range(11) for far in (1, 3)])
"""So even that another order of apps may well give other groups."""


def test_the_same_project_gets_the_same_suggestion_in_every_process():
    told = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            cwd=ROOT,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "PYTHONHASHSEED": seed,
                "DJANGO_SETTINGS_MODULE": "shop.settings",
            },
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(told) == 1
    assert "Suggestion(" in told.pop()


def test_the_order_in_which_couplings_are_found_does_not_matter():
    assert suggestion(WAVERING[::-1], APPS[::-1]) == suggestion(WAVERING, APPS)


def test_communities_come_with_the_best_first():
    found = communities(graph(WAVERING, APPS), APPS)
    values = [value for value, _ in found]
    assert values == sorted(values, reverse=True)
    assert len({str(groups) for _, groups in found}) > 1


def test_steadiness_is_the_share_of_pairs_that_stay_together():
    groups = [["a", "b", "c"], ["d", "e"]]  # ab ac bc de
    assert steadiness(groups, [groups]) == 1
    assert steadiness(groups, [[["a", "b"], ["c", "d", "e"]]]) == 2 / 4  # ab de
    assert steadiness(groups, [groups, [["a", "b"], ["c", "d", "e"]]]) == 3 / 4
    assert steadiness(groups, [[["a"], ["b"], ["c"], ["d"], ["e"]]]) == 0


def test_weak_and_wavering_groups_make_the_plan_less_sure():
    found = plan(surveyed([each.coupling for each in WAVERING], APPS))
    assert isinstance(found.suggestion, Suggestion)
    assert found.suggestion.modularity < 0.3
    assert found.suggestion.steadiness < 0.8
    reasons = [each.text for each in found.surety.reasons if each.lowers]
    assert any("the groups are weak" in each for each in reasons)
    assert any("stay together from other starting points" in each for each in reasons)


# -- Measures, worked out by hand --------------------------------------------------------------

#   a - b - c   d       one = a, b, c; two = d, e
#        \_____/ \
#                 e     a-b, b-c, d-e within, b-d between; 1, 2, 3 and 4 points
EDGES = {("a", "b"): 1.0, ("b", "c"): 2.0, ("d", "e"): 3.0, ("b", "d"): 4.0}
GROUPING = {"one": ["a", "b", "c"], "two": ["d", "e"]}
SINGLE = {app: [app] for app in "abcde"}


def test_structural_modularity_is_cohesion_less_coupling():
    cohesion = (2 / 9 + 1 / 4) / 2
    coupling_of_both = 1 / 6
    assert modularity(GROUPING, EDGES) == pytest.approx(cohesion - coupling_of_both)
    assert modularity(SINGLE, EDGES) == pytest.approx(0 - 4 / 10)
    assert modularity({"all": list("abcde")}, EDGES) == pytest.approx(4 / 25)
    assert modularity({}, {}) == 0


def test_the_share_that_crosses_is_counted_in_points():
    assert crossing(GROUPING, EDGES) == pytest.approx(4 / 10)
    assert crossing(SINGLE, EDGES) == 1
    assert crossing({"all": list("abcde")}, EDGES) == 0
    assert crossing(SINGLE, {}) == 0


def test_interfaces_are_symbols_that_other_contexts_use():
    def of(source: str, target: str, symbol: str, file: str = "x.py") -> CutLine:
        return line(coupling(source, target, target_symbol=f"{target}.{symbol}", file=file))

    uses = [of("a", "d", "x"), of("b", "d", "x"), of("b", "e", "y"), of("d", "c", "z")]
    uses += [of("a", "b", "within"), of("a", "d", "only", "a/tests.py"), of("a", "stranger", "x")]
    assert interfaces(GROUPING, uses) == pytest.approx(3 / 2)
    assert interfaces(SINGLE, uses) == pytest.approx(4 / 5)
    assert interfaces({}, []) == 0


def test_extreme_is_the_share_of_modules_in_contexts_far_from_the_average():
    sizes = {"a": 10, "b": 10, "c": 10, "d": 10, "e": 1}
    assert extreme(GROUPING, sizes) == 1 - 41 / 41  # 30 and 11, on average 20.5
    assert extreme(SINGLE, sizes) == pytest.approx(1 - 40 / 41)  # 8.2 on average, 1 is extreme
    unknown = {"one": ["a"], "two": ["x"]}
    assert extreme(unknown, {"a": 30}) == pytest.approx(1 / 31)  # who has no size counts as one
    assert extreme({}, {}) == 0
