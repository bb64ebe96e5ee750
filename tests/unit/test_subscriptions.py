"""Subscriptions: what can't work is refused when it is declared."""

import pytest

import carveout
from carveout.errors import DeclarationInvalid
from carveout.subscriptions import subscription

pytestmark = pytest.mark.usefixtures("shows")


def handler(event):
    """Nothing."""


def test_a_subscription_is_named_by_context_and_function():
    carveout.subscribe("shows.ShowOpened")(handler)
    declared = subscription.registry["shows.handler"]
    assert (declared.context, declared.types) == ("shows", {"shows.ShowOpened"})
    assert declared.source_contexts == {"shows"}


def test_a_handler_stays_a_plain_function():
    assert carveout.subscribe("shows.ShowOpened")(handler) is handler


@pytest.mark.parametrize(
    ("types", "options", "told"),
    [
        ([], {}, "subscribes to nothing"),
        (["ShowOpened"], {}, "'ShowOpened' is not an event type. Write '<context>.<Event>'"),
        (["a.b.C"], {}, "'a.b.C' is not an event type"),
        (["shows.S"], {"via": "celery"}, "via='celery' is unknown. Write 'consumer' or 'rq'"),
        (["shows.S"], {"start": "end"}, "start='end' is unknown. Write 'beginning' or 'now'"),
        (["shows.S"], {"batch": True, "via": "rq"}, "batch=True can't be used with"),
        (["shows.S"], {"batch": True, "ordered": True}, "batch=True can't be used with"),
        (["shows.S"], {"atomic": False}, "atomic=False works only with via='rq'"),
        (["shows.S"], {"when": print}, "when= works only with via='rq'"),
        (["shows.S"], {"when": "has_phone", "via": "rq"}, "when='has_phone' is not a function"),
        (["shows.S"], {"max_attempts": 0}, "max_attempts=0"),
        (["shows.S"], {"max_attempts": "3"}, "max_attempts='3'"),
        (["shows.S"], {"time_limit_s": 0}, "time_limit_s=0: use a number of seconds above 0"),
        (
            ["shows.S"],
            {"linger_ms": -1},
            "linger_ms=-1: use a number of milliseconds of at least 0",
        ),
        (["shows.S"], {"seam": ()}, "seam=(): use the name of a seam"),
        (
            ["shows.S"],
            {"seam": ("shows.tell", None)},
            "seam='shows.tell', None: use the name of a seam",
        ),
        (["shows.S"], {"time_limit_s": None}, "time_limit_s=None"),
        (["shows.S"], {"time_limit_s": float("inf")}, "time_limit_s=inf"),
        (["shows.S"], {"retry_base_s": -1}, "retry_base_s=-1"),
        (["shows.S"], {"retry_cap_s": "3"}, "retry_cap_s='3'"),
        (["shows.S"], {"give_up_on": ValueError}, "must be a tuple of error classes"),
        (["shows.S"], {"give_up_on": [ValueError]}, "must be a tuple of error classes"),
        (["shows.S"], {"give_up_on": ("ValueError",)}, "must be a tuple of error classes"),
    ],
)
def test_options_that_can_not_work_are_refused(types, options, told):
    with pytest.raises(DeclarationInvalid) as caught:
        carveout.subscribe(*types, **options)(handler)
    assert told in str(caught.value)
    assert "shows.handler" in str(caught.value)
    assert subscription.registry == {}


class TestParameters:
    """A handler's parameters say what it needs."""

    def test_an_event_may_go_by_name_or_by_annotation(self):
        def by_annotation(fact: carveout.ReceivedEvent):
            """Nothing."""

        carveout.subscribe("shows.S")(handler)
        carveout.subscribe("shows.S")(by_annotation)
        assert subscription.registry["shows.handler"].event_parameter == "event"
        assert subscription.registry["shows.by_annotation"].event_parameter == "fact"

    def test_a_default_needs_nobody(self):
        def patient(event, seconds: int = 3):
            """Nothing."""

        carveout.subscribe("shows.S")(patient)
        assert subscription.registry["shows.patient"].lookups == {}

    def test_one_that_nothing_fills_is_named(self):
        def greedy(event, order: dict):
            """Nothing."""

        carveout.subscribe("shows.S")(greedy)
        with pytest.raises(DeclarationInvalid, match=r"shows\.greedy: nothing fills .*'order'"):
            _ = subscription.registry["shows.greedy"].lookups

    def test_an_annotation_that_leads_nowhere_is_named(self):
        def lost(event, order: "OrderToFind"):  # noqa: F821 - on purpose
            """Nothing."""

        carveout.subscribe("shows.S")(lost)
        with pytest.raises(DeclarationInvalid, match=r"shows\.lost: .*OrderToFind"):
            _ = subscription.registry["shows.lost"].lookups

    @pytest.mark.parametrize("annotation", [list[int], list[tuple[int, int]], dict[str, int]])
    def test_a_batch_of_something_else_is_refused(self, annotation):
        def bulk(deliveries):
            """Nothing."""

        bulk.__annotations__["deliveries"] = annotation
        carveout.subscribe("shows.S", batch=True)(bulk)
        with pytest.raises(DeclarationInvalid, match=r"shows\.bulk: can't fill"):
            _ = subscription.registry["shows.bulk"].lookups

    def test_a_batch_takes_one_parameter(self):
        def bulk(event, order):
            """Nothing."""

        carveout.subscribe("shows.S", batch=True)(bulk)
        with pytest.raises(DeclarationInvalid, match="takes event, order"):
            _ = subscription.registry["shows.bulk"].lookups
