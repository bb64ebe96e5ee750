"""Prints the survey as text: pairs of contexts by rank, then each coupling with file and line."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

import msgspec
from django.template.defaultfilters import pluralize

from carveout.carving.survey.coupling import Coupling
from carveout.carving.survey.result import Pair, Survey, is_app, running

APART = "Listed separately: kernels, third-party, vendored and test apps, the project's own shell"


def as_json(found: Survey) -> str:
    return msgspec.json.format(msgspec.json.encode(found), indent=2).decode()


def as_text(found: Survey, only: str = "", pairs_only: bool = False) -> str:
    """only: which part of the survey this is; empty for the whole survey."""
    return "\n".join(_text(found, only, pairs_only)) + "\n"


def kinds(couplings: list[Coupling]) -> str:
    """`12 import, 3 relation; 5 in tests`, the most frequent kind first."""
    runs = running(couplings)
    counted = Counter(each.kind for each in runs)
    summary = ", ".join(f"{count} {kind}" for kind, count in counted.most_common())
    tests = len(couplings) - len(runs)
    return "; ".join(filter(None, (summary, f"{tests} in tests" if tests else "")))


def shown(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)


def details(each: Coupling) -> list[str]:
    """The details worth showing: `functions` are for the plan, and already named elsewhere."""
    found = each.details.items()
    return [f"{name}: {shown(value)}" for name, value in found if name != "functions"]


def _text(found: Survey, only: str, pairs_only: bool) -> Iterator[str]:
    yield heading(found)
    yield from (f"  not read: {each}" for each in found.unread)
    if only:
        yield only
    yield from _pairs("Between contexts", _beside(found, found.between))
    yield from _pairs("With apps that are in no context", _beside(found, found.beyond))
    yield from _pairs("In tests only", _beside(found, found.in_tests.keys() - found.pairs.keys()))
    if found.kernels:
        yield f"\nKernel: {', '.join(kernel_names(found))}"
        for each in chain.from_iterable(found.but_for.values()):
            yield f"  except for {each.at}  {each.summary}"
    if found.vendored:
        yield f"\nVendored (third-party code in this project): {', '.join(found.vendored)}"
    if found.tests:
        yield f"\nTest apps: {', '.join(found.tests)}"
    yield from _pairs(APART, found.apart)
    if pairs_only:
        return
    for (source, target), couplings in found.all_pairs.items():
        yield f"\n{source} → {target}"
        yield from map(_line, couplings)
    if found.dangers:
        yield "\nDangers"
    for danger in found.dangers:
        yield f"  {danger.at}: {danger.text}"


def heading(found: Survey) -> str:
    """One sentence about how much was found, and one about how much could not be read."""
    count = sum(map(len, found.between.values()))
    more = sum(map(len, found.beyond.values()))
    beyond = f", {more} with apps in no context" if more else ""
    tests = sum(map(len, found.in_tests.values()))
    apps = sum(is_app(each) for each in found.contexts) - 1
    beside = f" {tests} more in tests;" if tests else ""
    return (
        f"{count} coupling{pluralize(count)} between contexts{beyond},"
        f" in {len(found.pairs)} pair{pluralize(len(found.pairs))};{beside}"
        f" {apps} apps, {found.modules} modules.{_incomplete(found)}"
    )


def _incomplete(found: Survey) -> str:
    if not found.unread:
        return ""
    return f" Incomplete: {found.missing} could not be read, so their couplings are missing."


def kernel_names(found: Survey) -> list[str]:
    """`core`, `tools (except for 1)`: without that one coupling, `tools` would be a kernel."""
    but_for = {label: len(found.but_for.get(label, ())) for label in found.kernels}
    return [f"{label} (except for {n})" if n else label for label, n in but_for.items()]


def _beside(found: Survey, pairs: Iterable[Pair]) -> dict[Pair, list[Coupling]]:
    """All couplings of these pairs, those that only tests need included, in the usual order."""
    chosen = {*pairs}
    return {pair: each for pair, each in found.all_pairs.items() if pair in chosen}


def _pairs(heading: str, pairs: dict[Pair, list[Coupling]]) -> Iterator[str]:
    if pairs:
        yield f"\n{heading}"
        width = max(len(f"{source} → {target}") for source, target in pairs)
    for (source, target), couplings in pairs.items():
        count, pair = len(running(couplings)), f"{source} → {target}"
        yield f"  {count:>4}  {pair:<{width}}  {kinds(couplings)}"


def _line(each: Coupling) -> str:
    notes = details(each)
    notes += [] if each.sure else ["not sure"]
    notes += ["in tests"] if each.in_tests else []
    more = f" ({'; '.join(notes)})" if notes else ""
    return f"  {each.at}  {each.summary}{more}"
