"""The admin, which workers load only with the URLs: most never do."""

import sys

from django.contrib.admin.apps import AdminConfig, SimpleAdminConfig

WORKERS = ("relay", "consume", "work")


class PagesAdminConfig(AdminConfig):
    """Django's, which imports the `admin` modules of all apps at once, except in a worker."""

    def ready(self) -> None:
        if sys.argv[1:2] and sys.argv[1] in WORKERS:
            SimpleAdminConfig.ready(self)
        else:
            super().ready()
