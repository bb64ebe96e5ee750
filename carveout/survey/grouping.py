"""Groupings: which apps are to be which context, as written on a command line or in a file."""

from pathlib import Path

from carveout.conf import get_settings
from carveout.errors import SettingsInvalid

Grouping = dict[str, list[str]]


def declared() -> Grouping:
    """The contexts of settings.CARVEOUT; none in a project that has not begun."""
    return {name: list(context.apps) for name, context in get_settings().contexts.items()}


def parse(given: str) -> Grouping:
    """`orders=orders,billing; catalogue=products` or a file of such lines; # begins a comment.

    Raises: SettingsInvalid: a part has no `=`, or an app is in two contexts, there is no such file.
    """
    grouping: Grouping = {}
    for line in _text(given).replace(";", "\n").splitlines():
        name, equals, apps = line.partition("#")[0].strip().partition("=")
        if not name:
            continue
        if not equals:
            raise SettingsInvalid(f"{name!r} names no apps. Write context=app,app;context=app.")
        grouping[name.strip()] = [app.strip() for app in apps.split(",") if app.strip()]
    _no_app_twice(grouping)
    return grouping


def _text(given: str) -> str:
    path = Path(given)
    if "=" in given and not path.is_file():
        return given
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsInvalid(f"--contexts: {given} is no grouping, and no such file.") from error


def _no_app_twice(grouping: Grouping) -> None:
    seen: dict[str, str] = {}
    for name, apps in grouping.items():
        for app in apps:
            if app in seen:
                raise SettingsInvalid(f"{app} is in the contexts {seen[app]} and {name}.")
            seen[app] = name
