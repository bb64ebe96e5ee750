"""Runs the tools where nothing is installed of what only the engine needs."""

import os
import sys

ENGINE = ("jwt", "redis", "rest_framework", "urllib3")
for name in (*ENGINE, "django_rq", "rq"):
    sys.modules[name] = None  # type: ignore[assignment]  # as Python notes what is not there

import pytest  # noqa: E402
from django.conf import settings  # noqa: E402

from carveout.management.standalone import main  # noqa: E402

os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
baseline, recording = sys.argv[1:]
settings.CARVEOUT = {"CONTEXTS": {"trade": {"apps": ["goods", "sales"]}}, "REDIS_URL": "redis://r"}
main(["survey"])
main(["survey", "--format", "html"])
main(["plan"])
main(["survey", "--write", "--baseline", baseline])
main(["survey", "--check", "--baseline", baseline])
tests = ["-q", "-p", "no:cacheprovider", "-W", "ignore:Module already imported"]
tests += [
    "-p",
    "pytest_django.plugin",
    "-p",
    "carveout.pytest_plugin",
]  # others' may need what is missing
tests += ["tests/check_pages.py", f"--carveout-record={recording}"]
sys.exit(pytest.main(tests))
