"""manage.py switch: switches the seam all the time, until it is ended; then it is direct."""

import time
from itertools import cycle

from django.core.management.base import BaseCommand

from carveout.operations.audit import Actor
from carveout.operations.seam_modes import switch_to
from carveout.runtime import stopping

EVERY_S = 2.0


class Command(BaseCommand):
    """Prints each mode."""

    def handle(self, **options):
        modes = cycle(("shadow", "events", "direct"))
        with stopping.heeding():
            while not stopping.asked():
                self.switch(next(modes))
                time.sleep(EVERY_S)
        self.switch("direct")

    def switch(self, mode):
        switch_to("ledger.book", mode, 100, Actor("somebody"), "a test")
        self.stdout.write(mode)
