"""How long the kit waits: backoff, backoffs and the circuit breaker. Only the clock is ours."""

import time

import pytest

from carveout.deliveries.retry_policy import BACKOFF_MAX_S, Backoffs, retry_delay_s
from carveout.lookups.circuit_breaker import FAILURES_TO_OPEN, OPEN_S, CircuitBreaker


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass when a test says so."""
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def pass_s(seconds: float) -> None:
        now[0] += seconds

    return pass_s


@pytest.fixture(autouse=True)
def waits(settings):
    settings.CARVEOUT = {
        "CONTEXTS": {"shows": {"apps": ["shows"]}},
        "RETRY_BASE_S": 1.0,
        "RETRY_CAP_S": 60.0,
    }


@pytest.mark.parametrize(("attempts", "ceiling_s"), [(1, 2), (2, 4), (5, 32), (6, 60), (500, 60)])
def test_backoff_doubles_up_to_its_cap_with_full_jitter(attempts, ceiling_s):
    waits = [retry_delay_s(attempts) for _ in range(400)]
    assert 0 <= min(waits) < ceiling_s * 0.2
    assert ceiling_s * 0.8 < max(waits) <= ceiling_s


def test_a_pause_ends_by_itself(clock):
    backoffs = Backoffs()
    assert not backoffs.is_waiting("a")
    seconds = backoffs.failed("a")
    assert backoffs.is_waiting("a")
    assert not backoffs.is_waiting("b")
    clock(seconds)
    assert not backoffs.is_waiting("a")


def test_a_pause_has_a_limit():
    backoffs = Backoffs()
    assert max(backoffs.failed("a") for _ in range(60)) <= BACKOFF_MAX_S


class TestTheBreaker:
    """Who does not answer is left alone for a while."""

    def opened(self) -> CircuitBreaker:
        breaker = CircuitBreaker()
        for _ in range(FAILURES_TO_OPEN):
            assert not breaker.blocks()
            breaker.failed()
        return breaker

    def test_opens_after_failures_in_a_row(self, clock):
        assert self.opened().blocks()

    def test_a_success_between_begins_the_count_anew(self, clock):
        breaker = CircuitBreaker()
        for _ in range(FAILURES_TO_OPEN * 2):
            breaker.failed()
            breaker.succeeded()
        assert not breaker.blocks()

    def test_lets_one_through_after_a_while(self, clock):
        breaker = self.opened()
        clock(OPEN_S)
        assert not breaker.blocks()
        assert breaker.blocks()

    def test_closes_when_that_one_succeeds(self, clock):
        breaker = self.opened()
        clock(OPEN_S)
        assert not breaker.blocks()
        breaker.succeeded()
        assert not breaker.blocks()

    def test_stays_open_when_that_one_fails(self, clock):
        breaker = self.opened()
        clock(OPEN_S)
        assert not breaker.blocks()
        breaker.failed()
        assert breaker.blocks()
