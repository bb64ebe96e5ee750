"""Odd requests to the internal REST: what can't be is unknown or refused, and no error of ours."""

import pytest
from django.test import Client

import carveout
from carveout.eventlog import sequencer
from carveout.lookups import provider, tokens
from tests.integration.kit.tickets.lookups import TicketSerializer
from tests.integration.kit.tickets.models import Ticket
from tests.integration.kit.tickets.services import sell

EVENTS = "events/tickets/0/"


@pytest.fixture(autouse=True)
def internal(kit):
    sell("T-1")
    sequencer.sequence("tickets", 10)


def ask(resource: str, **query):
    signed = tokens.sign("desk", "tickets", "GET", resource)
    headers = {"Authorization": f"Bearer {signed}"}
    return Client().get(f"/internal/{resource}", query, headers=headers)


@pytest.mark.parametrize("odd", ["a\0b", "\0", "\ufffd", "é" * 5000])
def test_a_key_that_can_not_be_is_unknown_and_spoils_no_other(odd):
    answer = ask("lookups/tickets.ticket/", key=[odd, "T-1"])
    assert answer.status_code == 200
    assert list(answer.json()) == ["T-1"]


@pytest.mark.parametrize("odd", ["x", "1.5", "9" * 30, "9" * 5000, "-1", "\0", ""])
def test_so_is_what_is_no_number_where_keys_are_numbers(odd):
    class ById(carveout.LookupViewSet):
        queryset = Ticket.objects.using("kit")
        serializer_class = TicketSerializer

    ById.__module__ = "tests.integration.kit.tickets.lookups"
    carveout.lookup("by_id", key="id")(ById)
    ours = Ticket.objects.using("kit").get().pk
    found = provider.serialize(provider.providers["tickets.by_id"], [odd, str(ours)])
    assert list(found) == [str(ours)]


@pytest.mark.parametrize(
    "odd", ["0.²", "²", "0.", ".1", "0." + "9" * 5000, "99999.1", "0.1.1", "\0"]
)
def test_a_place_that_can_not_be_was_not_seen(odd):
    assert ask("lookups/tickets.ticket/", key="T-1", seen=odd).status_code == 200


@pytest.mark.parametrize("name", ["after", "limit"])
@pytest.mark.parametrize("odd", [str(2**63), "9" * 30, "9" * 5000, "²", "\0"])
def test_a_number_that_no_position_can_be_is_named(name, odd):
    answer = ask(EVENTS, **{name: odd})
    assert (answer.status_code, list(answer.json())) == (400, [name])


@pytest.mark.parametrize("partition", ["9" * 30, str(2**63)])
def test_a_partition_that_can_not_be_is_not_found(partition):
    assert ask(f"events/tickets/{partition}/").status_code == 404


@pytest.mark.parametrize("odd", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_a_time_at_the_end_of_all_days_is_refused_or_answered(odd):
    assert ask(EVENTS, since=odd).status_code in (200, 400)
