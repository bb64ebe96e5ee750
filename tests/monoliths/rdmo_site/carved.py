"""RDMO's settings for tests, with Carveout: projects, tasks and views, whose rows refer to each
other, are one context."""

import os

from config.settings import *  # noqa: F403

CARVEOUT = {
    "CONTEXTS": {"planning": {"apps": ["rdmo.projects", "rdmo.tasks", "rdmo.views"]}},
    "DELIVERY": os.environ.get("DELIVERY", "eager"),
    "SEAMS": os.environ.get("SEAMS", "direct"),
}
INSTALLED_APPS += ["carveout"]  # noqa: F405
