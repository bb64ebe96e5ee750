"""Errors that are alike are one group, whatever differs from one time to the next."""

import pytest

from carveout.deliveries.fingerprint import fingerprint, normalized_message, raised_in

STACK = """Traceback (most recent call last):
  File "/srv/{release}/shop/mail.py", line {line}, in send
    connect()
  File "/srv/{release}/shop/smtp.py", line 4, in {function}
    raise OSError
OSError: gone
"""


def stack(release: str = "a", line: int = 3, function: str = "connect") -> str:
    return STACK.format(release=release, line=line, function=function)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("no order A-17", "no order B-4711"),
        ("no order 'A-HPZ7FJDMT9'", "no order 'A-N1FAX0GAEK'"),
        ("took 1.5 s", "took 0.25 s"),
        ("ada@example.com is refused", "bob@example.org is refused"),
        ("id 6f1e7c52-9a0b-4a5c-8f55-0d2c1a2b3c4d", "id 00000000-aaaa-bbbb-cccc-dddddddddddd"),
        ("<Order object at 0x7f31>", "<Order object at 0x7f42>"),
        ("gone\nmore 1", "gone\nother words"),
    ],
)
def test_what_differs_each_time_does_not_count(one, other):
    assert normalized_message(one) == normalized_message(other)
    assert fingerprint("OSError", one, stack()) == fingerprint("OSError", other, stack())


def test_another_release_or_line_is_no_other_place():
    assert raised_in(stack()) == raised_in(stack("b", line=9)) == "shop/smtp.py connect"


def test_type_words_and_place_count():
    ours = fingerprint("OSError", "gone", stack())
    assert ours != fingerprint("ValueError", "gone", stack())
    assert ours != fingerprint("OSError", "refused", stack())
    assert ours != fingerprint("OSError", "gone", stack(function="close"))


def test_an_error_without_text_or_stack_has_a_name_too():
    assert len(fingerprint("KeyError", "", "")) == 16
