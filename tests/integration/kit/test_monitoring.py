"""Monitoring: who may read the metrics, and what tells that a process lives and can work."""

import http.client
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import OperationalError, connections
from django.test import Client

import carveout
from carveout.consumers.consumer import Consumer
from carveout.eventlog import relay
from carveout.management import workers
from carveout.operations.health import server
from carveout.operations.health.server import HealthServer
from carveout.telemetry.liveness import Liveness, liveness
from tests.eventually import eventually
from tests.integration.kit.tickets.services import announce, sold

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

TOKEN = "a token for tests, long enough by far"


@pytest.fixture
def mounted(kit):
    """The two contexts with the kit's URLs. Gives: the kit."""
    return kit


def metrics(authorization: str = "", client: Client | None = None):
    headers = {"Authorization": authorization} if authorization else {}
    return (client or Client()).get("/carveout/metrics/", headers=headers)


@pytest.mark.usefixtures("mounted")
class TestTheMetricsOfTheWeb:
    """Staff, and who knows the token; nobody else."""

    @pytest.mark.parametrize("given", ["", "Bearer", "Bearer ", "Bearer x", "é"])
    def test_nobody_reads_where_there_is_no_token(self, given):
        answer = metrics(given)
        assert answer.status_code == 401
        assert answer.content == b""

    def test_who_sends_the_token_reads(self, kit):
        kit.set(METRICS_TOKEN=TOKEN)
        answer = metrics(f"Bearer {TOKEN}")
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("text/plain; version=")
        assert b"carveout_events_published_total" in answer.content
        assert metrics(f"Bearer {TOKEN[:-1]}").status_code == 401
        assert metrics(f"Basic {TOKEN}").status_code == 401

    @pytest.mark.parametrize("token", ["short", "é" * 40, 5])
    def test_a_weak_token_is_a_mistake_and_is_not_shown(self, kit, token):
        kit.set(METRICS_TOKEN=token)
        with pytest.raises(CommandError, match="METRICS_TOKEN") as told:
            call_command("relay", once=True)
        assert str(token) not in str(told.value).replace("5.", "")


@pytest.mark.parametrize(("staff", "status"), [(True, 200), (False, 401)])
def test_staff_read_the_metrics_by_their_session_and_customers_do_not(db, mounted, staff, status):
    client = Client()
    client.force_login(User.objects.create_user("somebody", is_staff=staff))
    assert metrics(client=client).status_code == status


@pytest.mark.usefixtures("mounted")
class TestTheWeb:
    def test_is_alive_whatever_else_is_down(self, valkey):
        valkey.stop()
        answer = Client().get("/carveout/health/")
        assert (answer.status_code, answer.json()) == (200, {"contexts": ["tickets", "desk"]})

    def test_is_ready_without_redis_and_tells_so(self, valkey):
        assert Client().get("/carveout/ready/").json() == {"database kit": True, "redis": True}
        valkey.stop()
        answer = Client().get("/carveout/ready/")
        assert answer.status_code == 200
        assert answer.json() == {"database kit": True, "redis": False}

    def test_is_not_ready_without_its_database(self, without_database):
        answer = Client().get("/carveout/ready/")
        assert answer.status_code == 503
        assert answer.json()["database kit"] is False

    @pytest.mark.parametrize("page", ["health", "ready", "metrics"])
    def test_only_tells(self, page):
        assert Client().post(f"/carveout/{page}/").status_code == 405


@pytest.fixture
def without_database(monkeypatch):
    """A database that refuses each query."""

    def refuse(*_):
        raise OperationalError("password for user kit at db.internal refused")

    with connections["kit"].execute_wrapper(refuse):
        yield


@contextmanager
def asking(watched: HealthServer) -> Iterator[http.client.HTTPConnection]:
    with server.serving(watched, "127.0.0.1", 0) as port:
        yield http.client.HTTPConnection("127.0.0.1", port, timeout=20)


def ask(connection: http.client.HTTPConnection, path: str, **headers: str) -> tuple[int, str]:
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


@pytest.mark.usefixtures("kit")
class TestAWorkersMonitor:
    def test_a_loop_that_does_not_turn_is_not_healthy(self):
        ours = Liveness("relay")
        with asking(HealthServer(ours, stalled_s=0.2)) as connection:
            eventually(lambda: ask(connection, "/health")[0] == 503)
            ours.beat(well=False)  # whoever waits for a database lives
            assert ask(connection, "/health")[0] == 200

    def test_a_consumer_is_ready_when_it_has_its_share(self, valkey):
        @carveout.subscribe("tickets.TicketSold")
        def hear(event): ...

        consumer = Consumer(["desk"])
        watched = HealthServer(Liveness(), stalled_s=60, is_balanced=lambda: consumer.is_balanced)
        with asking(watched) as connection:
            assert ask(connection, "/ready")[0] == 503
            consumer.run_once()
            assert ask(connection, "/ready")[0] == 200
            consumer.close()
            valkey.stop()
            status, told = ask(connection, "/ready")
            assert (status, '"redis": false' in told) == (503, True)

    def test_metrics_want_the_token_if_there_is_one(self, kit):
        with asking(HealthServer(Liveness("relay"), stalled_s=60)) as connection:
            assert "carveout_worker_turns_total" in ask(connection, "/metrics")[1]
            kit.set(METRICS_TOKEN=TOKEN)
            assert ask(connection, "/metrics")[0] == 401
            assert ask(connection, "/metrics", Authorization=f"Bearer {TOKEN}")[0] == 200
            assert ask(connection, "/health")[0] == 200

    def test_other_paths_and_methods_are_refused(self):
        with asking(HealthServer(Liveness(), stalled_s=60)) as connection:
            assert ask(connection, "/")[0] == 404
            connection.request("POST", "/metrics")
            assert connection.getresponse().status == 501

    def test_somebody_who_says_nothing_holds_nobody_up(self):
        with (
            asking(HealthServer(Liveness(), stalled_s=60)) as connection,
            socket.create_connection((connection.host, connection.port)),
        ):
            assert ask(connection, "/health")[0] == 200

    def test_a_taken_port_is_named(self):
        with (
            socket.create_server(("127.0.0.1", 0)) as taken,
            pytest.raises(CommandError, match=f"127.0.0.1:{taken.getsockname()[1]}"),
        ):
            call_command("relay", once=True, metrics_port=taken.getsockname()[1])


@pytest.mark.usefixtures("kit", "rq_signals")
@pytest.mark.parametrize("command", [["relay"], ["consume", "desk"], ["work", "desk"]])
def test_the_port_is_closed_by_default_and_open_on_demand(command, capsys):
    call_command(*command, once=True, verbosity=0)
    assert "metrics" not in capsys.readouterr().out
    call_command(*command, once=True, verbosity=0, metrics_port=0)
    assert "readiness are at http://127.0.0.1:" in capsys.readouterr().out
    assert liveness.name == command[0]


@pytest.mark.usefixtures("kit", "rq_signals")
def test_the_loop_of_a_worker_has_a_pulse():
    class Once(relay.Relay):
        def wait(self):
            signal.raise_signal(signal.SIGTERM)

    announce(sold(1))
    turns = liveness.turns
    workers.run_forever(Once(["tickets"]), lambda: None)
    assert liveness.turns - turns >= 2


@pytest.mark.usefixtures("kit", "rq_signals")
def test_a_worker_of_jobs_has_a_pulse():
    turns = liveness.turns
    call_command("work", "desk", once=True, verbosity=0)
    assert liveness.turns > turns


def test_the_kit_works_without_prometheus_client(kit, mounted, monkeypatch):
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    monkeypatch.delitem(sys.modules, "carveout.operations.metrics.prometheus", raising=False)
    kit.set(METRICS_TOKEN=TOKEN)
    answer = metrics(f"Bearer {TOKEN}")
    assert answer.status_code == 501
    assert "django-carveout[metrics]" in answer.content.decode()
    assert Client().get("/carveout/ready/").status_code == 200
    call_command("relay", once=True)
    with pytest.raises(CommandError, match=r"django-carveout\[metrics\]"):
        call_command("relay", once=True, metrics_port=0)
