"""Formats the report of a recording as text: what only showed at run time comes first."""

from collections.abc import Iterator

from django.template.defaultfilters import pluralize

from carveout.carving.recorder.recording import Recording
from carveout.carving.survey.coupling import Coupling
from carveout.carving.survey.project import Project
from carveout.carving.survey.result import Survey

Pair = tuple[str, str]
UNREACHED_SHOWN = 30


def as_text(recording: Recording, found: Survey | None, project: Project) -> Iterator[str]:
    between = [each for each in recording.couplings if _is_between(each, project)]
    own = [each for each in between if project.is_own(each.target)]
    yield _heading(own, between, recording)
    if found is None:
        yield from _listed("Couplings", own)
    else:
        yield from _compared(own, found)
    for role, couplings in recording.apart.items():
        yield f"Not included, from {role}: {_counted(couplings)}"
    yield from _unreached(recording)
    for notice in recording.notices:
        yield f"notice: {notice}"
    yield overhead(recording)


def _is_between(each: Coupling, project: Project) -> bool:
    return project.context_of(each.source) != project.context_of(each.target)


def _heading(own: list[Coupling], all: list[Coupling], recording: Recording) -> str:
    others = len(all) - len(own)
    beyond = f", {others} more with third-party apps" if others else ""
    pairs = {(each.source, each.target) for each in own}
    return (
        f"{_counted(own)}{beyond}, in {len(pairs)} pair{pluralize(len(pairs))} of apps;"
        f" {recording.tests} tests, {recording.statements} statements."
    )


def _counted(couplings: list[Coupling]) -> str:
    return f"{len(couplings)} coupling{pluralize(len(couplings))}"


def _compared(couplings: list[Coupling], found: Survey) -> Iterator[str]:
    pairs = {(each.source, each.target) for each in found.couplings}
    symbols = {(each.source_symbol, each.target_symbol) for each in found.couplings}
    only, more, known = [], [], []
    for each in couplings:
        if (each.source, each.target) not in pairs:
            only.append(each)
        elif (each.source_symbol, each.target_symbol) not in symbols:
            more.append(each)
        else:
            known.append(each)
    yield from _listed("Only seen at run time, between apps that the survey does not couple", only)
    yield from _listed("Only seen at run time, between apps that the survey couples", more)
    yield from _listed("Also in the survey", known)


def _listed(heading: str, couplings: list[Coupling]) -> Iterator[str]:
    if couplings:
        yield f"{heading}: {len(couplings)}"
    for each in sorted(couplings, key=lambda one: (one.source, one.target, one.kind, one.at)):
        yield f"  {each.at}  {each.summary}"
        for line in _details(each):
            yield f"      {line}"


def _details(each: Coupling) -> Iterator[str]:
    details = each.details
    if "chain" in details:
        yield "chain: " + " → ".join(details["chain"])
    if "writes" in details:
        yield "writes: " + ", ".join(details["writes"])
    if "template" in details:
        yield f"rendered in {details['template']}"
    if "test" in details:
        more = details.get("tests", 1) - 1
        yield f"seen in {details['test']}" + (f" and {more} more" if more else "")


def _unreached(recording: Recording) -> Iterator[str]:
    modules = recording.unreached
    if recording.reached is None:
        yield f"Modules that no test reached: unknown; {recording.reach_notice}."
    elif modules:
        yield f"Modules that no test reached: {len(modules)}"
        yield from (f"  {module}" for module in modules[:UNREACHED_SHOWN])
        if len(modules) > UNREACHED_SHOWN:
            yield f"  and {len(modules) - UNREACHED_SHOWN} more, listed in the file"


def overhead(recording: Recording) -> str:
    """The recorder's total cost: the time it added to the tests, and the time after them."""
    share = recording.spent_s / recording.ran_s if recording.ran_s else 0.0
    return (
        f"The recorder took {recording.spent_s:.2f} s of {recording.ran_s:.1f} s ({share:.1%}),"
        f" for {recording.statements} statements, of which it parsed {recording.parsed}. After the"
        f" tests, the survey for the comparison took {recording.closing_s:.2f} s more."
    )
