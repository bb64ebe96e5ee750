"""Surveys of projects that don't exist: what is shown of them, without running them."""

import msgspec

from carveout.carving.survey.coupling import Coupling
from carveout.carving.survey.result import Survey
from carveout.conf.test_files import is_of_tests


def coupling(source: str, target: str, number: int = 0, **changes: object) -> Coupling:
    fields = {
        "kind": "import",
        "form": "module",
        "source": source,
        "source_symbol": f"{source}.module{number}",
        "file": f"{source}/module{number}.py",
        "line": number + 1,
        "target": target,
        "target_symbol": f"{target}.<models>",
        **changes,
    }
    return Coupling(**{"in_tests": is_of_tests(str(fields["file"])), **fields})


def surveyed(couplings: list[Coupling], apps: list[str]) -> Survey:
    return Survey(
        contexts={app: app for app in [*apps, "(project)"]},
        declared=[],
        kernels=[],
        third_party=[],
        modules=1500,
        unread=[],
        couplings=couplings,
        dangers=[],
    )


APPS = [f"app_with_a_long_name_{number}" for number in range(30)]
LARGE = surveyed(
    [coupling(APPS[n % 30], APPS[(n * 7 + n // 30 + 1) % 30], n) for n in range(2000)], APPS
)


def grouped(found: Survey, **contexts: list[str]) -> Survey:
    of_app = {app: name for name, apps in contexts.items() for app in apps}
    return msgspec.structs.replace(
        found, contexts={**found.contexts, **of_app}, declared=sorted(contexts)
    )
