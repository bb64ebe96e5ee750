"""Reads from a recorded coupling what its cut needs: a relation, or a function."""

import re

from django.apps import apps as registry

from carveout.carving.survey.coupling import Coupling

STEP = re.compile(r"(\w+)\.\w+\.\w+(?= \()")
"""`orders.Order.customer (CASCADE)`"""
LOCATION = re.compile(r"([\w/]+)\.py:\d+(?: in ([\w.]+))?$")
"""A line, and the function around it. Older recordings have only the line."""


def relation(cascade: Coupling) -> str:
    """The last relation in its chain that leads from one app to another, or an empty string."""
    found = ""
    app = cascade.source
    for step in map(STEP.match, cascade.listed("chain")):
        if step and step[1] != app:
            found, app = step[0], step[1]
    return found


def call(transaction: Coupling) -> str:
    """The function that writes the other app's rows. Empty if the source writes them itself, or if
    the recording does not name the function."""
    for each in transaction.listed("writes"):
        model, _, at = each.partition(" ")
        location = LOCATION.match(at)
        if model == transaction.target_symbol and location:
            module, function = location[1].replace("/", "."), location[2]
            elsewhere = _is_within(transaction, module) or _is_of_another(transaction, function)
            return "" if elsewhere else function or ""
    return ""


def _is_of_another(transaction: Coupling, function: str | None) -> bool:
    """Whether it is known to be in an app that neither has the rows nor opened the transaction."""
    config = registry.get_containing_app_config(function or "") if registry.apps_ready else None
    return config is not None and config.label != transaction.target


def _is_within(transaction: Coupling, module: str) -> bool:
    return transaction.source_symbol.startswith(f"{module}.") or module.startswith(
        f"{transaction.source}."
    )
