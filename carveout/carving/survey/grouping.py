"""Reads groupings: which apps form which context, from a command line, a file or the settings."""

from pathlib import Path

from carveout.conf import get_settings
from carveout.errors import SettingsInvalid

Grouping = dict[str, list[str]]


def declared() -> Grouping:
    """The contexts of settings.CARVEOUT, each with its apps and its modules of other apps.

    Empty in a project that declares none yet.
    """
    contexts = get_settings().contexts.items()
    return {name: [*context.apps, *context.modules] for name, context in contexts}


def parse(given: str) -> Grouping:
    """Reads `orders=orders,billing; catalogue=products`, or a file of such lines.

    # begins a comment.

    Raises: SettingsInvalid: a part has no `=`, an app is in two contexts, or there is no such file.
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
        raise SettingsInvalid(
            f"--contexts: {given} is not a grouping, and there is no such file."
        ) from error


def _no_app_twice(grouping: Grouping) -> None:
    seen: dict[str, str] = {}
    for name, apps in grouping.items():
        for app in apps:
            if app in seen:
                raise SettingsInvalid(f"{app} is in the contexts {seen[app]} and {name}.")
            seen[app] = name
