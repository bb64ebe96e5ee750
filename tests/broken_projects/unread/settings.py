"""An installed app is in no context."""

from sound import *  # noqa: F403
from sound import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "stray"]
