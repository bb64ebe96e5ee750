"""The setup page, to the letter: fresh environments, the kit from a wheel, nothing of ours near.

Slow: pip installs everything, also Wagtail. `-s` shows how long it took.
"""

import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from filecmp import cmp
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPCookieProcessor, OpenerDirector, build_opener

import pytest

from tests.acceptance.test_wheel import build_wheel
from tests.copies import ROOT
from tests.pages import Reader, plain_environment, reading, section

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

HOWTO = ROOT / "docs" / "howto"
PAGE = (HOWTO / "add-to-a-project.md").read_text(encoding="utf-8")
TROUBLESHOOTING = (HOWTO / "troubleshooting.md").read_text(encoding="utf-8")
TO_FIRST_EVENT = ["3. Add two apps", "4. Add the settings", "5. Publish an event", "6. Handle it"]
TO_FIRST_EVENT += ["7. Check and migrate", "8. Run it"]
REQUESTS_S = 10.0


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    to = tmp_path_factory.mktemp("wheels")
    build_wheel(to)
    return to


@contextmanager
def fresh(tmp_path: Path, wheels: Path) -> Iterator[Reader]:
    """An empty folder, and a pip that also finds our wheel."""
    folder = tmp_path / "project"
    folder.mkdir()
    env = plain_environment()
    links = (env.get("PIP_FIND_LINKS", ""), str(wheels))
    env |= {
        "PATH": f"{Path(sys._base_executable).parent}:/usr/local/bin:/usr/bin:/bin",
        "PIP_FIND_LINKS": " ".join(filter(None, links)),
    }
    with reading(folder, env, tmp_path / "up.log") as reader:
        yield reader


def check_installed(reader: Reader) -> None:
    """What pip found is our wheel, and no release."""
    where = reader.ran("python -c 'import carveout; print(carveout.__file__)'").strip()
    assert Path(where).is_relative_to(reader.folder / ".venv")
    for name in (
        "conf/loading.py",
        "eventlog/publish.py",
        "consumers/consumer.py",
        "operations/story/text.py",
    ):
        assert cmp(Path(where).parent / name, ROOT / "carveout" / name, shallow=False), name


def look_at_the_admin(reader: Reader, key: str) -> None:
    """Sign in at the address that `up` printed; the map and the story are there."""
    admin = re.findall(r"admin +(http://\S+)", reader.log.read_text())[-1]
    browser = build_opener(HTTPCookieProcessor(CookieJar()))
    map_url = f"{admin}carveout/map/"
    token = re.findall(r'csrfmiddlewaretoken" value="(\w+)"', got(browser, map_url))[0]
    sign_in = {"username": "admin", "password": "change-me", "csrfmiddlewaretoken": token}
    got(browser, f"{admin}login/?next={urlsplit(map_url).path}", urlencode(sign_in).encode())
    assert "OrderCreated" in got(browser, map_url)
    assert "write_letter" in got(browser, f"{admin}carveout/story/?q={key}")


def got(browser: OpenerDirector, url: str, data: bytes | None = None) -> str:
    return browser.open(url, data, REQUESTS_S).read().decode()


def told(what: str) -> None:
    sys.stdout.write(f"\nThe setup page: {what}\n")


def test_the_setup_page_runs_to_the_letter(tmp_path: Path, wheels: Path) -> None:
    began = time.monotonic()
    with fresh(tmp_path, wheels) as reader:
        for heading in ("1. Install", "2. Start a project", *TO_FIRST_EVENT):
            reader.follow(section(PAGE, heading))
        first_event_s = time.monotonic() - began
        look_at_the_admin(reader, "A-1")
        reader.follow(section(PAGE, "9. Test it"))
        reader.follow(TROUBLESHOOTING)
        check_installed(reader)
    took_s = time.monotonic() - began
    told(f"first event handled after {first_event_s:.0f} s, all of it {took_s:.0f} s")


def test_the_setup_page_runs_around_a_project_of_wagtail(tmp_path: Path, wheels: Path) -> None:
    theirs = section(PAGE, "Wagtail")
    start, own = theirs.split("Then follow steps 3 to 9")
    settings, admin = "mysite/settings/base.py", "/django-admin/"
    assert settings in own and admin in own, "the page tells what is different"
    began = time.monotonic()
    with fresh(tmp_path, wheels) as reader:
        reader.follow(section(PAGE, "1. Install"))
        reader.follow(start)
        for heading in (*TO_FIRST_EVENT, "9. Test it"):
            text = section(PAGE, heading).replace("mysite/settings.py", settings)
            reader.follow(text.replace("/admin/", admin))
        look_at_the_admin(reader, "A-1")
        reader.follow(own)
    took_s = time.monotonic() - began
    told(f"around Wagtail {took_s:.0f} s")
