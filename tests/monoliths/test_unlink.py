"""Relations of real monoliths become ids, or are refused with a reason.

Slow: `make monoliths MONOLITHS="-k test_unlink"`. In a copy, the first relation of each app that
can be unlinked is; after that, `makemigrations` finds what it found before, and nothing else.
"""

import json
from collections import Counter
from typing import Any

import pytest

from tests.monoliths.subject import HERE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
BY_HAND = {"wagtail": [("contrib/search_promotions/forms.py", '            "page",\n', "")]}
"""What a person does about uses that it lists, without which the project does not start."""


def test_relations_become_ids_or_are_refused_with_a_reason(copied):
    before = copied.to_migrate()
    lines: list[Any] = [
        json.loads(line)
        for line in copied.run(
            str(HERE / "unlinked.py"), str(copied.folder), "--write"
        ).splitlines()
        if line.startswith('{"name"')
    ]
    for file, old, new in BY_HAND.get(copied.subject.name, ()):
        assert any(file in each.get("by_hand", ()) for each in lines)
        text = (copied.folder / file).read_text()
        assert old in text
        (copied.folder / file).write_text(text.replace(old, new))
    assert lines
    assert copied.to_migrate() == before
    can_be = [each for each in lines if not each["refused"]]
    written = [each for each in lines if each.get("written")]
    for each in written:
        assert any("migrations/" in file for file in each["written"])
    traits = Counter(trait for each in can_be for trait in each["traits"])
    print(  # noqa: T201
        f"{copied.subject}: {len(lines)} relations, {len(can_be)} can be ids, {len(written)} are;"
        f" {', '.join(f'{count} {name}' for name, count in traits.most_common())}"
    )
