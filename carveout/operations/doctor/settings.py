"""Checks the settings, with the system checks, and the keys that sign requests."""

from collections.abc import Iterator

from django.conf import settings as django_settings
from django.core.checks import ERROR as CHECK_ERROR
from django.core.checks import run_checks

from carveout.conf import get_settings
from carveout.conf.validation import TAG
from carveout.operations.doctor.finding import Finding, error, ok, warning

KEY_BYTES_MIN = 32
"""For HS256; a system check applies it to keys in the settings. Source: https://www.rfc-editor.org/rfc/rfc7518#section-3.2"""
SEEN_BETTER_HERE = {"carveout.W001"}
"""Checks that `databases` makes on the database itself."""
NEW_KEY = "create one with `python -c 'import secrets; print(secrets.token_urlsafe(48))'`"


def check() -> Iterator[Finding]:
    found = [each for each in run_checks(tags=[TAG]) if each.id not in SEEN_BETTER_HERE]
    for message in found:
        judge = error if message.level >= CHECK_ERROR else warning
        yield judge("Settings", message.msg.rstrip("."), message.hint or "run `manage.py check`")
    if not found:
        yield ok("Settings", "the system checks find no error")


def check_keys() -> Iterator[Finding]:
    """Checks the keys by which contexts authenticate each other over HTTP."""
    settings = get_settings()
    derived = [name for name in settings.contexts if not settings.keys.get(name)]
    apart = [name for name, context in settings.contexts.items() if context.url]
    found = []
    if derived and len(django_settings.SECRET_KEY.encode()) < KEY_BYTES_MIN:
        short = f"SECRET_KEY, from which keys are derived, is shorter than {KEY_BYTES_MIN} bytes"
        found.append(warning("Keys", short, NEW_KEY))
    if derived and apart:
        found.append(
            warning(
                "Keys",
                f"those of {', '.join(derived)} are derived from SECRET_KEY, and"
                f" {', '.join(apart)} may run elsewhere: anyone who has SECRET_KEY can impersonate"
                " every context",
                "give each context a key of its own in CARVEOUT['KEYS']",
            )
        )
    yield from found or [ok("Keys", "are long enough")]
