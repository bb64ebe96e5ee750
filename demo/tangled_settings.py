"""The settings of `examples/tangled`, with faults that the demonstration switches on."""

from config.settings import *  # noqa: F403

INSTALLED_APPS += ["demo.tangled_faults.Faults"]  # noqa: F405
SMS_GATEWAY = "demo.tangled_faults.Gateway"
# Requests wait for each other instead of failing, as they would with PostgreSQL.
DATABASES["default"]["OPTIONS"] = {"transaction_mode": "IMMEDIATE", "timeout": 20}  # noqa: F405
