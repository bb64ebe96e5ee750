"""Reach: which functions end in mail or in a request to elsewhere, also by what they call."""

from carveout.survey.facts import Call
from carveout.survey.sources import Source, Sources

OUTSIDE = {
    "django.core.mail.": "mail",
    "requests.": "HTTP",
    "httpx.": "HTTP",
    "urllib.request.urlopen": "HTTP",
}
"""What leaves the process, by how its dotted name begins."""
BUILDING = ("EmailMessage", "EmailMultiAlternatives", "Session", "Client", "get_connection")
"""Of these: what only prepares."""
AFTERWARDS = ("on_commit", "delay", "apply_async", "enqueue")
"""Calls whose argument runs later."""


class Reach:
    """By function: what it reaches. Methods of objects that nobody names a class of are unknown."""

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self._reached: dict[str, str] = {}
        calls: dict[str, list[str]] = {}
        for source in sources:
            for call in source.facts.calls:
                name = self.called(source, call.name, call.place.scope)
                if self._is_later(call):
                    continue
                caller = f"{source.facts.module}.{call.place.scope}"
                if _outside(name):
                    self._reached[caller] = _outside(name)
                calls.setdefault(name, []).append(caller)
        self._spread(calls)

    def of(self, source: Source, call: Call) -> tuple[str, str]:
        """What a call reaches, and the dotted name of what is called; empty if nothing."""
        name = self.called(source, call.name, call.place.scope)
        what = "" if self._is_later(call) else _outside(name) or self._reached.get(name, "")
        return what, name

    def called(self, source: Source, name: str, scope: str) -> str:
        """The dotted name of the function that a call is written for."""
        first, _, rest = name.partition(".")
        if first == "self" and "." in scope:
            return f"{source.facts.module}.{scope.rpartition('.')[0]}.{rest}"
        return self.sources.origin(source.facts.resolve(name, scope))

    def _spread(self, callers: dict[str, list[str]]) -> None:
        """Whoever calls what reaches outside reaches it too."""
        waiting = list(self._reached)
        while waiting:
            name = waiting.pop()
            for caller in callers.get(name, ()):
                if caller not in self._reached:
                    self._reached[caller] = self._reached[name]
                    waiting.append(caller)

    def _is_later(self, call: Call) -> bool:
        return call.place.within.rpartition(".")[2] in AFTERWARDS


def _outside(name: str) -> str:
    if name.endswith(BUILDING):
        return ""
    return next((what for start, what in OUTSIDE.items() if name.startswith(start)), "")
