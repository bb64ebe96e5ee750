"""Events, mails, jobs and requests in the form in which they are compared."""

import json
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from carveout.seams.effects.comparing.effect import Effect, Treatment
from carveout.seams.effects.comparing.net_changes import frozen
from carveout.seams.effects.effects import Outside, Values

EVENTS, MAILS, JOBS, REQUESTS = "events of a key", "mails", "jobs", "requests"
UNRECORDABLE = "unrecordable"
KINDS = (EVENTS, MAILS, JOBS, REQUESTS, UNRECORDABLE)

EVENT_COLUMNS = ("version", "key", "carries", "carried", "seam")
"""The others are made for each event: its id, time, place, and what caused it."""
ADDRESSES = ("to", "cc", "bcc", "reply_to")
MADE_HEADERS = {"message-id", "date"}


def normal(
    events: Iterable[Values], outside: Outside, treatment: Treatment
) -> dict[str, list[Effect]]:
    """What code announced, by kind."""
    unrecordable = ({"what": each} for each in outside.unrecordable)
    return {
        EVENTS: [_event(each, treatment) for each in events],
        MAILS: [_mail(each, treatment) for each in outside.mails],
        JOBS: [_job(each, treatment) for each in outside.jobs],
        REQUESTS: [_request(each, treatment) for each in outside.requests],
        UNRECORDABLE: [treatment.effect(UNRECORDABLE, each, each) for each in unrecordable],
    }


def parsed(text: Any) -> Any:
    """The JSON in a text; what is not JSON as it is."""
    try:
        return json.loads(text, parse_float=Decimal) if isinstance(text, str | bytes) else text
    except ValueError:
        return text


def _event(row: Values, treatment: Treatment) -> Effect:
    data = parsed(row.get("data"))
    fields = {name: row[name] for name in EVENT_COLUMNS if name in row}
    fields["carried"] = parsed(row.get("carried"))
    for name, value in data.items() if isinstance(data, dict) else [("data", data)]:
        fields[f"data.{name}" if name in fields else name] = value
    event = treatment.effect(f"event {row.get('type')}", row, fields)
    event.queue = row.get("key")
    return event


def _mail(mail: Values, treatment: Treatment) -> Effect:
    fields = {name: value for name, value in mail.items() if name != "headers"}
    fields |= {name: sorted({*map(str, mail.get(name) or ())}) for name in ADDRESSES}
    fields |= _headers(mail.get("headers") or {})
    effect = treatment.effect("mail", mail, fields)
    effect.queue = frozen(sorted({each for name in ADDRESSES[:3] for each in fields[name]}))
    return effect


def _headers(headers: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in headers.items():
        if name.lower() not in MADE_HEADERS:
            yield f"headers.{name}", value


def _job(job: Values, treatment: Treatment) -> Effect:
    fields = {name: value for name, value in job.items() if name not in ("args", "kwargs")}
    fields |= {f"args.{place}": each for place, each in enumerate(job.get("args") or ())}
    fields |= {f"kwargs.{name}": each for name, each in (job.get("kwargs") or {}).items()}
    name = str(job.get("function", "")).rpartition(".")[2]
    effect = treatment.effect(f"job {name}", job, fields)
    effect.queue = frozen(job.get("queue") or "")
    return effect


def _request(request: Values, treatment: Treatment) -> Effect:
    host = _host(str(request.get("url", "")))
    fields = {**request, "body": parsed(request.get("body"))}
    effect = treatment.effect(f"request {request.get('method')} {host}", request, fields)
    effect.queue = host
    return effect


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
