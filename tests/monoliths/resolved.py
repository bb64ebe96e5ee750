"""Whose a function is: Python itself says which module defines it.

Run by the monolith's own interpreter: python resolved.py NAME…. Uses nothing of the survey.
"""

import inspect
import json
import sys
from importlib import import_module

import django

django.setup()

from django.apps import apps  # noqa: E402


def home(name: str) -> tuple[str, str]:
    """The module that defines a callable, and the label of its app; empty if it is not callable."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found = import_module(".".join(parts[:length]))
        except ImportError:
            continue
        for part in parts[length:]:
            found = getattr(found, part)
        found = inspect.unwrap(getattr(found, "__func__", found))
        found = getattr(found, "fget", getattr(found, "func", found))  # a property, a task
        module = getattr(found, "__module__", "")
        config = apps.get_containing_app_config(module)
        return (module, config.label if config else "") if callable(found) else ("", "")
    return "", ""


print(json.dumps({name: home(name) for name in sys.argv[1:]}))  # noqa: T201 -- its answer
