"""Records and catches mails, through whichever backend and function of Django they are sent."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from email.message import Message
from hashlib import sha256
from typing import Any

from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.message import EmailMessage

from carveout.seams.effects.effects import Values
from carveout.seams.effects.outside.block import EffectBlock, suspended, using
from carveout.seams.effects.outside.wrapping import wrap, wrap_family

_END = object()


def install() -> None:
    wrap(EmailMessage, "send", _send)
    wrap_family(BaseEmailBackend, {"send_messages": _send_messages, "open": _open, "close": _close})


def _send(
    block: EffectBlock, original: Callable[..., Any], mail: Any, *args: Any, **kwargs: Any
) -> Any:
    sent = _note(block, mail)
    if block.catches:
        return sent
    with suspended():
        return original(mail, *args, **kwargs)


def _send_messages(
    block: EffectBlock,
    original: Callable[..., Any],
    backend: Any,
    mails: Any,
    *args: Any,
    **kwargs: Any,
) -> Any:
    if block.catches:
        return sum(_note(block, mail) for mail in mails or ())
    if isinstance(mails, Sequence):
        for mail in mails:
            _note(block, mail)
    elif mails is not None:
        mails = _noted_on_the_way(block, mails)
    with suspended():
        return original(backend, mails, *args, **kwargs)


def _open(block: EffectBlock, original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    if block.catches:
        return False  # as if it had been open
    with suspended():
        return original(*args, **kwargs)


def _close(block: EffectBlock, original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Close a connection that was opened before the block too: that is no effect."""
    with suspended():
        return original(*args, **kwargs)


def _noted_on_the_way(block: EffectBlock, mails: Iterable[Any]) -> Iterator[Any]:
    """The mails of an iterator, whose own code belongs to the block."""
    with using(block):
        iterator = iter(mails)
    while True:
        with using(block):
            mail = next(iterator, _END)
        if mail is _END:
            return
        _note(block, mail)
        yield mail


def _note(block: EffectBlock, mail: Any) -> int:
    """Returns: for how many mails it counts; one without recipients is not sent."""
    if not _has_recipients(mail):
        return 0
    block.add("mails", lambda: values(mail))
    return 1


def _has_recipients(mail: Any) -> bool:
    try:
        return bool(mail.recipients())
    except Exception:  # sending it fails in the same way, and that is the caller's to see
        return True


def values(mail: Any) -> Values:
    """The parts of a mail, as JSON has them."""
    parts = {
        "from": str(mail.from_email),
        **{field: [str(each) for each in getattr(mail, field)] for field in ("to", "cc", "bcc")},
        "reply_to": [str(each) for each in mail.reply_to],
        "headers": {str(name): str(value) for name, value in mail.extra_headers.items()},
        "subject": str(mail.subject),
        "body": str(mail.body),
        "alternatives": [_alternative(*each) for each in getattr(mail, "alternatives", ())],
        "attachments": [_attachment(each) for each in mail.attachments],
    }
    if mail.content_subtype != "plain":
        parts["body_type"] = mail.content_subtype
    return parts


def _alternative(content: Any, mimetype: Any) -> Values:
    text = content if isinstance(content, str) else _bytes(content).decode(errors="replace")
    return {"type": str(mimetype), "content": text}


def _attachment(part: Any) -> Values:
    if isinstance(part, Message):
        name, mimetype, content = part.get_filename(), part.get_content_type(), _payload(part)
    else:
        name, content, mimetype = (*part, None, None)[:3]
    digest = sha256(_bytes(content)).hexdigest()
    return {"name": name and str(name), "type": mimetype and str(mimetype), "sha256": digest}


def _payload(part: Message) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else part.as_bytes()


def _bytes(content: Any) -> bytes:
    if isinstance(content, EmailMessage):  # as bytes it has a date and an id
        return json.dumps(values(content)).encode()
    if isinstance(content, Message):
        return content.as_bytes()
    if isinstance(content, bytes | bytearray | memoryview):
        return bytes(content)
    return str(content).encode(errors="surrogatepass")
