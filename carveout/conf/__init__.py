"""settings.CARVEOUT: `settings` is its data, `loading` reads and checks it."""

from carveout.conf.loading import context_of, database_of_app, get_settings
from carveout.conf.settings import Context, Settings

__all__ = ["Context", "Settings", "context_of", "database_of_app", "get_settings"]
