"""The plan of projects that don't exist: cost, order, circles, how sure, and what it prints."""

import json

import msgspec
import pytest

from carveout.carving.plan.cut_line import line
from carveout.carving.plan.cycles import cycles
from carveout.carving.plan.libraries import libraries
from carveout.carving.plan.plan import Plan, plan
from carveout.carving.plan.text import as_json, as_text, heading
from carveout.carving.recorder.recording import read
from carveout.carving.survey.coupling import EVERY, Coupling
from carveout.carving.survey.dangers.danger import Danger
from carveout.carving.survey.unread import Gap
from carveout.errors import SettingsInvalid
from tests.surveys import LARGE, coupling, grouped, surveyed


def key(source: str, target: str, **changes: object) -> Coupling:
    """A foreign key that nothing follows: 8 points."""
    fields = {"kind": "relation", "form": "foreign key", "source_symbol": f"{source}.Row.{target}"}
    return coupling(source, target, **{**fields, **changes})


def link(source: str, target: str, number: int = 0) -> Coupling:
    """A URL name: half a point."""
    return coupling(source, target, number, kind="url", form="reverse")


def danger(app: str) -> Danger:
    return Danger(
        kind="mail in transaction",
        app=app,
        symbol=f"{app}.services.place",
        file=f"{app}/services.py",
        line=7,
        target_symbol="send_mail",
        text="send_mail reaches mail inside a transaction",
    )


def steps(found: Plan) -> list[tuple[str, float]]:
    return [(each.context, each.points) for each in found.order]


# -- Cost and order ----------------------------------------------------------------------------


def test_a_context_costs_its_couplings_in_both_directions_and_its_dangers():
    found = surveyed([key("orders", "stock"), link("stock", "orders")], ["orders", "stock"])
    found = msgspec.structs.replace(found, dangers=[danger("stock"), danger("stock")])
    costs = plan(found).costs
    assert costs["orders"].points == 8.5
    assert costs["stock"].points == 8.5 + 2 * 3
    assert costs["orders"].needs == {"stock": 8}
    assert costs["orders"].needed_by == {"stock": 0.5}
    assert plan(found).points == 8.5


def test_dangers_in_no_context_come_before_all():
    found = surveyed([key("a", "b")], ["a", "b"])
    found = msgspec.structs.replace(found, dangers=[danger("(project)"), danger("a")])
    assert [each.app for each in plan(found).dangers] == ["(project)"]
    text = as_text(plan(found), [])
    assert text.index("(project)/services.py:7: ") < text.index("Order of carving")


def test_what_is_not_sure_counts_half_and_what_only_tests_need_a_quarter():
    assert line(key("a", "b")).points == 8
    assert line(key("a", "b", sure=False)).points == 4
    assert line(key("a", "b", file="a/tests/test_it.py")).points == 2
    assert line(key("a", "b", file="a/tests/test_it.py", sure=False)).points == 1


def test_the_cheapest_goes_first_and_the_rest_is_counted_anew():
    couplings = [key("a", "b"), key("b", "c"), link("c", "d")]
    found = plan(surveyed(couplings, ["a", "b", "c", "d"]))
    assert steps(found) == [("d", 0.5), ("a", 8), ("b", 8), ("c", 0)]
    assert [each.alone for each in found.order] == [0.5, 8, 16, 8.5]


def test_who_has_the_accounts_goes_last():
    found = surveyed([link("a", "people"), key("a", "b")], ["a", "b", "people"])
    assert steps(plan(found)) == [("people", 0.5), ("a", 8), ("b", 0)]
    kept = plan(found, accounts="people")
    assert steps(kept) == [("b", 8), ("a", 0.5), ("people", 0)]
    assert "it owns the accounts, which all need" in kept.order[-1].why


def test_each_place_in_the_order_is_explained():
    couplings = [key("a", "b"), key("b", "c"), link("c", "d")]
    found = msgspec.structs.replace(surveyed(couplings, ["a", "b", "c", "d", "e"]))
    found = msgspec.structs.replace(found, dangers=[danger("b")])
    why = {each.context: each.why for each in plan(found).order}
    assert why["e"] == "nothing has to be cut."
    assert why["d"] == "cheapest of 4; coupled with c only."
    assert why["b"] == (
        "what is left once all others are carved; 16 points fewer than at the start: earlier steps"
        " cut them; 1 danger to fix (3 points)."
    )


def test_couplings_with_what_stays_are_told_apart():
    couplings = [key("a", "b"), key("a", "core"), key("b", "auth"), key("(project)", "a")]
    found = surveyed(couplings, ["a", "b", "core"])
    found = msgspec.structs.replace(found, kernels=["core"], third_party=["auth"])
    costs = plan(found).costs
    assert {each: (cost.points, cost.apart) for each, cost in costs.items()} == {
        "a": (8, 2),
        "b": (8, 1),
    }


def test_a_receiver_of_every_app_is_counted_where_it_is():
    every = coupling("a", EVERY, kind="receiver", form="no sender")
    found = plan(surveyed([every], ["a", "b"]))
    assert found.costs["a"].points == 8
    assert found.costs["b"].points == 0


def test_apps_of_one_context_are_carved_together():
    found = surveyed([key("a", "b"), link("b", "c"), key("c", "d")], ["a", "b", "c", "d"])
    contexts = {"a": "left", "b": "left", "c": "right", "d": "d", "(project)": "(project)"}
    found = msgspec.structs.replace(found, contexts=contexts, declared=["left", "right"])
    assert steps(plan(found)) == [("left", 0.5), ("right", 8), ("d", 0)]


def test_apps_in_no_context_are_ranked_after_those_that_are_declared():
    """The accounts go last, whoever has them."""
    couplings = [key("mail", "orders"), link("orders", "stock"), link("stock", "people")]
    found = grouped(surveyed(couplings, ["mail", "orders", "stock", "people"]), mail=["mail"])
    ranked = plan(found, accounts="people")
    assert ranked.further == ["orders", "people", "stock"]
    assert steps(ranked) == [("mail", 8), ("orders", 0.5), ("stock", 0.5), ("people", 0)]
    assert [each.why.partition(";")[0] for each in ranked.order] == [
        "the last declared context",
        "cheapest of 3 that are in no context",
        "cheapest of 2 that are in no context",
        "what is left once all others are carved: it owns the accounts, which all need",
    ]
    text = as_text(ranked, ["stock"])
    assert "stock → people: 0.5 points" in text


def test_contexts_that_need_each_other_in_a_circle_are_named():
    points = {("a", "b"): 8.0, ("b", "c"): 8.0, ("c", "a"): 0.5, ("c", "d"): 3.0, ("e", "a"): 1.0}
    (circle,) = cycles(points)
    assert circle.contexts == ["a", "b", "c"]
    assert circle.cuts == [("c", "a")]
    assert circle.points == 0.5


def test_without_the_cuts_of_a_circle_no_circle_is_left():
    names = "abcdefgh"
    pairs = {(a, b): float(ord(a) * ord(b) % 17 + 1) for a in names for b in names if a != b}
    (circle,) = cycles(pairs)
    assert circle.contexts == list(names)
    assert 0 < circle.points <= sum(pairs.values()) / 2
    assert cycles({pair: cost for pair, cost in pairs.items() if pair not in circle.cuts}) == []


def test_the_order_of_a_circle_counts_what_was_cut_before():
    found = plan(
        surveyed([key("a", "b"), link("b", "a"), link("b", "c"), link("c", "b", 1)], list("abc"))
    )
    assert steps(found) == [("c", 1), ("a", 8.5), ("b", 0)]
    assert found.order[1].both_ways == ["b"]


# -- Tests -------------------------------------------------------------------------------------

IN_TESTS = {"file": "a/tests/test_it.py", "source_symbol": "a.tests.test_it"}


def test_what_only_tests_need_ranks_nothing_and_is_told_beside():
    tests = [key("a", "b", **IN_TESTS), coupling("b", "c", 1, file="b/factories.py")]
    found = plan(surveyed([key("b", "a"), link("c", "a"), *tests], list("abc")))
    assert found.cycles == []
    assert steps(found) == [("c", 0.5), ("a", 8), ("b", 0)]
    assert found.points == 8.5
    assert {each: cost.in_tests for each, cost in found.costs.items()} == {"a": 1, "b": 2, "c": 1}
    assert [(each.source, each.target) for each in found.pairings_in_tests] == [
        ("a", "b"),
        ("b", "c"),
    ]
    assert found.points_in_tests == 2 + 5 / 4
    text = as_text(found, [])
    assert "Only tests need 2 more couplings: 3.2 points, 28% of all." in text
    assert "and 2 pairs that only tests couple: 3.2 points" in text
    assert [each.lines for each in found.pairings_in_tests] == [[], []]


def test_tests_neither_group_apps_nor_part_them():
    apps = list("abcdefgh")
    runs = [key(one, other) for group in ("abcd", "efgh") for one in group for other in group]
    tests = [key(one, other, **IN_TESTS) for one in "abcd" for other in "efgh" for _ in range(9)]
    alone = plan(surveyed(runs, apps))
    beside = plan(surveyed([*runs, *tests], apps))
    assert beside.suggestion == alone.suggestion
    assert beside.measures == alone.measures


def test_apps_of_tests_are_no_contexts_and_their_dangers_endanger_nobody():
    found = surveyed([key("a", "b")], ["a", "b"])
    found = msgspec.structs.replace(found, tests=["qa"], dangers=[danger("qa"), danger("a")])
    assert [*plan(found).costs] == ["a", "b"]
    assert plan(found).dangers == []
    assert "Apps of tests, which are not contexts: qa." in as_text(plan(found), [])


# -- Layers ------------------------------------------------------------------------------------


def page(of: str, target: str, number: int = 0, module: str = "") -> Coupling:
    file, symbol = f"{of}/{module or target}.py", f"{of}.{module or target}.show"
    return coupling(of, target, number, file=file, source_symbol=symbol)


def layered(*more: Coupling) -> list[str]:
    pages = [page("api", target) for target in "abcd"]
    return [each.app for each in plan(surveyed([*pages, *more], [*"abcde", "api"])).layers]


def test_an_app_of_pages_that_needs_nearly_all_is_a_layer():
    assert layered() == ["api"]
    assert layered(link("a", "api")) == ["api"]
    assert layered(link("a", "api"), link("b", "api")) == [], "others build on it"
    few = [page("api", target) for target in "ab"]
    assert plan(surveyed(few, [*"abcde", "api"])).layers == []


def test_an_app_that_does_work_with_all_is_no_layer():
    work = [coupling("orders", target, number) for target in "abcd" for number in range(2)]
    assert plan(surveyed(work, [*"abcde", "orders"])).layers == []
    in_tests = [coupling("api", target, file="api/tests/test_views.py") for target in "abcd"]
    assert plan(surveyed(in_tests, [*"abcde", "api"])).layers == []


def test_modules_go_to_the_context_that_they_are_mostly_coupled_with():
    mixed = [page("api", "a", 1, "mixed"), page("api", "b", 2, "mixed"), page("api", "a", 3, "b")]
    twice = [page("api", "b", 4), page("api", "b", 5, "b.more")]
    pages = [page("api", target) for target in "abcd"]
    found = surveyed([*pages, *mixed, *twice], [*"abcde", "api"])
    (layer,) = plan(grouped(found, left=["a", "b"])).layers
    assert layer.modules == {
        "c": ["api.c"],
        "d": ["api.d"],
        "left": ["api.a", "api.b", "api.mixed"],
    }
    (layer,) = plan(found).layers
    assert layer.modules == {"a": ["api.a"], "b": ["api.b"], "c": ["api.c"], "d": ["api.d"]}


# -- Libraries ---------------------------------------------------------------------------------


def test_a_module_that_many_apps_import_is_a_library_and_moves_once():
    imports = [
        coupling(app, "z", target_symbol="z.prices", details={"names": ["cut"]}) for app in "abcd"
    ]
    assert libraries(imports, apps=9) == {"z.prices"}
    assert libraries(imports, apps=10) == frozenset()
    assert libraries(imports[:3], apps=4) == frozenset()
    found = plan(surveyed(imports, list("abcdz")))
    assert {each.cut.to for pairing in found.pairings for each in pairing.lines} == {"library"}


@pytest.mark.parametrize("file", ["migrations/0001.py", "tests.py"])
def test_what_tests_and_migrations_import_makes_no_library(file):
    imports = [coupling(app, "z", file=f"{app}/{file}") for app in "abcd"]
    assert libraries(imports, apps=5) == frozenset()


# -- What was recorded -------------------------------------------------------------------------

JOIN = {
    "kind": "join",
    "form": "join",
    "source_symbol": "a.services.late",
    "target_symbol": "b.Row",
}


def recorded(tmp_path, couplings: list[object], **more: object):
    path = tmp_path / "recorded.json"
    told = {"couplings": msgspec.to_builtins(couplings), "reached": [], **more}
    path.write_text(json.dumps(told))
    return read(path)


def test_what_was_seen_running_is_added(tmp_path):
    shared = coupling("a", "b", kind="transaction", form="atomic")
    recording = recorded(tmp_path, [shared], spent_s=1.5)
    found = surveyed([link("a", "b")], ["a", "b"])
    assert plan(found).points == 0.5
    assert plan(found, recording).points == 13.5


def test_a_transaction_that_writes_two_models_of_an_app_is_cut_once(tmp_path):
    both = [
        coupling(
            "a", target, kind="transaction", source_symbol="a.f", target_symbol=f"{target}.{model}"
        )
        for target, model in (("b", "One"), ("b", "Two"), ("c", "One"))
    ]
    found = plan(surveyed([], ["a", "b", "c"]), recorded(tmp_path, both))
    assert sorted(each.points for each in found.pairings) == [13, 14]


def test_a_join_that_was_read_from_code_is_not_counted_twice_but_sure(tmp_path):
    guessed = coupling("a", "b", **{**JOIN, "kind": "query", "form": "lookup", "sure": False})
    recording = recorded(tmp_path, [coupling("a", "b", **JOIN)])
    found = surveyed([guessed], ["a", "b"])
    assert plan(found).points == 2.5
    assert plan(found, recording).points == 5
    assert len(plan(found, recording).pairings[0].lines) == 1


def test_what_was_seen_running_of_third_party_apps_stays(tmp_path):
    session = coupling("a", "sessions", **{**JOIN, "target_symbol": "sessions.Session"})
    found = plan(surveyed([], ["a", "b"]), recorded(tmp_path, [session]))
    assert found.pairings == []
    assert found.costs["a"].apart == 1


@pytest.mark.parametrize("text", ["", "[]", '{"couplings": 3}', '{"couplings": [7]}', "\x00"])
def test_a_file_that_is_no_recording_is_refused(text, tmp_path):
    path = tmp_path / "recorded.json"
    path.write_text(text)
    with pytest.raises(SettingsInvalid, match=r"recorded\.json"):
        read(path)
    with pytest.raises(SettingsInvalid, match="nowhere"):
        read(tmp_path / "nowhere.json")


# -- Confidence --------------------------------------------------------------------------------


def lowering(found: Plan) -> list[str]:
    return [each.text for each in found.surety.reasons if each.lowers]


def test_a_plan_is_sure_if_all_was_read_and_recorded(tmp_path):
    found = surveyed([link("a", "b")], ["a", "b"])
    assert plan(found, recorded(tmp_path, [])).surety.level == "high"
    assert plan(found, recorded(tmp_path, [], reached=None)).surety.level == "middle"
    assert plan(found).surety.level == "middle"
    (reason,) = lowering(plan(found))
    assert reason.startswith("nothing was recorded")


def test_guesses_and_what_could_not_be_read_make_a_plan_less_sure(tmp_path):
    guesses = [link("a", "b"), coupling("a", "b", 1, sure=False)]
    found = surveyed(guesses, ["a", "b"])
    found = msgspec.structs.replace(
        found, unread=[Gap("URL module", "shop.urls", error="no module")]
    )
    missed = plan(found, recorded(tmp_path, [], unreached=[f"m{n}" for n in range(400)]))
    assert missed.surety.level == "low"
    assert lowering(missed) == [
        "1 of 2 couplings (50%) are inferred from names alone; they count half",
        "400 of 1500 modules were not reached by the recording",
        "1 could not be read: URL module: shop.urls",
    ]


# -- What it prints ----------------------------------------------------------------------------


BETWEEN = [each for each in LARGE.couplings if each.source != each.target]


@pytest.fixture(scope="module")
def large() -> Plan:
    return plan(LARGE)


def test_a_plan_of_thirty_apps_and_two_thousand_couplings_can_be_read(large):
    text = as_text(large, [])
    assert len(text.splitlines()) < 350
    assert text.startswith(f"30 contexts (each app is one), {len(BETWEEN)} couplings to cut: ")
    assert text.index("Confidence") < text.index("Order of carving") < text.index("Cuts by pair")


def test_a_context_shows_each_of_its_cuts(large):
    name = large.order[0].context
    text = as_text(large, [name])
    lines = [each for pairing in large.pairings for each in pairing.lines]
    own = [each for each in lines if name in (each.coupling.source, each.coupling.target)]
    assert own
    assert text.count(" out of ") == len(own)
    assert all(each.coupling.at in text for each in own)


def test_a_context_that_is_not_there_is_refused(large):
    with pytest.raises(
        SettingsInvalid, match=r"no context nowhere\. Contexts: app_with_a_long_name_0,"
    ):
        as_text(large, ["nowhere"])


def test_json_holds_every_cut(large):
    told = json.loads(as_json(large))
    assert sum(len(each["lines"]) for each in told["pairings"]) == len(BETWEEN)
    assert told["order"][0]["context"] == large.order[0].context
    line = told["pairings"][0]["lines"][0]
    assert {"coupling", "cut", "points"} == set(line)


def test_nothing_is_left_to_carve_only_where_no_coupling_is_left():
    found = surveyed([link("demo", "a")], ["a", "b", "demo"])
    found = grouped(found, a=["a"], b=["b"])
    assert heading(plan(found)) == (
        "Nothing is left to cut between the 2 contexts declared."
        " 1 coupling to cut with 1 app that is in no context: 0.5 points."
    )
    both = msgspec.structs.replace(found, couplings=[key("a", "b"), link("demo", "rest")])
    both = msgspec.structs.replace(both, contexts={**both.contexts, "rest": "rest"})
    assert heading(plan(both)) == (
        "2 contexts declared, 1 coupling to cut between them: 8 points."
        " 1 coupling to cut with 2 apps that are in no context: 0.5 points."
    )
    assert heading(plan(msgspec.structs.replace(both, couplings=[key("a", "b")]))) == (
        "2 contexts, 1 coupling to cut: 8 points."
    )
    assert heading(plan(surveyed([], ["a", "b"]))) == (
        "Nothing is left to carve: no context needs another."
    )


def test_the_command_of_a_cut_is_named():
    text = as_text(plan(surveyed([key("a", "b")], ["a", "b"])), [])
    assert "$ manage.py unlink a.Row.b" in text


def test_the_plan_of_an_empty_project_is_empty():
    text = as_text(plan(surveyed([], [])), [])
    assert text.startswith("Nothing is left to carve")
