"""Which changes break whom."""

from typing import Any

import msgspec
import pytest

from carveout.contracts.compatibility import incompatibilities
from carveout.contracts.contract import (
    Contract,
    EventType,
    FieldRead,
    Offer,
    Reader,
    SubscriptionUse,
)
from carveout.contracts.violation import in_order

TEXT, NUMBER = {"type": "string"}, {"type": "integer"}
BEFORE = {
    "number": TEXT,
    "email": {"type": "string", "format": "email"},
    "note": TEXT,
    "lines": {"type": "array", "items": {"type": "object", "properties": {"sku": TEXT}}},
}
READ = {
    "number": "string",
    "email": "string",
    "lines": "array",
    "lines[]": "object",
    "lines[].sku": "string",
}


HEARS = "s:1: visitors.come handles shows.Opened; shows.Opened"
AGED = "e:1: shows.Opened changed"
NEW_VERSION = (
    "and is still at version 1. Set version=2 and write an upcaster:"
    ' @carveout.upcast("shows.Opened", version=1).'
)
SEAT = {"type": "object", "properties": {"row": TEXT}, "required": ["row"]}


@pytest.fixture(autouse=True)
def two_contexts(settings):
    settings.CARVEOUT = {"CONTEXTS": {name: {"apps": [name]} for name in ("shows", "visitors")}}


def fields(**changes: Any) -> dict[str, Any]:
    """The schema of BEFORE with some fields changed, or gone if they are None."""
    properties = {**BEFORE, **changes}
    kept = {name: schema for name, schema in properties.items() if schema is not None}
    return {"type": "object", "properties": kept}


def owner(
    event: dict[str, Any] | None, offer: dict[str, Any] | None, key: str = "number", **more: Any
):
    opened = EventType(at="e:1", key=key, schema=event, **more) if event else None
    return Contract(
        context="shows",
        events={"shows.Opened": opened} if opened else {},
        lookups={"shows.show": Offer(at="l:1", key=key, schema=offer)} if offer else {},
        reads={},
        hears={},
    )


def needing(*, hears: bool = False, read: dict[str, str] | None = None) -> Contract:
    read_fields = {
        path: FieldRead(at=f"r:{line}", type=kind)
        for line, (path, kind) in enumerate((read or {}).items(), 2)
    }
    reader = Reader(at="r:1", fields=read_fields)
    hearing = SubscriptionUse(at="s:1", via="rq", asks=[])
    return Contract(
        context="visitors",
        events={},
        lookups={},
        reads={"shows.show": {"visitors.lookups.Show": reader}} if read else {},
        hears={"shows.Opened": {"visitors.come": hearing}} if hears else {},
    )


def told(before: Contract, now: Contract, needs: Contract) -> list[str]:
    contracts = {"shows": now, "visitors": needs}
    return [str(each) for each in in_order(incompatibilities(contracts, {"shows": before}))]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, []),
        ({"more": TEXT}, []),
        ({"number": None}, ["r:2: Show.number reads a field that shows.show does not offer."]),
        (
            {"lines": None},
            ["r:4: Show.lines reads a field that shows.show does not offer."],
        ),
        (
            {"number": NUMBER},
            ["r:2: Show.number; shows.show.number was string and is integer."],
        ),
        (
            {"number": {"type": ["string", "null"]}},
            ["r:2: Show.number; shows.show.number was string and is string or null."],
        ),
        (
            {"email": TEXT},
            [
                "notice: l:1: shows.show.email was string email and is string;"
                " that suits all its readers."
            ],
        ),
        ({"note": None}, ["notice: l:1: shows.show.note is gone; nothing reads it."]),
        (
            {"note": NUMBER},
            ["notice: l:1: shows.show.note was string and is integer; nothing reads it."],
        ),
        (
            {"lines": {"type": "array", "items": {"type": "object", "properties": {}}}},
            ["r:6: Show.lines[].sku reads a field that shows.show does not offer."],
        ),
    ],
)
def test_a_lookups_field_is_missed_by_those_who_name_it(change, expected):
    before, now = owner(None, fields()), owner(None, fields(**change))
    assert told(before, now, needing(read=READ)) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, []),
        ({"more": TEXT}, []),
        ({"note": None}, [f"{AGED} (note is gone) {NEW_VERSION}", f"{HEARS}.note is gone."]),
        (
            {"note": None, "remark": TEXT},
            [f"{AGED} (note is gone) {NEW_VERSION}", f"{HEARS}.note is gone."],
        ),
        (
            {"note": NUMBER},
            [
                f"{AGED} (note was string and is integer) {NEW_VERSION}",
                f"{HEARS}.note was string and is integer.",
            ],
        ),
        (
            {"note": {**TEXT, "format": "email"}},
            [
                "notice: e:1: shows.Opened.note was string and is string email;"
                " that suits all its readers."
            ],
        ),
    ],
)
def test_an_events_field_is_missed_by_those_who_hear_it(change, expected):
    before, now = owner(fields(), None), owner(fields(**change), None)
    assert told(before, now, needing(hears=True)) == expected


def test_a_new_field_is_missed_in_older_events_if_all_must_have_it():
    demanding = {**fields(more=TEXT, seat=SEAT), "required": ["more"]}
    before, now = owner(fields(), None), owner(demanding, None)
    lacking = "more is new and older events lack it"
    assert told(before, now, needing(hears=True)) == [f"{AGED} ({lacking}) {NEW_VERSION}"]
    assert told(before, now, needing()) == [
        "notice: e:1: shows.Opened: older events lack the new more; nothing subscribes to it."
    ]


def test_a_new_version_means_the_change_if_the_old_one_becomes_it():
    changed = {**fields(note=None, more=TEXT), "required": ["more"]}
    before, now = owner(fields(), None), owner(changed, None, version=2, upcasts=[1])
    assert told(before, now, needing(hears=True)) == [
        f"notice: {HEARS}.note is gone since version 2."
    ]


@pytest.mark.parametrize(
    ("was", "now", "upcasts", "missing"),
    [(1, 2, [], [1]), (1, 3, [1], [2]), (1, 3, [], [1, 2]), (2, 3, [2], []), (2, 3, [1], [2])],
)
def test_a_new_version_needs_an_upcaster_from_each_since_the_old_one(was, now, upcasts, missing):
    before = owner(fields(), None, version=was)
    raised = owner(fields(), None, version=now, upcasts=upcasts)
    assert told(before, raised, needing()) == [
        f"e:1: shows.Opened is at version {now}, but no upcaster turns data of version {each}"
        f' into the next. Write an upcaster: @carveout.upcast("shows.Opened", version={each}).'
        for each in missing
    ]


def test_a_version_never_goes_down():
    before, now = owner(fields(), None, version=3), owner(fields(), None, version=1)
    assert told(before, now, needing()) == [
        "e:1: shows.Opened was at version 3 and is at 1, but the log holds events of version 3."
        " Set version=4."
    ]


def test_what_nobody_hears_may_change():
    before, now = owner(fields(), None), owner(fields(note=None), None)
    assert told(before, now, needing()) == [
        "notice: e:1: shows.Opened.note is gone; nothing reads it."
    ]


def test_an_event_that_is_gone():
    before, now = owner(fields(), None), owner(None, None)
    assert told(before, now, needing()) == [
        "notice: e:1: shows.Opened is gone; nothing subscribes to it."
    ]
    assert told(before, now, needing(hears=True)) == [
        "s:1: visitors.come handles shows.Opened, which shows does not publish."
    ]


def test_a_lookup_that_is_gone():
    before, now = owner(None, fields()), owner(None, None)
    assert told(before, now, needing()) == ["notice: l:1: shows.show is gone; nothing reads it."]
    assert told(before, now, needing(read=READ)) == [
        "r:1: Show reads shows.show, which shows does not offer."
    ]


def test_another_key_breaks_all_who_depend_on_it():
    before, now = owner(fields(), fields()), owner(fields(), fields(), key="email")
    assert told(before, now, needing(hears=True, read=READ)) == [
        "r:1: Show reads shows.show; the key of shows.show was number and is email.",
        "s:1: visitors.come handles shows.Opened; the key of shows.Opened was number and is email.",
    ]


def test_a_field_that_a_reader_can_do_without_may_go():
    needs = needing(read=READ)
    reader = needs.reads["shows.show"]["visitors.lookups.Show"]
    reader.fields["lines[].sku"] = msgspec.structs.replace(
        reader.fields["lines[].sku"], optional=True
    )
    empty = {"type": "array", "items": {"type": "object", "properties": {}}}
    before, now = owner(None, fields()), owner(None, fields(lines=empty))
    assert told(before, now, needs) == []


def test_a_reader_that_takes_both_types_is_ready_for_the_change():
    before, now = owner(None, fields()), owner(None, fields(number=NUMBER))
    assert told(before, now, needing(read={"number": "integer or string"})) == [
        "notice: l:1: shows.show.number was string and is integer; that suits all its readers."
    ]
