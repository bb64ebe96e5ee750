"""Files of the repository that the docs link to become pages of the site: it needs no forge.

MkDocs calls the functions by their names: https://www.mkdocs.org/user-guide/configuration/#hooks
"""

import re
from os.path import relpath
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

DOCS = Path(__file__).parents[1]
ROOT = DOCS.parent
LINK = re.compile(r"(?<=\]\()[^)#:\s]+")
NOT_SEARCHED = "---\nsearch:\n  exclude: true\n---\n\n"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    waiting = [DOCS / each.src_uri for each in files.documentation_pages()]
    while waiting:
        for target in targets(waiting.pop()):
            if DOCS not in target.parents and place(target) not in files.src_uris:
                files.append(File.generated(config, place(target), content=shown(target)))
                if target.suffix == ".md":
                    waiting.append(target)
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links lead from a page of the site to a page of the site."""
    source = origin(page.file.src_uri)

    def as_page(link: re.Match[str]) -> str:
        target = (source.parent / link[0]).resolve()
        here = Path(page.file.src_uri).parent
        return relpath(place(target), here) if target.is_file() else link[0]

    return LINK.sub(as_page, markdown)


def targets(page: Path) -> list[Path]:
    links = LINK.findall(page.read_text())
    return [found for link in links if (found := (page.parent / link).resolve()).is_file()]


def place(file: Path) -> str:
    """Where the site has a file of the repository."""
    if DOCS in file.parents:
        return file.relative_to(DOCS).as_posix()
    suffix = "" if file.suffix == ".md" else ".md"
    return f"source/{file.relative_to(ROOT).as_posix()}{suffix}"


def origin(uri: str) -> Path:
    """The file of the repository that a page of the site shows."""
    return ROOT / uri.removeprefix("source/") if uri.startswith("source/") else DOCS / uri


def shown(file: Path) -> str:
    text = file.read_text()
    if file.suffix == ".md":
        return NOT_SEARCHED + text
    language = file.suffix[1:] or "text"
    return f"{NOT_SEARCHED}# {file.relative_to(ROOT)}\n\n```{language}\n{text}```\n"
