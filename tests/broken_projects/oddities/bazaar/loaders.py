"""Loaders of templates that are not Django's."""

from pathlib import Path

from django.template import Origin, TemplateDoesNotExist
from django.template.loaders.base import Loader
from django.template.loaders.filesystem import Loader as FilesystemLoader

ROOT = Path(__file__).parent.parent


class Themes(FilesystemLoader):
    def __init__(self, engine, *themes):
        super().__init__(engine)
        self.themes = themes

    def get_dirs(self):
        return [ROOT / "themes" / each for each in self.themes]


class Skins(FilesystemLoader):
    def get_dirs(self):
        return [str(ROOT / "desk" / "skins")]


class Rows(Loader):
    """Templates in a database: nobody can be asked for a folder."""

    def get_template_sources(self, template_name):
        yield Origin(template_name, template_name, self)

    def get_contents(self, origin):
        raise TemplateDoesNotExist(origin)


class Gone(FilesystemLoader):
    def get_dirs(self):
        raise LookupError("no theme without a request")
