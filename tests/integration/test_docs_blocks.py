"""Each block of code in the docs says what it is, and can be read as that."""

import configparser
import json
import tomllib

import pytest
import yaml

from tests import command_lines
from tests.command_lines import FENCE, blocks
from tests.integration.test_docs import EVERYWHERE, name

READ = {
    "python": lambda block: compile(block, "block", "exec"),
    "json": json.loads,
    "toml": tomllib.loads,
    "yaml": yaml.safe_load,
    "ini": lambda block: ini().read_string("[top]\n" + block),
}
AS_THEY_ARE = {"console", "mermaid", "text"}


def ini() -> configparser.ConfigParser:
    """For systemd's units: a name may come twice, and % is theirs."""
    return configparser.ConfigParser(strict=False, interpolation=None)


def test_blocks_are_what_they_say():
    wrong = []
    for page in EVERYWHERE:
        for language, block in blocks(page.read_text()):
            try:
                if language not in AS_THEY_ARE:
                    READ[language](block)
            except Exception as error:
                wrong.append(f"{name(page)}: {language or 'no language'}: {error!r}")
    assert wrong == []


def test_every_block_ends():
    odd = [name(each) for each in EVERYWHERE if "```" in FENCE.sub("", each.read_text())]
    assert odd == []


def test_commands_in_the_docs_exist_with_their_options():
    wrong = {name(page): command_lines.of(page) for page in EVERYWHERE}
    assert {page: faults for page, faults in wrong.items() if faults} == {}


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("make tset", "make tset"),
        ("make test TSET=x", "make TSET=x"),
        ("cd x && python manage.py relya", "command relya"),
        ("A=b .venv/bin/python manage.py relay --twice", "relay --twice"),
        ("python -m carveout plan --settings x --chek", "plan --chek"),
        ("python manage.py buy --cheap CD-01", "buy --cheap"),
    ],
)
def test_a_command_that_does_not_exist_is_noticed(line, fault):
    assert [*command_lines.faults(line)] == [fault]
