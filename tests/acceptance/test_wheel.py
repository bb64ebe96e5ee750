"""The kit alone, as a wheel in an empty project with two small apps: nothing of ours is near."""

import os
import signal
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from shutil import copy, copytree
from textwrap import dedent

import pytest

from carveout.runtime import ports
from tests.copies import LEFT_OUT, ROOT
from tests.databases import rows
from tests.eventually import eventually
from tests.servers import ValkeyForTests, free_port

SETTINGS = """
import os

import carveout

CARVEOUT = {
    "REDIS_URL": os.environ["REDIS_URL"],
    "CONTEXTS": {
        "library": {"apps": ["library"], "url": os.environ.get("URL_LIBRARY", "")},
        "reminders": {"apps": ["reminders"]},
    },
}
INSTALLED_APPS += ["rest_framework", "carveout", *carveout.hosted_apps(CARVEOUT)]
DATABASE_ROUTERS = ["carveout.routers.ContextRouter"]
DATABASES["default"]["NAME"] = os.environ["DATABASE"]
"""
FILES = {
    "project/urls.py": """
        from django.urls import include, path

        urlpatterns = [path("internal/", include("carveout.urls"))]
    """,
    "library/models.py": """
        from django.db import models

        class Book(models.Model):
            isbn = models.CharField(max_length=13, unique=True)
            title = models.CharField(max_length=100)
    """,
    "library/events.py": """
        import carveout

        class BookBorrowed(carveout.Event, key="isbn"):
            isbn: str
    """,
    "library/lookups.py": """
        from rest_framework import serializers
        import carveout
        from library.models import Book

        class BookSerializer(serializers.ModelSerializer):
            class Meta:
                model = Book
                fields = ["isbn", "title"]

        @carveout.lookup("book", key="isbn")
        class BookLookup(carveout.LookupViewSet):
            queryset = Book.objects.all()
            serializer_class = BookSerializer
    """,
    "library/management/commands/lend.py": """
        from django.core.management.base import BaseCommand
        from django.db import transaction
        import carveout
        from library.events import BookBorrowed
        from library.models import Book

        class Command(BaseCommand):
            def add_arguments(self, parser):
                parser.add_argument("titles", nargs="+")

            def handle(self, titles, **options):
                for title in titles:
                    with transaction.atomic():
                        number = Book.objects.count() + 1
                        Book.objects.create(isbn=str(number), title=title)
                        carveout.publish(BookBorrowed(isbn=str(number)))
    """,
    "reminders/models.py": """
        from django.db import models

        class Reminder(models.Model):
            text = models.CharField(max_length=100)
    """,
    "reminders/lookups.py": """
        import carveout

        class BookToReturn(carveout.Lookup, of="library.book"):
            title: str
    """,
    "reminders/subscribers.py": """
        import carveout
        from reminders.lookups import BookToReturn
        from reminders.models import Reminder

        @carveout.subscribe("library.BookBorrowed")
        def remind(event, book: BookToReturn):
            Reminder.objects.create(text=f"Bring {book.title} back")
    """,
}
PACKAGES = ("library", "reminders")


class Project:
    """The project, run by a Python that knows the wheel and our dependencies only."""

    def __init__(self, folder: Path, python: Path) -> None:
        self.folder, self.python = folder, python

    def command(self, *arguments: str, **env: str) -> str:
        done = subprocess.run(
            [self.python, *arguments],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], **env},
            text=True,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, f"{' '.join(arguments)}:\n{done.stdout}{done.stderr}"
        return done.stdout

    def manage(self, *arguments: str, **env: str) -> str:
        return self.command("manage.py", *arguments, **env)

    @contextmanager
    def running(self, *arguments: str, **env: str) -> Iterator[None]:
        """A command that goes on until it is told to stop, and then ends in peace."""
        process = subprocess.Popen(
            [self.python, "manage.py", *arguments],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], **env},
        )
        try:
            yield
            process.terminate()
            assert process.wait(20) in (0, -signal.SIGTERM), arguments
        finally:
            process.kill()
            process.wait()


def build_wheel(to: Path) -> Path:
    """The wheel, built from a copy without the contexts."""
    source = to / "source"
    copytree(ROOT / "carveout", source / "carveout", ignore=LEFT_OUT)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        copy(ROOT / name, source)
    build = [sys.executable, "-m", "build", "--wheel", "--outdir", str(to), str(source)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(to.glob("*.whl"))


def _install(wheel: Path, to: Path) -> Path:
    """A fresh Python with the wheel; the dependencies are lent by ours. Returns: the Python."""
    venv.create(to, with_pip=False)
    python = to / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "--quiet"]
    subprocess.run([*pip, "--disable-pip-version-check", str(wheel)], check=True)
    # A .pth inside a lent folder is not read, so our own editable install stays unseen.
    packages = next((to / "lib").glob("python*/site-packages"))
    (packages / "lent.pth").write_text(sysconfig.get_paths()["purelib"])
    return python


def _write(folder: Path) -> None:
    with (folder / "project" / "settings.py").open("a") as settings:
        settings.write(SETTINGS)
    for path, text in FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(dedent(text))
    for package in PACKAGES:
        (folder / package / "__init__.py").touch()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    to = tmp_path_factory.mktemp("wheel")
    made = Project(to / "project", _install(build_wheel(to), to / "venv"))
    made.folder.mkdir()
    made.command("-m", "django", "startproject", "project", ".")
    _write(made.folder)
    env = {"DATABASE": str(to / "none.sqlite3"), "REDIS_URL": "redis://127.0.0.1:1"}
    made.manage("makemigrations", *PACKAGES, **env)
    return made


def reminded(env: Mapping[str, str]) -> list[str]:
    statement = "SELECT text FROM reminders_reminder ORDER BY id"
    return [text for (text,) in rows(f"sqlite:///{env['DATABASE']}", statement)]


def test_nothing_of_this_repository_is_near(project: Project) -> None:
    where = project.command("-c", "import carveout; print(carveout.__file__)")
    assert str(project.python.parent.parent) in where
    for name in ("orders", "shop", "reviews", "notifications", "tests"):
        code = f"import importlib.util as u; print(u.find_spec({name!r}))"
        assert project.command("-c", code).strip() == "None", name


def test_the_typing_marker_and_the_migrations_are_in_the_wheel(project: Project) -> None:
    code = "import carveout, pathlib; print(*pathlib.Path(carveout.__file__).parent.rglob('*.*'))"
    files = project.command("-c", code)
    for name in ("py.typed", "migrations/0001_initial.py", "management/commands/relay.py"):
        assert name in files


def test_an_event_travels_in_one_process_after_the_other(
    project: Project, valkey: ValkeyForTests, tmp_path: Path
) -> None:
    env = {"REDIS_URL": valkey.url, "DATABASE": str(tmp_path / "db.sqlite3")}
    assert "no issues" in project.manage("check", **env)
    project.manage("migrate", **env)
    project.manage("lend", "Hamlet", "Macbeth", **env)
    project.manage("relay", "--once", **env)
    project.manage("consume", "reminders", "--once", **env)
    assert reminded(env) == ["Bring Hamlet back", "Bring Macbeth back"]


def test_it_travels_between_two_deployments_with_a_database_each(
    project: Project, valkey: ValkeyForTests, tmp_path: Path
) -> None:
    """Lookups go over HTTP, and so does the history that the stream no longer has."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/internal"
    both = {"REDIS_URL": valkey.url, "URL_LIBRARY": url}
    library = {**both, "CONTEXTS": "library", "DATABASE": str(tmp_path / "library.sqlite3")}
    reminders = {**both, "CONTEXTS": "reminders", "DATABASE": str(tmp_path / "reminders.sqlite3")}
    for env in (library, reminders):
        project.manage("migrate", **env)
    project.manage("lend", "Hamlet", "Macbeth", "Othello", **library)
    project.manage("relay", "--once", **library)
    with valkey.client as client:
        client.xtrim("carveout:{library.0}:stream", maxlen=1, approximate=False)
    with (
        project.running("runserver", "--noreload", f"127.0.0.1:{port}", **library),
        project.running("relay", **library),
        project.running("consume", **reminders),
    ):
        eventually(lambda: ports.answers(port))
        project.manage("lend", "Timon", **library)
        titles = ("Hamlet", "Macbeth", "Othello", "Timon")
        expected = [f"Bring {title} back" for title in titles]
        eventually(lambda: reminded(reminders) == expected)
