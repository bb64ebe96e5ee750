"""What does not count as a difference between a call and its event, by seam."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from carveout.models import Seam
from carveout.seams.effects.comparing.rules import Rules

_declared: dict[str, Rules] = {}


def seam_rules(
    name: str,
    *,
    ignore: Iterable[str] = (),
    clean: Mapping[str, Callable[[Any], Any]] | None = None,
    equal_if: Mapping[str, Callable[[Any, Any], bool]] | None = None,
) -> None:
    """Say what does not count as a difference in the mode `shadow` of a seam.

    A difference has a shape, as `manage.py seams` shows it: `notifications_message.text`. Shapes
    may have wildcards: `mail.headers.*`.

    name: of the seam. ignore: shapes that do not count.
    clean: by shape, a function that is applied to both values before they are compared.
    equal_if: by shape, a function that gets both values and decides whether they are equal.

    Raises: DeclarationInvalid: a rule is not of this form.
    """
    _declared[name] = Rules(tuple(ignore), dict(clean or {}), dict(equal_if or {}))


def rules_of(seam: str, database: str) -> Rules:
    """The rules of a seam: those that are declared, and the shapes that a person ignores."""
    row = Seam.objects.using(database).filter(name=seam).first()
    ignored = row.ignored.splitlines() if row else []
    return _declared.get(seam, Rules()).ignoring(ignored)
