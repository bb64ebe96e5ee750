"""Effects of a call and of its event are equal but for what is new each time, and nothing else."""

import json
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carveout.errors import DeclarationInvalid
from carveout.seams.effects.comparing.compare import compare
from carveout.seams.effects.comparing.differences import Difference, compare_errors, excerpts
from carveout.seams.effects.comparing.net_changes import net_changes
from carveout.seams.effects.comparing.rules import Rules
from carveout.seams.effects.comparing.schema import Schema, TableSchema, schema_of_models
from carveout.seams.effects.comparing.time_windows import TimeWindow
from carveout.seams.effects.effects import Effects, Outside, RowImage

ID = {"key": ("id",), "generated": True}
SCHEMA = Schema(
    {
        "customer": TableSchema(**ID, references={"last_id": "order"}, unique=(("email",),)),
        "order": TableSchema(
            **ID, references={"customer_id": "customer", "replaces_id": "order"}, json={"meta"}
        ),
        "line": TableSchema(**ID, references={"order_id": "order"}),
        "ticket": TableSchema(key=("code",), references={"order_id": "order"}),
        "node": TableSchema(**ID, references={"next_id": "node"}),
        "person": TableSchema(key=("customer_id",), references={"customer_id": "customer"}),
        "pet": TableSchema(**ID, references={"person_id": "person"}),
    }
)
EVENTS = "carveout_loggedevent"
KEYS_OF_CALL, KEYS_OF_EVENT = 1_000, 7_000


def noise(*runs, **how):
    """The shapes that differ between two runs of the same handlers: what is random in them."""
    return frozenset(each.shape for each in compare(*runs, **how))


def inserted(table: str, **values: Any) -> RowImage:
    return RowImage(table, None, values)


def updated(table: str, before: dict[str, Any], **values: Any) -> RowImage:
    return RowImage(table, before, {**before, **values})


def event(key: str = "A-1", kind: str = "orders.OrderPlaced", **data: Any) -> RowImage:
    made = {"id": random.random(), "event_id": random.random(), "time": random.random()}
    fixed = {"version": 1, "carries": "", "carried": "", "seam": "a.b"}
    return inserted(EVENTS, **made, **fixed, type=kind, key=key, data=json.dumps(data))


def mail(to: Iterable[str] = ("ada@x.org",), body: str = "Hello", **parts: Any) -> dict[str, Any]:
    fixed = {"from": "shop@x.org", "cc": [], "bcc": [], "reply_to": [], "attachments": []}
    return {**fixed, "to": [*to], "subject": "Order", "body": body, "headers": {}, **parts}


def job(*args: Any, function: str = "texts.jobs.send_sms", queue: str = "q", **kwargs: Any) -> Any:
    return {"library": "rq", "queue": queue, "function": function, "args": args, "kwargs": kwargs}


def effects(*rows: RowImage, **outside: list[Any]) -> Effects:
    return Effects(rows, Outside(**outside))


def shapes(call: Effects, by_event: Effects, *args: Any, **options: Any) -> list[str]:
    return [each.shape for each in compare(call, by_event, SCHEMA, *args, **options)]


# --- at random: what is new each time makes no difference, every mutation does


@dataclass
class World:
    """Effects without keys: references are places in lists."""

    customers: list[dict[str, Any]]
    orders: list[dict[str, Any]]
    lines: list[dict[str, Any]]
    mails: list[dict[str, Any]]
    jobs: list[dict[str, Any]]
    events: list[dict[str, Any]]
    updates: dict[int, dict[str, Any]] = field(default_factory=dict)
    deletes: set[int] = field(default_factory=set)


SMALL = st.integers(0, 3)
WORD = st.sampled_from(["ink", "pen", "tea"])


def one_of(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(st.fixed_dictionaries(fields), min_size=1, max_size=5)


WORLDS = st.builds(
    World,
    customers=one_of(name=WORD),
    orders=one_of(customer=SMALL, replaces=SMALL, total=SMALL, note=SMALL),
    lines=one_of(order=SMALL, sku=WORD, quantity=SMALL),
    mails=one_of(to=WORD, order=SMALL, text=WORD),
    jobs=one_of(queue=WORD, order=SMALL, text=WORD),
    events=one_of(key=WORD, order=SMALL, total=SMALL),
    updates=st.dictionaries(SMALL, st.fixed_dictionaries({"name": WORD, "order": SMALL})),
    deletes=st.sets(st.integers(10, 13)),
)


class Rendering:
    """A world as the effects of one side, with keys and an order of its own."""

    def __init__(self, world: World, first_key: int, seed: int) -> None:
        self._world, self._first, self._random = world, first_key, random.Random(seed)
        self._keys = {
            name: self._random.sample(range(first_key, first_key + 50), len(rows))
            for name, rows in vars(world).items()
            if name in ("customers", "orders", "lines")
        }

    def key(self, name: str, place: int) -> int:
        return self._keys[name][place % len(self._keys[name])]

    def effects(self) -> Effects:
        rows = [*self._customers(), *self._orders(), *self._lines(), *self._existing()]
        self._random.shuffle(rows)
        rows += self._queued(self._world.events, "key", self._event)
        mails = self._queued(self._world.mails, "to", self._mail)
        jobs = self._queued(self._world.jobs, "queue", self._job)
        return effects(*rows, mails=mails, jobs=jobs)

    def _queued(self, all_: list[Any], name: str, made: Callable[[Any], Any]) -> list[Any]:
        """One queue after the other, in an order of this side."""
        queues = defaultdict(list)
        for each in all_:
            queues[each[name]].append(made(each))
        return [each for key in self._random.sample([*queues], len(queues)) for each in queues[key]]

    def _customers(self) -> Iterable[RowImage]:
        for place, row in enumerate(self._world.customers):
            yield inserted("customer", id=self.key("customers", place), email=f"{place}@x", **row)

    def _orders(self) -> Iterable[RowImage]:
        for place, row in enumerate(self._world.orders):
            yield inserted(
                "order",
                id=self.key("orders", place),
                customer_id=self.key("customers", row["customer"]),
                replaces_id=self.key("orders", row["replaces"]) if row["replaces"] else None,
                total=Decimal(row["total"]) / 2,
                meta=json.dumps({"a": row["note"], "b": 1}),
            )

    def _lines(self) -> Iterable[RowImage]:
        for place, row in enumerate(self._world.lines):
            order = self.key("orders", row["order"])
            values = {"sku": row["sku"], "quantity": row["quantity"], "path": f"/{order}/"}
            yield inserted("line", id=self.key("lines", place), order_id=order, **values)

    def _existing(self) -> Iterable[RowImage]:
        for key, values in self._world.updates.items():
            before = {"id": key, "name": "?", "last_id": None, "email": f"old {key}"}
            after = {"name": values["name"], "last_id": self.key("orders", values["order"])}
            yield updated("customer", before, **after)
        for key in self._world.deletes:
            yield RowImage("customer", {"id": key, "name": "?"}, None)

    def _event(self, values: dict[str, Any]) -> RowImage:
        order = self.key("orders", values["order"])
        return event(values["key"], order=order, total=values["total"])

    def _mail(self, values: dict[str, Any]) -> dict[str, Any]:
        body = f"{values['text']}: see https://x.org/orders/{self.key('orders', values['order'])}/"
        return mail([values["to"]], body)

    def _job(self, values: dict[str, Any]) -> dict[str, Any]:
        order = self.key("orders", values["order"])
        return job(order, queue=values["queue"], text=values["text"])


@settings(max_examples=60, deadline=None)
@given(WORLDS, SMALL, SMALL, st.sampled_from([KEYS_OF_CALL, KEYS_OF_EVENT]))
def test_keys_and_the_order_of_rows_make_no_difference(world, one, other, first_key):
    call = Rendering(world, KEYS_OF_CALL, one).effects()
    assert compare(call, Rendering(world, first_key, other).effects(), SCHEMA) == []


def change(name: str, column: str, value: Any) -> Callable[[World, int], None]:
    def mutate(world: World, place: int) -> None:
        rows = getattr(world, name)
        rows[place % len(rows)][column] = value

    return mutate


def drop(name: str) -> Callable[[World, int], None]:
    return lambda world, place: getattr(world, name).pop(place % len(getattr(world, name)))


def double(name: str) -> Callable[[World, int], None]:
    def mutate(world: World, place: int) -> None:
        rows = getattr(world, name)
        rows.insert(place, deepcopy(rows[place % len(rows)]))

    return mutate


def put(name: str, key: int, value: Any) -> Callable[[World, int], None]:
    return lambda world, place: getattr(world, name).__setitem__(key, value)


UPDATE = {"name": "cat", "order": 0}
MUTATIONS = {
    "wrong amount": (change("orders", "total", 9), "order"),
    "wrong JSON": (change("orders", "note", 9), "order"),
    "wrong column": (change("customers", "name", "cat"), "customer"),
    "wrong quantity": (change("lines", "quantity", 9), "line"),
    "missing row": (drop("lines"), "line"),
    "extra row": (double("lines"), "line"),
    "wrong update": (put("updates", 1, UPDATE), "customer"),
    "missing delete": (lambda world, _: world.deletes.clear(), "customer"),
    "mail lost": (drop("mails"), "mail"),
    "extra mail": (double("mails"), "mail"),
    "stale mail": (change("mails", "text", "cat"), "mail"),
    "job lost": (drop("jobs"), "job send_sms"),
    "job doubled": (double("jobs"), "job send_sms"),
    "wrong argument": (change("jobs", "text", "cat"), "job send_sms"),
    "event lost": (drop("events"), "event orders.OrderPlaced"),
    "event doubled": (double("events"), "event orders.OrderPlaced"),
    "wrong field": (change("events", "total", 9), "event orders.OrderPlaced"),
    "wrong key": (change("events", "key", "cat"), "event orders.OrderPlaced"),
}


@pytest.mark.parametrize("name", MUTATIONS)
@settings(max_examples=10, deadline=None)
@given(WORLDS, SMALL, SMALL)
def test_every_mutation_is_found(name, world, place, seed):
    mutate, subject = MUTATIONS[name]
    world.deletes.add(10)
    mutant = deepcopy(world)
    mutate(mutant, place)
    call = Rendering(world, KEYS_OF_CALL, seed).effects()
    found = shapes(call, Rendering(mutant, KEYS_OF_EVENT, seed).effects())
    assert any(shape.startswith(subject) for shape in found), found


@settings(max_examples=40, deadline=None)
@given(WORLDS, SMALL, st.sampled_from([KEYS_OF_CALL, KEYS_OF_EVENT]))
def test_a_line_of_another_order_is_found(world, seed, first_key):
    world.orders += [{"customer": 0, "replaces": 0, "total": each, "note": 0} for each in (8, 9)]
    world.lines.append({"order": len(world.orders) - 1, "sku": "ink", "quantity": 1})
    mutant = deepcopy(world)
    mutant.lines[-1]["order"] -= 1
    call = Rendering(world, KEYS_OF_CALL, seed).effects()
    found = shapes(call, Rendering(mutant, first_key, seed).effects())
    assert {*found} & {"line.order_id", "order: missing"}


# --- order


@pytest.mark.parametrize(
    ("call", "other", "expected"),
    [
        (
            effects(event(total=1), event(total=2), event("B")),
            effects(event("B"), event(total=2), event(total=1)),
            "order of events of a key",
        ),
        (
            effects(mails=[mail(body="1"), mail(body="2"), mail(["bob@x.org"])]),
            effects(mails=[mail(["bob@x.org"]), mail(body="2"), mail(body="1")]),
            "order of mails",
        ),
        (
            effects(jobs=[job(1), job(2), job(queue="slow")]),
            effects(jobs=[job(queue="slow"), job(2), job(1)]),
            "order of jobs",
        ),
    ],
)
def test_the_order_counts_within_a_key_a_recipient_and_a_queue(call, other, expected):
    assert shapes(call, other) == [expected]


def test_what_is_missing_is_not_another_order_too():
    call = effects(jobs=[job(1), job(1), job(2), job(1)])
    assert shapes(call, effects(jobs=[job(1), job(2), job(1)])) == ["job send_sms: missing"]


# --- net changes


def test_only_the_net_change_of_a_row_counts():
    new, old = {"id": 5, "name": "a"}, {"id": 1, "name": "x"}
    gone = {"id": 2, "name": "gone"}
    images = [
        RowImage("customer", None, new),
        RowImage("customer", new, {**new, "name": "b"}),
        RowImage("customer", None, {"id": 6, "name": "short"}),
        RowImage("customer", {"id": 6, "name": "short"}, None),
        RowImage("customer", old, {**old, "name": "y"}),
        RowImage("customer", {**old, "name": "y"}, old),
        RowImage("customer", gone, None),
        RowImage("customer", None, {**gone, "name": "back"}),
        RowImage("unknown", None, {"a": 1}),
        RowImage("unknown", {"a": 1}, {"a": 2}),
    ]
    assert [each[1:] for each in net_changes(images, SCHEMA)] == [
        ((5,), None, {"id": 5, "name": "b"}),
        ((2,), gone, {"id": 2, "name": "back"}),
        (None, None, {"a": 2}),
    ]


def test_tables_that_django_does_not_know_are_compared_by_whole_rows():
    call = effects(inserted("legacy", a=1, b=2), RowImage("legacy", {"a": 3}, None))
    assert shapes(call, effects(*reversed(call.rows))) == []
    assert shapes(call, effects(inserted("legacy", a=1, b=3))) == [
        *("legacy.b", "legacy: delete missing"),
    ]


# --- rows


ORDER = inserted("order", id=5, total=1)


def test_rows_with_the_same_natural_key_are_told_as_one():
    call = effects(inserted("customer", id=5, email="a", name="Ada", city="x", zip=1))
    other = effects(inserted("customer", id=9, email="a", name="Bob", city="y", zip=2))
    assert compare(call, other, SCHEMA)[1] == Difference("customer.name", "Ada", "Bob")
    assert shapes(call, other) == ["customer.city", "customer.name", "customer.zip"]


def test_a_natural_key_may_be_a_reference():
    def person(key: int, **values: Any) -> Effects:
        owner = inserted("customer", id=key, email="a")
        return effects(owner, inserted("person", customer_id=key, **values))

    assert shapes(person(5, a=1), person(9, a=1)) == []
    assert shapes(person(5, a=1, b=1, c=1), person(9, a=2, b=2, c=2)) == [
        *("person.a", "person.b", "person.c"),
    ]


def test_a_reference_may_be_to_a_row_whose_key_is_a_reference():
    def pet(key: int, of: int) -> Effects:
        owners = [(inserted("customer", id=each, email=str(each - key))) for each in (key, key + 1)]
        people = [inserted("person", customer_id=each) for each in (key, key + 1)]
        return effects(*owners, *people, inserted("pet", id=key + 7, person_id=key + of))

    assert shapes(pet(5, of=1), pet(50, of=1)) == []
    assert shapes(pet(5, of=1), pet(50, of=0)) == ["pet.person_id"]
    assert shapes(pet(5, of=1), pet(6, of=0)) == ["pet.person_id"], "both are 6"


def test_rows_that_have_little_in_common_are_not_told_as_one():
    call = effects(inserted("line", id=5, sku="a", quantity=1, price=2, unit="kg"))
    other = effects(inserted("line", id=9, sku="b", quantity=7, price=9, unit="kg"))
    assert shapes(call, other) == ["line: missing", "line: extra"]


def test_a_difference_is_not_told_again_by_what_refers_to_the_row():
    def shop(key: int, total: int) -> Effects:
        rows = [inserted("order", id=key, total=total), inserted("line", id=key, order_id=key)]
        tell = {"mails": [mail(body=f"Order {key}")], "jobs": [job(key)]}
        return effects(*rows, inserted("ticket", code="T", order_id=key), event(order=key), **tell)

    assert shapes(shop(5, 1), shop(9, 2)) == ["order.total"]


def test_many_rows_that_refer_to_rows_that_differ_are_equal():
    def shop(first: int, name: str) -> list[RowImage]:
        keys = range(first, first + 300)
        customers = [inserted("customer", id=key, email=key - first, name=name) for key in keys]
        return [*customers, *(inserted("order", id=9 * key, customer_id=key) for key in keys)]

    found = compare(effects(*shop(500, "a")), effects(*shop(1_000, "b")[::-1]), SCHEMA)
    assert [each.shape for each in found] == ["customer.name"] * 201


def test_rows_alike_of_a_row_that_differs_are_all_the_same():
    def shop(first: int, name: str, told: int) -> Effects:
        orders = [inserted("order", id=first + each, customer_id=first) for each in range(3)]
        customer = inserted("customer", id=first, email="a", name=name)
        return effects(customer, *orders, jobs=[job(first + told)])

    assert shapes(shop(50, "a", told=1), shop(90, "b", told=2)) == ["customer.name"]


@pytest.mark.parametrize("next_ids", [(0,), (1, 0), (1, 2, 0), (1, 2, 3, 4, None), (2, 2, 2)])
def test_chains_and_cycles_of_references_end(next_ids):
    def nodes(first: int) -> Effects:
        keys = [first + place for place in range(len(next_ids))]
        ends = [None if each is None else keys[each] for each in next_ids]
        pairs = zip(keys, ends, strict=True)
        return effects(*(inserted("node", id=key, next_id=end) for key, end in pairs))

    assert shapes(nodes(5), nodes(20)) == []
    changed = [*nodes(20).rows]
    changed[-1] = inserted("node", id=changed[-1].after["id"], next_id=None)
    if next_ids[-1] is not None:
        assert shapes(nodes(5), effects(*changed)) != []


def test_rows_alike_are_told_apart_by_what_refers_to_them():
    def split(*owners: int) -> Effects:
        orders = [inserted("order", id=key, total=1) for key in (5, 6)]
        lines = [
            inserted("line", id=ord(sku), sku=sku, order_id=key)
            for sku, key in zip("ab", owners, strict=True)
        ]
        return effects(*orders, *lines)

    assert shapes(split(5, 6), split(6, 5)) == []
    assert shapes(split(5, 6), split(5, 5)) == ["line.order_id"]


def test_an_existing_row_is_no_new_one():
    call = effects(ORDER, inserted("line", id=5, order_id=5))
    assert shapes(call, effects(ORDER, inserted("line", id=5, order_id=1))) == ["line.order_id"]


def test_an_update_is_compared_by_the_columns_that_either_side_changed():
    before = {"id": 1, "status": "placed", "note": "", "seen": "whatever"}
    call = effects(updated("order", before, status="paid"))
    there = {**before, "seen": "elsewhere"}
    assert shapes(call, effects(updated("order", there, status="paid"))) == []
    assert compare(call, effects(), SCHEMA) == [Difference("order.status", "paid", "placed")]
    assert shapes(effects(), call) == ["order.status"]
    assert shapes(call, effects(updated("order", before, status="paid", note="x"))) == [
        "order.note"
    ]


def test_an_update_may_refer_to_an_inserted_row():
    def last(first: int, place: int) -> Effects:
        orders = [inserted("order", id=first + each, total=each) for each in range(2)]
        line = inserted("line", id=first + 1)
        before = {"id": 1, "last_id": None}
        return effects(*orders, line, updated("customer", before, last_id=first + place))

    assert shapes(last(5, 0), last(15, 0)) == []
    assert shapes(last(5, 0), last(4, 1)) == ["customer.last_id"], "both are 5"
    assert shapes(last(5, 1), last(15, 0)) == ["customer.last_id"]


def test_deletes_are_compared_by_key():
    gone = effects(RowImage("order", {"id": 1, "seen": 1}, None))
    assert shapes(gone, effects(RowImage("order", {"id": 1, "seen": 2}, None))) == []
    assert shapes(gone, effects()) == ["order: delete missing"]
    assert shapes(effects(), gone) == ["order: delete extra"]
    update = effects(updated("order", {"id": 1, "seen": 1}, seen=2))
    assert shapes(gone, update) == ["order: delete missing"]


def test_keys_that_say_something_count():
    call, other = (effects(inserted("ticket", code=code, a=1, b=2)) for code in "AB")
    assert shapes(call, other) == ["ticket.code"]


def test_json_in_columns_has_no_order():
    call = effects(inserted("order", id=5, meta='{"a": 1, "b": 2}'))
    assert shapes(call, effects(inserted("order", id=5, meta='{"b": 2, "a": 1}'))) == []
    assert shapes(call, effects(inserted("order", id=5, meta={"b": 2, "a": 1.0}))) == []
    assert shapes(call, effects(inserted("order", id=5, meta='{"a": 1, "b": true}'))) != []


# --- keys inside values


def test_a_number_is_a_key_only_where_the_sides_differ():
    """In an amount too, 5 and 9 may be keys; then it has to be the same row on both sides."""
    call = effects(ORDER, jobs=[job(5, 5), job("order-5", amount="5.50")])
    assert shapes(call, effects(inserted("order", id=9, total=1), jobs=call.outside.jobs)) == []
    other = [job(9, 5), job("order-9", amount="9.50")]
    found = shapes(call, effects(inserted("order", id=9, total=1), jobs=other))
    assert found == ["job send_sms.kwargs.amount"]


def test_keys_of_rows_that_differ_are_not_the_same():
    two = [inserted("order", id=key, total=key % 2) for key in (5, 6)]
    there = [inserted("order", id=key, total=key % 2) for key in (15, 16)]
    assert shapes(effects(*two, jobs=[job(5)]), effects(*there, jobs=[job(15)])) == []
    assert shapes(effects(*two, jobs=[job(5)]), effects(*there, jobs=[job(16)])) == [
        "job send_sms.args.0"
    ]


def test_a_key_that_rows_of_two_tables_have_may_mean_either():
    lines = [inserted("line", id=key, sku=f"{key % 10}") for key in range(5, 8)]
    there = [inserted("line", id=key, sku=f"{key % 10}") for key in range(15, 18)]
    orders = [inserted("order", id=key, total=key % 5) for key in range(5, 8)]
    others = [inserted("order", id=key, total=key % 5) for key in range(17, 14, -1)]
    shift = [inserted("order", id=key + 3, total=key % 5) for key in range(15, 18)]
    call = effects(*orders, *lines, jobs=[job(5, function="a"), job(6, function="b", queue="r")])
    same = [job(16, function="b", queue="r"), job(15, function="a")]
    assert shapes(call, effects(*others, *there, jobs=same)) == []
    moved = [job(19, function="b", queue="r"), job(18, function="a")]
    assert shapes(call, effects(*shift, *there, jobs=moved)) == []


@pytest.mark.parametrize("keys", [(15, 16, 17), (7, 6, 5), (6, 7, 5)])
@pytest.mark.parametrize("first_line", [50, 16])
def test_columns_without_a_foreign_key_may_have_keys(keys, first_line):
    """Also if the database uses keys again in another order, or another table has them too."""

    def shop(keys: Iterable[int], first_line: int, name: str = "") -> list[RowImage]:
        orders = [inserted("order", id=key, total=total) for total, key in enumerate(keys)]
        lines = [inserted("line", id=first_line + n, path=f"/{key}/") for n, key in enumerate(keys)]
        return [*orders, *lines, inserted("customer", id=99, email="a", name=name)]

    call, other = shop((5, 6, 7), 80), shop(keys, first_line)
    assert shapes(effects(*call), effects(*reversed(other))) == []
    other[4] = inserted("line", id=first_line + 1, path="/1/")
    assert shapes(effects(*call), effects(*reversed(other))) == ["line.path"]
    if not {*keys} & {5, 6, 7}:
        named = shop(keys, first_line, "Ada")
        assert shapes(effects(*call), effects(*reversed(named))) == ["customer.name"]


def test_many_keys_that_the_database_used_again_in_another_order():
    def shop(keys: Iterable[int]) -> list[RowImage]:
        orders = [inserted("order", id=key, total=total) for total, key in enumerate(keys)]
        lines = [inserted("line", id=key, sku=n, path=f"/{key}/") for n, key in enumerate(keys)]
        return [*orders, *lines]

    keys = range(1_000, 1_300)
    assert shapes(effects(*shop(keys)), effects(*shop([*keys[7:], *keys[:7]])[::-1])) == []


def test_many_amounts_may_be_keys_on_one_side():
    keys = range(300)
    call = effects(ORDER, inserted("line", id=3), jobs=[job(5, 3, n, queue=str(n)) for n in keys])
    rows = [inserted("order", id=900, total=1), inserted("line", id=901)]
    assert shapes(call, effects(*rows, jobs=[job(900, 3, n, queue=str(n)) for n in keys])) == []
    call = effects(inserted("line", id=3), jobs=[job(3, n, queue=str(n)) for n in keys])
    assert shapes(call, effects(rows[1], jobs=call.outside.jobs[::-1])) == []


@pytest.mark.parametrize("hyphens", [True, False])
def test_uuids_are_keys_with_hyphens_and_without(hyphens):
    def of(digit: str) -> Effects:
        groups = [digit * length for length in (8, 4, 4, 4, 12)]
        key = ("-" if hyphens else "").join(groups)
        return effects(inserted("order", id=key), mails=[mail(body=f"/{'-'.join(groups)}/")])

    assert shapes(of("a"), of("b")) == []


# --- events, mails, jobs, requests


def test_what_is_made_for_each_event_does_not_count():
    call = effects(event(total=1))
    assert shapes(call, effects(event(total=1))) == []
    for name, value in {"version": 2, "seam": "c.d", "carries": "x", "carried": "{}"}.items():
        other = event(total=1)
        other.after[name] = value
        assert shapes(call, effects(other)) == [f"event orders.OrderPlaced.{name}"]
    assert shapes(call, effects(event(kind="orders.Other", total=1))) == [
        *("event orders.OrderPlaced: missing", "event orders.Other: extra"),
    ]


def test_data_of_an_event_with_the_name_of_a_column_is_kept_apart():
    call, other = (effects(event(key="A-1", version=number)) for number in (1, 2))
    assert shapes(call, other) == ["event orders.OrderPlaced.data.version"]


def test_recipients_are_sets_and_made_headers_do_not_count():
    call = mail(["a", "b"], headers={"Message-ID": "1", "date": "2", "X-Kind": "3"})
    other = mail(["b", "a"], headers={"Message-ID": "4", "date": "5", "X-Kind": "3"})
    assert shapes(effects(mails=[call]), effects(mails=[other])) == []
    other["headers"]["X-Kind"] = "6"
    assert shapes(effects(mails=[call]), effects(mails=[other])) == ["mail.headers.X-Kind"]


@pytest.mark.parametrize("part", ["subject", "body", "from", "alternatives", "attachments", "to"])
def test_each_part_of_a_mail_counts(part):
    other = effects(mails=[{**mail(), part: ["other"]}])
    assert shapes(effects(mails=[mail()]), other) == [f"mail.{part}"]


def test_jobs_and_requests():
    call = effects(
        jobs=[job(1, to="a")],
        requests=[{"method": "POST", "url": "https://sms.test/1", "body": '{"a": 1, "b": 2}'}],
        unrecordable=["it wrote a file"],
    )
    request = {"method": "POST", "url": "https://sms.test/1", "body": '{"b": 2, "a": 1}'}
    same = effects(jobs=[job(1, to="a")], requests=[request], unrecordable=["it wrote a file"])
    assert shapes(call, same) == []
    other = effects(jobs=[job(1, to="b")], requests=[{**request, "url": "https://sms.test/2"}])
    assert shapes(call, other) == [
        *("job send_sms.kwargs.to", "request POST sms.test.url", "unrecordable: missing"),
    ]


# --- times


NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=10)
WINDOWS = [TimeWindow(each, each + timedelta(seconds=2)) for each in (NOON, LATER)]


@pytest.mark.parametrize(
    ("call", "other"),
    [
        ("2024-05-01T12:00:01.5+00:00", "2024-05-01T12:10:00+00:00"),
        ("2024-05-01T11:59:59.1+00:00", "2024-05-01T12:10:02.9+00:00"),
        ("2024-05-01 12:00:01", "2024-05-01 12:10:01.123456"),
        ("Ordered at 2024-05-01 12:00.", "Ordered at 2024-05-01 12:10."),
        ("2024-05-01T14:00:01+02:00", "2024-05-01T14:10:01+02:00"),
        ("of the call: 2024-05-01T12:00:01Z", "of the call: 2024-05-01T12:00:01Z"),
    ],
)
def test_times_at_which_the_code_ran_are_equal(call, other):
    def at(text: str) -> Effects:
        row, data = inserted("order", id=5, at=text), event(at=text)
        return effects(row, data, mails=[mail(body=text)])

    assert shapes(at(call), at(other), windows=WINDOWS) == []
    assert (call == other) == (shapes(at(call), at(other)) == [])


@pytest.mark.parametrize(
    ("call", "other"),
    [
        ("2024-05-01T12:00:01+00:00", "2024-05-01T12:05:00+00:00"),
        ("2024-05-01T12:00:01+00:00", "2024-05-01T12:10:04+00:00"),
        ("2024-05-01T12:00:01+00:00", "2024-04-30T12:10:01+00:00"),
        ("2024-05-01T12:00:01+00:00", "2024-05-01T12:10:01+02:00"),
        ("2024-05-01 12:00:01", "2024-05-01 14:10:01"),
        ("2024-05-01T12:00:01+00:00", "2024-05-01T14:10:01+02:00"),
        ("2024-05-01", "2024-05-02"),
        ("2024-05-01T12:00:01+00:00", "2024-99-99T12:00:01+00:00"),
        ("2024-05-01T12:00:01+00:00", None),
    ],
)
def test_other_times_count(call, other):
    sides = (effects(inserted("order", id=5, at=text)) for text in (call, other))
    assert shapes(*sides, windows=WINDOWS) == ["order.at"]


def test_a_time_without_seconds_is_the_whole_minute():
    half = NOON + timedelta(seconds=30)
    texts = [f"2024-05-01 {minute}" for minute in ("12:00", "12:10", "12:01")]
    sides = [effects(mails=[mail(body=text)]) for text in texts]
    windows = [TimeWindow(each, each) for each in (half, half + timedelta(minutes=10))]
    assert shapes(*sides[:2], windows=windows) == []
    assert shapes(sides[0], sides[2], windows=windows) == ["mail.body"]


def test_today_is_the_day_of_each_window():
    windows = [TimeWindow(each, each) for each in (NOON, NOON + timedelta(days=1))]
    sides = [effects(inserted("order", id=5, on=f"2024-05-0{day}")) for day in (1, 2, 3)]
    assert shapes(*sides[:2], windows=windows) == []
    assert shapes(sides[0], sides[2], windows=windows) == ["order.on"]


def test_times_without_zone_may_be_local(settings):
    settings.TIME_ZONE = "Asia/Tokyo"
    sides = [effects(inserted("order", id=5, at=f"2024-05-01 21:{at}:01")) for at in ("00", "10")]
    assert shapes(*sides, windows=WINDOWS) == []
    utc = effects(inserted("order", id=5, at="2024-05-01 12:10:01"))
    assert shapes(sides[0], utc, windows=WINDOWS) == ["order.at"], "nine hours are a difference"


# --- rules


def test_rules():
    call = effects(
        inserted("order", id=5, token="abc", total=Decimal(1), note="x"),
        mails=[mail(body="Hello -- footer 1", headers={"X-A": "1"}), mail(["eve"])],
    )
    other = effects(
        inserted("order", id=5, token="xyz", total=Decimal("1.001"), note="x"),
        mails=[mail(body="Hello -- footer 2", headers={"X-A": "2"})],
    )
    everything = {"order.token", "order.total", "mail.body", "mail.headers.X-A", "mail: missing"}
    assert {*shapes(call, other)} == everything
    rules = Rules(
        ignore=["order.token", "mail.headers.*", "mail: *"],
        clean={"mail.bod?": lambda text: text.partition("--")[0]},
        equal_if={"*.total": lambda one, two: abs(one - two) < Decimal("0.01")},
    )
    assert shapes(call, other, rules) == []
    strict = Rules(rules.ignore, rules.clean, {"*.total": lambda *_: False})
    assert shapes(call, other, strict) == ["order.total"]


def test_values_that_are_nearly_equal_meet():
    def lines(*prices: float) -> Effects:
        return effects(*(inserted("line", id=id(price), price=price) for price in prices))

    rules = Rules(equal_if={"line.price": lambda one, two: abs(one - two) < 0.1})
    assert shapes(lines(1.0, 20.0, 3.0), lines(20.01, 3.01, 1.01), rules) == []
    assert shapes(lines(1.0, 20.0, 3.0), lines(20.01, 3.5, 1.01), rules) == ["line.price"]


def test_rules_apply_to_updates_too():
    before = {"id": 1, "total": 0, "token": ""}
    call = effects(updated("order", before, total=10, token="a"))
    other = effects(updated("order", before, total=11, token="b"))
    rules = Rules(ignore=["order.token"], equal_if={"order.total": lambda one, two: one + 1 == two})
    assert shapes(call, other) == ["order.token", "order.total"]
    assert shapes(call, other, rules) == []


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ({"ignore": "mail.body"}, "ignore is 'mail.body'; it must be a list of shapes."),
        ({"ignore": [""]}, "ignore has the shape ''"),
        ({"ignore": ["*"]}, "ignore has the shape '*', which matches every difference."),
        ({"clean": {"mail.body": "strip"}}, "clean['mail.body'] is 'strip'; it must be a function"),
        ({"equal_if": [1]}, "equal_if is [1]; it must be a dict"),
        ({"equal_if": {7: max}}, "equal_if has the shape 7"),
    ],
)
def test_wrong_rules_are_refused(rules, told):
    with pytest.raises(DeclarationInvalid) as refused:
        Rules(**rules)
    assert told in str(refused.value)


def test_noise_is_what_differs_between_two_runs_of_a_handler():
    def run(token: str, total: int = 1) -> Effects:
        row = inserted("order", id=5, token=token, total=total)
        return effects(row, mails=[mail(body=f"Your token: {token}")])

    found = noise(run("first"), run("second"), SCHEMA)
    assert found == {"order.token", "mail.body"}
    rules = Rules().ignoring(found)
    assert shapes(run("call"), run("first"), rules) == []
    assert shapes(run("call"), run("first", total=2), rules) == ["order.total"]


# --- as people read it


def test_long_texts_are_shown_around_their_first_difference():
    call, other = excerpts("x" * 2000 + "call" + "y" * 2000, "x" * 2000 + "event" + "y" * 2000)
    assert len(call) == len(other) == 500
    assert call.startswith("…x") and "xcally" in call and "xeventy" in other
    assert excerpts("short", "sharp") == ("short", "sharp")
    assert excerpts("", "z" * 900) == ("", "z" * 499 + "…")


def test_errors():
    assert compare_errors("", "") == []
    assert compare_errors("", "ValueError: no") == [Difference("raised", "", "ValueError: no")]


def many(first: int, orders: int, total: int = 1, name: str = "N") -> Effects:
    rows = []
    for number in range(orders):
        key = first + number
        rows.append(inserted("order", id=key, number=f"{name}-{number}", total=total))
        lines = [{"sku": f"S{place}", "quantity": place} for place in range(3)]
        rows += [inserted("line", id=key * 3 + p, order_id=key, **v) for p, v in enumerate(lines)]
    return Effects(rows)


def test_ten_thousand_rows_take_no_seconds():
    call, other = many(100_000, 2_500), Effects(many(900_000, 2_500).rows[::-1])
    began = time.process_time()
    assert compare(call, other, SCHEMA) == []
    assert time.process_time() - began < 4, "it takes 0.5 s on an idle machine"


def test_many_differences_are_bounded():
    found = compare(many(100_000, 300), many(900_000, 300, total=2, name="M"), SCHEMA)
    assert [each.shape for each in found].count("order: missing") == 201
    assert Difference("order: extra", *["… and 100 more"] * 2) in found
    found = compare(many(100_000, 300), many(900_000, 300, total=2), SCHEMA)
    assert [each.shape for each in found] == ["order.total"] * 201


# --- the schema


def test_the_schema_of_the_models():
    schema = schema_of_models()
    order = schema.table("orders_order")
    assert (order.key, order.generated) == (("id",), True)
    assert set(order.unique) == {
        *(("number",), ("import_key",), ("customer_id", "idempotency_key")),
    }
    assert schema.table("orders_orderline").references == {"order_id": "orders_order"}
    groups = schema.table("auth_user_groups")
    assert groups.references == {"user_id": "auth_user", "group_id": "auth_group"}
    assert groups.unique == (("user_id", "group_id"),)
    session = schema.table("django_session")
    assert (session.key, session.generated) == (("session_key",), False)
    assert session.natural_keys == (("session_key",),)
    assert schema.table("nobody") == TableSchema()
