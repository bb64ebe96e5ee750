"""Finds the functions that send mail or HTTP requests, directly or through what they call."""

import re

from carveout.carving.survey.dangers.call_graph import Callgraph, function_of
from carveout.carving.survey.facts import Call
from carveout.carving.survey.sources import SourceFile

MAIL, HTTP = "mail", "HTTP"
OUTSIDE = {
    "django.core.mail.": MAIL,
    "smtplib.": MAIL,
    "requests.": HTTP,
    "httpx.": HTTP,
    "urllib3.": HTTP,
    "urllib.request.": HTTP,
    "http.client.": HTTP,
}
"""What leaves the process, by the beginning of its dotted name."""
VERBS = {
    *("get", "post", "put", "patch", "delete", "head", "options", "request", "stream", "urlopen"),
    *("send", "send_mail", "send_mass_mail", "mail_admins", "mail_managers", "send_messages"),
    *("sendmail", "send_message", "getresponse"),
}
"""The functions among these that send. Everything else prepares, or names an error."""
CLIENT = re.compile(r"^[\w.]+(?:\(\)\.\w+)?$")
"""A function of a module, or a method of an object that one creates, but not of a response."""
OF_AWS = re.compile(r"^boto3\.(?:client|resource)\(\)\.\w+$")
OF_STRIPE = re.compile(r"^stripe\.[\w.]+\.(?:create|retrieve|modify|list|capture|cancel|confirm)$")
OF_ANY = {"email_user": MAIL}
"""Methods that Django adds to model instances, by name."""


class ExternalReach:
    """What each function reaches, mail or HTTP.

    `without_atomic` leaves out what is reached inside a transaction.
    """

    def __init__(self, graph: Callgraph, without_atomic: bool = False) -> None:
        self.graph = graph
        self.without_atomic = without_atomic
        self._reached: dict[str, str] = {}
        for name, places in graph.calls.items():
            what = outside(name)
            for source, call in places if what else ():
                if not (without_atomic and call.place.atomic):
                    self._reached[function_of(source, call)] = what
        self._spread()

    def of(self, source: SourceFile, call: Call) -> tuple[str, str]:
        """What a call reaches, empty if nothing, and the dotted name of what is called."""
        if call.is_later:
            return "", ""
        name = self.graph.called(source, call)
        return outside(name) or self._of_function(name) or self._sent(name), name

    def reached(self, name: str) -> str:
        """What a function reaches; empty if nothing."""
        return self._of_function(name)

    def _of_function(self, name: str) -> str:
        return self._reached.get(name) or self._reached.get(f"{name}.__init__", "")

    def _sent(self, name: str) -> str:
        """What the receivers that run in this call reach."""
        reached = (self._reached.get(each, "") for each in self.graph.run_in.get(name, ()))
        return next(filter(None, reached), "")

    def _spread(self) -> None:
        """Marks all direct and indirect callers of functions that reach outside."""
        waiting = list(self._reached)
        while waiting:
            name = waiting.pop()
            for source, call in self.graph.callers(name):
                caller = function_of(source, call)
                left_out = self.without_atomic and call.place.atomic
                if caller not in self._reached and not left_out:
                    self._reached[caller] = self._reached[name]
                    waiting.append(caller)


def outside(name: str) -> str:
    last = name.rpartition(".")[2]
    if last in OF_ANY:
        return OF_ANY[last]
    what = next((what for start, what in OUTSIDE.items() if name.startswith(start)), "")
    if what and last in VERBS and CLIENT.match(name) and not _is_of_response(name):
        return what
    return HTTP if OF_AWS.match(name) or OF_STRIPE.match(name) else ""


def _is_of_response(name: str) -> bool:
    """A method of a response: `requests.get().headers.get`."""
    before = name.rpartition("().")[0]
    return before.rpartition(".")[2] in VERBS
