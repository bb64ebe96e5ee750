"""What a recording tells of a coupling that was seen running, as far as its cut needs it."""

import re

from carveout.survey.coupling import Coupling

STEP = re.compile(r"(\w+)\.\w+\.\w+(?= \()")
"""`orders.Order.customer (CASCADE)`"""
PLACE = re.compile(r"([\w/]+)\.py:\d+(?: in ([\w.]+))?$")
"""A line, and the function around it: recordings of before that was noted have the line only."""


def relation(cascade: Coupling) -> str:
    """The last relation on its way that leads from one app into another; empty if none is told."""
    found = ""
    app = cascade.source
    for step in map(STEP.match, cascade.listed("chain")):
        if step and step[1] != app:
            found, app = step[0], step[1]
    return found


def call(transaction: Coupling) -> str:
    """The function that writes the other app's rows; empty if the source writes them itself, or if
    the recording does not name it."""
    for each in transaction.listed("writes"):
        model, _, at = each.partition(" ")
        place = PLACE.match(at)
        if model == transaction.target_symbol and place:
            module = place[1].replace("/", ".")
            return "" if _is_within(transaction, module) else place[2] or ""
    return ""


def _is_within(transaction: Coupling, module: str) -> bool:
    return transaction.source_symbol.startswith(f"{module}.") or module.startswith(
        f"{transaction.source}."
    )
