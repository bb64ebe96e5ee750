"""The tangled shop, with its messages told by events: its own tests pass as they were."""

import shutil
from pathlib import Path
from xml.etree import ElementTree

from tests.copies import LEFT_OUT, ROOT
from tests.forks import python
from tests.integration.test_tangled import TANGLED, without_ours

CARVED = ROOT / "examples/carved"
OWN = "tests.test_told_by_events"
GONE = {
    "test_the_order_is_lost_when_the_mail_server_is_down": ("assert 1 == 0", "Order"),
    "test_it_is_the_mail_server_that_fails_the_request": (
        "HandlerFailed: 1 delivery failed:\nnotifications.tell of orders.0:1:",
        "ConnectionRefusedError",
    ),
    "test_slow_mail_holds_the_lock_on_the_products": ("assert [] == ['database table is locked']",),
}
"""Tests of the shop that describe a failure that is gone, and what each of them says now."""


def outcomes(folder: Path) -> dict[tuple[str, str], str]:
    """What each of the shop's tests says when it fails, by file and name; empty if it passes."""
    shutil.copytree(TANGLED, folder, ignore=LEFT_OUT)
    shutil.copytree(CARVED, folder, ignore=LEFT_OUT, dirs_exist_ok=True)
    report = folder / "report.xml"
    command = ("-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}")
    ran = python(*command, folder=folder, env=without_ours() | {"PYTHONPATH": str(ROOT)})
    assert report.exists(), ran.stdout + ran.stderr
    cases = ElementTree.parse(report).iter("testcase")  # noqa: S314 - pytest wrote it
    return {(each.get("classname"), each.get("name")): told(each) for each in cases}


def told(case: ElementTree.Element) -> str:
    return "".join(f"{each.get('message')}\n{each.text}" for each in case)


def test_an_existing_suite_passes_but_for_the_failures_that_are_gone(tmp_path):
    found = outcomes(tmp_path / "shop")
    theirs = {name: says for (file, name), says in found.items() if file != OWN}
    assert len(theirs) == 31
    failed = {name: says for name, says in theirs.items() if says}
    assert failed.keys() == GONE.keys()
    for name, words in GONE.items():
        assert [word for word in words if word not in failed[name]] == [], failed[name]
    now = {name: says for (file, name), says in found.items() if file == OWN}
    assert len(now) == len(GONE) and not any(now.values()), now


def test_no_test_of_the_shop_was_changed():
    ours = [path.relative_to(CARVED) for path in (CARVED / "tests").rglob("*.py")]
    assert ours and not any((TANGLED / path).exists() for path in ours)
    readme = (CARVED / "README.md").read_text()
    assert [name for name in GONE if f"`{name}`" not in readme] == []
