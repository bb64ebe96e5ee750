"""A backend with an engine of its own, which loads as Jinja2 does."""

from pathlib import Path
from types import SimpleNamespace

from django.template.backends.base import BaseEngine

HERE = Path(__file__).parent.parent


class Pages(BaseEngine):
    app_dirname = "pages"

    def __init__(self, params):
        super().__init__({key: params[key] for key in ("NAME", "DIRS", "APP_DIRS")})
        folder = SimpleNamespace(searchpath=[str(HERE / "pages")])
        self.env = SimpleNamespace(loader=SimpleNamespace(loaders=[folder]))
