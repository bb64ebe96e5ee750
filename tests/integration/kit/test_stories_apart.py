"""Stories across databases and deployments: each tells its own part, and who is silent is named."""

from collections.abc import Iterator
from typing import Any

import pytest

import carveout
from carveout.lookups import http
from carveout.operations.story import tree
from tests.integration.kit import steps
from tests.integration.kit.conftest import back_up, connected
from tests.integration.kit.test_stories import node
from tests.integration.kit.tickets.services import announce, sold
from tests.integration.kit.web import Tickets, serving

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def apart(kit, settings, tmp_path) -> Iterator[Any]:
    """Desk has a database of its own. Gives: its settings, to be changed."""
    file = back_up(tmp_path / "desk.sqlite3")
    with connected(f"sqlite:///{file}", "of_desk"):
        kit.change("desk", database="of_desk")
        yield kit


def hear() -> None:
    @carveout.subscribe("tickets.TicketSold")
    def show(event):
        carveout.annotate("shown")

    announce(sold(1))
    steps.flow()


def test_each_database_of_a_deployment_is_asked(apart):
    hear()
    assert node("T-1", "desk.show").state == "handled"
    assert node("T-1", "tickets.0 position 1").state == "shipped"


@pytest.mark.parametrize("by", ["key", "event id"])
def test_each_deployment_tells_its_part(apart, settings, by):
    hear()
    (query,) = tree.find("T-1").stories
    tickets = Tickets(settings.CARVEOUT)
    with serving(tickets) as url:
        apart.set(HOSTED=["desk"])
        apart.change("tickets", url=f"{url}/internal")
        found = "T-1" if by == "key" else query.correlation_id
        assert node(found, "tickets.TicketSold T-1").state == "published"
        assert node(found, "tickets.0 position 1").state == "shipped"
        handled = node(found, "desk.show")
    assert [each.title for each in handled.children] == ["shown"]
    assert handled.until is not None
    assert set(tickets.asked) == {"/internal/stories/tickets/"}


@pytest.mark.parametrize(
    ("url", "why"), [("http://127.0.0.1:9/internal", "did not answer"), ("", "is empty")]
)
def test_who_does_not_answer_is_named_and_the_rest_is_told(apart, url, why):
    hear()
    apart.set(HOSTED=["desk"])
    apart.change("tickets", url=url)
    http.breakers.clear()
    found = tree.find("T-1")
    assert found.stories == []
    assert list(found.unreachable) == ["tickets"]
    assert why in found.unreachable["tickets"]
