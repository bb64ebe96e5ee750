"""Reach: which functions end in mail or in a request to elsewhere, also by what they call."""

import re

from carveout.survey.dangers.callgraph import Callgraph, function_of, is_later
from carveout.survey.facts import Call
from carveout.survey.sources import Source

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
"""What leaves the process, by how its dotted name begins."""
VERBS = {
    *("get", "post", "put", "patch", "delete", "head", "options", "request", "stream", "urlopen"),
    *("send", "send_mail", "send_mass_mail", "mail_admins", "mail_managers", "send_messages"),
    *("sendmail", "send_message", "getresponse"),
}
"""Of these: what sends. Everything else prepares, or names an error."""
CLIENT = re.compile(r"^[\w.]+(?:\(\)\.\w+)?$")
"""A function of a module, or a method of what one of them makes: not of an answer."""
OF_AWS = re.compile(r"^boto3\.(?:client|resource)\(\)\.\w+$")
OF_STRIPE = re.compile(r"^stripe\.[\w.]+\.(?:create|retrieve|modify|list|capture|cancel|confirm)$")
OF_ANY = {"email_user": MAIL}
"""Methods that Django gives to rows, by their name."""


class Reach:
    """By function: what it reaches. `told` leaves out what is reached inside a transaction."""

    def __init__(self, graph: Callgraph, told: bool = False) -> None:
        self.graph = graph
        self.told = told
        self._reached: dict[str, str] = {}
        for name, places in graph.calls.items():
            what = outside(name)
            for source, call in places if what else ():
                if not (told and call.place.atomic):
                    self._reached[function_of(source, call)] = what
        self._spread()

    def of(self, source: Source, call: Call) -> tuple[str, str]:
        """What a call reaches, and the dotted name of what is called; empty if nothing."""
        if is_later(call):
            return "", ""
        name = self.graph.called(source, call)
        return outside(name) or self._of_function(name) or self._sent(name), name

    def _of_function(self, name: str) -> str:
        return self._reached.get(name) or self._reached.get(f"{name}.__init__", "")

    def _sent(self, name: str) -> str:
        """What the receivers reach that run in this call."""
        heard = (self._reached.get(each, "") for each in self.graph.run_in.get(name, ()))
        return next(filter(None, heard), "")

    def _spread(self) -> None:
        """Whoever calls what reaches outside reaches it too."""
        waiting = list(self._reached)
        while waiting:
            name = waiting.pop()
            for source, call in self.graph.callers(name):
                caller = function_of(source, call)
                if caller not in self._reached and not (self.told and call.place.atomic):
                    self._reached[caller] = self._reached[name]
                    waiting.append(caller)


def outside(name: str) -> str:
    last = name.rpartition(".")[2]
    if last in OF_ANY:
        return OF_ANY[last]
    what = next((what for start, what in OUTSIDE.items() if name.startswith(start)), "")
    if what and last in VERBS and CLIENT.match(name) and not _is_answered(name):
        return what
    return HTTP if OF_AWS.match(name) or OF_STRIPE.match(name) else ""


def _is_answered(name: str) -> bool:
    """A method of what a verb has answered: `requests.get().headers.get`."""
    before = name.rpartition("().")[0]
    return before.rpartition(".")[2] in VERBS
