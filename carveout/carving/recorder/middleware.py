"""Records a share of the requests of a running system.

A middleware, because production serves requests, and each is either recorded as a whole or not at
all. The recorder's own errors are caught and counted, and no values are kept.
"""

import atexit
import logging
import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from django.core.exceptions import MiddlewareNotUsed
from django.db import connections
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from carveout.carving.recorder import recording as recordings
from carveout.carving.recorder.recorder import Recorder
from carveout.carving.recorder.sql_statements import prepare
from carveout.carving.survey import grouping
from carveout.carving.survey.project import Project
from carveout.carving.survey.project_root import default_root
from carveout.conf import get_settings

logger = logging.getLogger(__name__)
WRITE_EVERY_S = 60.0
TEXTS_MAX = 5_000
"""Number of cached statements; a few megabytes."""

Respond = Callable[[HttpRequest], HttpResponseBase]


class SampleRequests:
    """Put it first in MIDDLEWARE. Without CARVEOUT['RECORD'] Django leaves it out."""

    def __init__(self, get_response: Respond) -> None:
        settings = get_settings().record
        if settings is None or Recorder.running:  # tests are recorded as a whole
            raise MiddlewareNotUsed
        self.get_response = get_response
        self.share = settings.share
        self.file = Path(settings.file)
        self.recorder = Recorder(Project(default_root(), grouping.declared()), sampled=True)
        self.recorder.statements.texts_max = TEXTS_MAX
        prepare()  # a second that no request should wait for
        self._stack = ExitStack()
        self._stack.enter_context(self.recorder.hooked())
        self._written = time.monotonic()
        self._ran_s = 0.0
        self._requests = 0
        atexit.register(self.write)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if random.random() >= self.share:  # noqa: S311 (it only has to be fair)
            return self.get_response(request)
        with self._recorded():
            response = self.get_response(request)
        if time.monotonic() - self._written > WRITE_EVERY_S:
            self.write()
        return response

    @contextmanager
    def _recorded(self) -> Iterator[None]:
        """Records this thread's statements."""
        began = time.monotonic()
        with ExitStack() as stack:
            for connection in connections.all():
                stack.enter_context(connection.execute_wrapper(self.recorder.execute))
            with self.recorder.here():
                yield
        self._ran_s += time.monotonic() - began
        self._requests += 1

    def write(self) -> None:
        """Adds what was found since the last write to the file. Failures are only logged."""
        self._written = time.monotonic()
        part = recordings.taken(self.recorder)
        part.ran_s, self._ran_s = self._ran_s, 0.0
        part.requests, self._requests = self._requests, 0
        if not part.requests:
            return
        try:
            recordings.add(part, self.file)
        except Exception:  # no request and no end of a process may fail for a recording
            logger.exception("The recording could not be added to %s", self.file)
