"""A cluster for everything."""

from sound import *  # noqa: F403
from sound import CARVEOUT, INSTALLED_APPS

import carveout

CARVEOUT = {**CARVEOUT, "REDIS_URL": "redis+cluster://127.0.0.1:1"}
INSTALLED_APPS = [*INSTALLED_APPS, "django_rq"]
RQ_QUEUES = carveout.rq_queues(CARVEOUT)
