"""The reference project as running processes: one deployment of all contexts, or one of each."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from carveout.runtime import ports
from tests import databases, processes
from tests.customers import Customer
from tests.eventually import eventually
from tests.nursery import Nursery
from tests.processes import Process

WITH_JOBS = ("notifications",)
READY_TIMEOUT_S = 40.0
STARTED = {"relay": "relaying ", "consume": "consuming for ", "work": "Listening on "}
"""What workers say when they have begun, by command."""
SAMPLE = "orders/data/cdnow_sample.txt"


class Deployment:
    """One copy of the project: the contexts that it hosts, its database, and its processes."""

    def __init__(
        self,
        folder: Path,
        contexts: Sequence[str],
        state_dir: Path,
        port: int,
        env: Mapping[str, str],
        *,
        forked: bool = True,
    ) -> None:
        """forked: start its processes from one that has the code of this folder loaded; False: as
        anybody would, for measurements.
        """
        self.folder, self.contexts, self.state_dir, self.port = folder, contexts, state_dir, port
        self.env = {**databases.ENVIRONMENT, **env, "CARVEOUT_DIR": str(state_dir)}
        self.steady = {folder} if forked else set()
        """Folders whose code does not change: one process loads it, and the others are forked."""
        self._nurseries: dict[Path, Nursery] = {}
        self.web = self.process("web", "runserver", "--noreload", f"{ports.HOST}:{port}")
        self.relay = self.process("relay", "relay")
        self.consumers = {
            name: self.process(f"consume-{name}", "consume", name) for name in contexts
        }
        with_jobs = [name for name in contexts if name in WITH_JOBS]
        self.worker = self.process("work", "work", *with_jobs) if with_jobs else None

    @property
    def url(self) -> str:
        return f"http://{ports.HOST}:{self.port}"

    @property
    def processes(self) -> list[Process]:
        with_jobs = [self.worker] if self.worker else []
        return [self.web, self.relay, *self.consumers.values(), *with_jobs]

    @property
    def workers(self) -> list[Process]:
        """All processes but the web."""
        return [each for each in self.processes if each is not self.web]

    def start_workers(self) -> None:
        """Start them, and wait until they have begun."""
        for worker in self.workers:
            worker.start()
        for worker in self.workers:
            worker.wait_until_it_says(STARTED[worker.arguments[0]])

    def process(self, name: str, *arguments: str) -> Process:
        """A further process of this deployment, not started yet."""
        log = self.state_dir / f"{name}.log"
        return Process(name, arguments, self.folder, self.env, log, self.nursery)

    def nursery(self) -> Nursery | None:
        """What its processes are forked from. None: its code may change, so each loads it anew."""
        if self.folder not in self.steady:
            return None
        if self.folder not in self._nurseries:
            self._nurseries[self.folder] = Nursery(self.folder, self.env)
        return self._nurseries[self.folder]

    def end(self) -> None:
        """End all its processes, and what they started."""
        for process in self.processes:
            process.end()
        for nursery in self._nurseries.values():
            nursery.close()

    def manage(self, *arguments: str) -> str:
        """Run a command to its end. Returns: what it printed."""
        return processes.run(*arguments, folder=self.folder, env=self.env, nursery=self.nursery())

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """What a query finds in the database of this deployment; placeholders are `%s`."""
        return databases.rows(self.env["DATABASE_URL"], statement, *values)

    def wait_until_ready(self) -> None:
        eventually(lambda: ports.answers(self.port) or not self.web.running, READY_TIMEOUT_S)
        assert self.web.running, self.web.tail()


class System:
    """All deployments together. Nothing runs until a test says so."""

    def __init__(self, deployments: Sequence[Deployment]) -> None:
        self.deployments = deployments

    def __iter__(self) -> Iterator[Process]:
        for deployment in self.deployments:
            yield from deployment.processes

    def of(self, context: str) -> Deployment:
        return next(each for each in self.deployments if context in each.contexts)

    def web(self, context: str) -> Process:
        return self.of(context).web

    def relay(self, context: str) -> Process:
        return self.of(context).relay

    def consumer(self, context: str) -> Process:
        return self.of(context).consumers[context]

    def worker(self, context: str) -> Process:
        worker = self.of(context).worker
        assert worker, f"{context} has no jobs"
        return worker

    def start(self, without: Iterable[Process] = ()) -> None:
        """Start what is not running yet, except some.

        Wait until the webs answer, and until relays and consumers heed signals.
        """
        left_out = list(without)
        for process in self:
            if process not in left_out and not process.running:
                process.start()
        for deployment in self.deployments:
            if deployment.web.running:
                deployment.wait_until_ready()
        for process in self:
            if process.running and (started := STARTED.get(process.arguments[0])):
                process.wait_until_it_says(started)

    def stop(self) -> None:
        """Ask all processes to end, and wait: they let go of what others would wait for."""
        running = [process for process in self if process.running]
        for process in running:
            process.ask_to_end()
            process.resume()
        for process in running:
            process.wait()

    def end(self) -> None:
        for deployment in self.deployments:
            deployment.end()

    def customer(self, name: str) -> Customer:
        """A new customer, signed up and signed in. Raises: AssertionError: the shop refused."""
        urls = {context: each.url for each in self.deployments for context in each.contexts}
        customer = Customer(name, urls)
        customer.sign_up()
        return customer

    def import_orders(self, count: int) -> str:
        """Place the next purchases of the real sample, through the service of the checkout.

        Returns: what the command printed.
        """
        before = "SELECT count(*) FROM orders_order WHERE import_key IS NOT NULL"
        limit = self.rows("orders", before)[0][0] + count
        return self.of("orders").manage("import_orders", SAMPLE, "--limit", str(limit))

    @contextmanager
    def code_from(self, folder: Path, *, changes: bool = True) -> Iterator[None]:
        """Inside the block, what is started runs the code of another copy of the project.

        changes: that code may change meanwhile.
        """
        usual = [(each, each.folder) for each in self.deployments]
        if not changes:
            for each in self.deployments:
                each.steady.add(folder)
        self._move([(each, folder) for each in self.deployments])
        try:
            yield
        finally:
            self._move(usual)

    def _move(self, homes: Iterable[tuple[Deployment, Path]]) -> None:
        self.stop()
        for deployment, folder in homes:
            deployment.folder = folder
            for process in deployment.processes:
                process.folder = folder

    def rows(self, context: str, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """What a query finds in the database of a context; placeholders are `%s`."""
        return self.of(context).rows(statement, *values)

    def count(self, context: str, table: str) -> int:
        return int(self.rows(context, f"SELECT count(*) FROM {table}")[0][0])  # noqa: S608 (a test's)
