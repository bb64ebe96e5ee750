"""The documentation as a site: built, then read in a real browser, served and as a file."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.acceptance.test_screenshots import CHROMIUM, DESK, PATIENCE_MS, PHONE, chromium
from tests.contrast import too_faint
from tests.copies import ROOT

__all__ = ["chromium"]  # a fixture

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.slow

READ = ("index", "tutorial/first-hour", "reference/commands", "explanation/states")
"""Home, a tutorial, a reference page, and one with a diagram."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As `make docs` builds it: a broken link or anchor ends the build."""
    folder = tmp_path_factory.mktemp("site")
    command = (sys.executable, "-m", "mkdocs", "build", "--site-dir", str(folder))
    env = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return folder


class Refers(HTMLParser):
    """What a page of the site refers to, and where others can point into it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.loaded: set[str] = set()
        self.ids: set[str] = set()
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.ids.add(value)
            elif name == "src" or (name == "href" and tag == "link"):
                self.loaded.add(value or "")
            elif name == "href":
                self.links.add(value or "")


def test_the_site_needs_nothing_else(site):
    """No link that leads nowhere, nothing of another host, no path of this machine."""
    pages = {path: Refers(path) for path in site.rglob("*.html") if path.name != "404.html"}
    assert len(pages) > 100
    wrong = []
    for path, page in pages.items():
        wrong += [f"{path}: loads {each}" for each in page.loaded if urlsplit(each).netloc]
        for link in page.loaded | page.links:
            there = urlsplit(link)
            if there.scheme or there.netloc:
                continue
            target = (path.parent / unquote(there.path)).resolve() if there.path else path
            ids = pages[target].ids if target in pages else set()
            if not target.is_file() or {unquote(there.fragment)} - ids - {""}:
                wrong.append(f"{path}: {link}")
    texts = [path for path in site.rglob("*") if path.suffix in {".html", ".json", ".js", ".xml"}]
    here = re.compile(f"{re.escape(str(ROOT))}|{re.escape(str(site))}|{re.escape(sys.prefix)}")
    wrong += [f"{path}: names a folder here" for path in texts if here.search(path.read_text())]
    assert wrong == []


@pytest.fixture
def served(site: Path) -> Iterator[str]:
    class Silent(SimpleHTTPRequestHandler):
        def log_message(self, *told: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=site)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def page(chromium: "playwright.Browser", served: str) -> Iterator["playwright.Page"]:
    """What the pages print to the console, or ask of another host, fails the test."""
    context = chromium.new_context(permissions=["clipboard-read", "clipboard-write"])
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    page.on("request", lambda request: told.append(request.url))
    yield page
    context.close()
    ours = (served, "file:", "data:", "blob:")
    assert [each for each in told if not each.startswith(ours)] == []


@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")
def test_the_site_is_read_in_light_and_dark_on_a_phone_and_by_keyboard(page, served, site):
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for name in READ:
            page.set_viewport_size(DESK)
            page.goto(f"{served}/{name}.html")
            assert too_faint(page) == {}, f"{name}, {scheme}"
            page.set_viewport_size(PHONE)
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= PHONE["width"], name
            assert too_faint(page) == {}, f"{name}, {scheme}, on a phone"
    page.set_viewport_size(DESK)
    assert page.locator("div.mermaid").count() == 1, "the diagram is not drawn"

    page.goto(f"{served}/tutorial/first-hour.html")
    page.locator(".highlight:has(.gp) [data-md-type=copy]").first.click()
    copied = "navigator.clipboard.readText()"
    assert page.evaluate(copied) == "python -m carveout survey --settings config.settings"
    page.goto(f"{served}/index.html")
    search_by_keyboard(page)
    page.emulate_media(color_scheme="light")
    page.goto((site / "index.html").as_uri())
    search_by_keyboard(page)


def search_by_keyboard(page: "playwright.Page") -> None:
    """Tab goes to the page's text, its themes, the search and the navigation, in this order."""
    reached: list[str] = []
    while "Reference" not in reached:
        page.keyboard.press("Tab")
        focused = "(each => each.getAttribute('aria-label') || each.innerText.trim())"
        reached.append(page.evaluate(f"{focused}(document.activeElement)"))
        assert len(reached) < 30, reached
    assert reached[0] == "Skip to content"
    assert "Search" in reached
    page.keyboard.press("/")
    page.keyboard.type("replay events")
    found = page.locator(".md-search-result__link")
    found.filter(has_text="Retry failed deliveries").first.wait_for()
    assert too_faint(page) == {}
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("operate.html"))
