"""Misago's settings for tests, with Carveout: each of its apps is a context."""

import os

from devproject.test_settings import *  # noqa: F403

_apps = [each for each in INSTALLED_APPS if each.startswith("misago.")]  # noqa: F405
CARVEOUT = {
    "CONTEXTS": {each.rpartition(".")[2]: {"apps": [each]} for each in _apps},
    "DELIVERY": os.environ.get("DELIVERY", "eager"),
    "SEAMS": os.environ.get("SEAMS", "direct"),
}
INSTALLED_APPS += ["carveout"]  # noqa: F405
