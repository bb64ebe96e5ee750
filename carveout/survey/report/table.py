"""The survey as text: pairs of contexts by rank, then each coupling with file and line."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec
from django.template.defaultfilters import pluralize

from carveout.survey.coupling import Coupling
from carveout.survey.found import Pair, Survey


def as_json(found: Survey) -> str:
    return msgspec.json.format(msgspec.json.encode(found), indent=2).decode()


def as_text(found: Survey) -> str:
    return "\n".join(_text(found)) + "\n"


def kinds(couplings: list[Coupling]) -> str:
    """`12 import, 3 relation`, the most frequent first."""
    counted = Counter(each.kind for each in couplings)
    return ", ".join(f"{count} {kind}" for kind, count in counted.most_common())


def shown(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)


def _text(found: Survey) -> Iterator[str]:
    yield heading(found)
    yield from _pairs("Between contexts", found.between)
    yield from _pairs("With apps that are in no context", found.beyond)
    if found.kernels:
        yield f"\nKernel: {', '.join(found.kernels)}"
    yield from _pairs("Apart: kernels, third-party apps, the project's own shell", found.apart)
    for (source, target), couplings in found.pairs.items():
        yield f"\n{source} → {target}"
        yield from map(_line, couplings)
    if found.dangers:
        yield "\nDangers"
    for danger in found.dangers:
        yield f"  {danger.at}: {danger.text}"
    for file in found.unread:
        yield f"notice: could not be read: {file}"


def heading(found: Survey) -> str:
    """How much was found, in a sentence."""
    count = sum(map(len, found.between.values()))
    more = sum(map(len, found.beyond.values()))
    beyond = f", {more} with apps that are in none" if more else ""
    return (
        f"{count} coupling{pluralize(count)} between contexts{beyond},"
        f" in {len(found.pairs)} pair{pluralize(len(found.pairs))};"
        f" {len(found.contexts) - 1} apps, {found.modules} modules."
    )


def _pairs(heading: str, pairs: dict[Pair, list[Coupling]]) -> Iterator[str]:
    if pairs:
        yield f"\n{heading}"
        width = max(len(f"{source} → {target}") for source, target in pairs)
    for (source, target), couplings in pairs.items():
        yield f"  {len(couplings):>4}  {f'{source} → {target}':<{width}}  {kinds(couplings)}"


def _line(each: Coupling) -> str:
    notes = [f"{name}: {shown(value)}" for name, value in each.details.items()]
    notes += [] if each.sure else ["not sure"]
    notes += ["in tests"] if each.in_tests else []
    more = f" ({'; '.join(notes)})" if notes else ""
    return f"  {each.at}  {each.told}{more}"
