"""The reference project's contracts: what may change in one context, and what may not."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from carveout.contracts import contract
from carveout.contracts.declared import declared
from carveout.contracts.files import encode, stored
from tests import copies
from tests.copies import CONTEXTS, ROOT
from tests.forks import python

FOLDERS = ("carveout", "shop", "orders", "notifications", "reviews", "demo", "contracts")
READER = "notifications/lookups.py"
OLD_PROMISE = '            "placed_at",\n'


@pytest.fixture
def project(tmp_path) -> Path:
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=copies.WITH_BYTECODE)
    shutil.copy(ROOT / "manage.py", tmp_path)
    return tmp_path


def manage(project: Path, *command: str, **env: str) -> subprocess.CompletedProcess[str]:
    own = {**os.environ, "CARVEOUT_DIR": str(project / ".carveout"), **env}
    return python("manage.py", *command, folder=project, env=own)


def change(file: Path, before: str, after: str) -> None:
    text = file.read_text()
    assert text.count(before) == 1
    file.write_text(text.replace(before, after))


def line_of(text: str, file: str = READER) -> str:
    lines = (ROOT / file).read_text().splitlines()
    return f"{file}:{lines.index(text) + 1}"


def without_lines(contract_: contract.Contract) -> str:
    """Lines move with every comment; that alone needs no new contract."""
    text = encode(contract_)
    return "\n".join(line for line in text.splitlines() if not line.strip().startswith('"at"'))


@pytest.mark.parametrize("context", CONTEXTS)
def test_the_stored_contracts_are_those_of_the_code(context):
    written = stored(context, ROOT / "contracts")
    assert written, "say `manage.py contracts --write`"
    assert without_lines(written) == without_lines(declared(context))


@pytest.mark.parametrize("command", [["contracts"], ["contextmap", "--declared"]])
def test_there_is_no_false_alarm(project, command):
    manage(project, "contracts", "--write")
    checked = manage(project, *command, "--check")
    assert (checked.returncode, checked.stderr) == (0, "")
    assert checked.stdout in ("No contract is broken.\n", "The map is consistent.\n")


def test_a_field_that_notifications_reads_can_not_be_taken_away(project):
    change(project / "orders/serializers.py", '            "email",\n', "")
    expected = f"{line_of('    email: str')}: OrderToTell.email reads a field that orders.order"
    for command in ("contracts", "contextmap"):
        checked = manage(project, command, "--check")
        assert checked.returncode == 1
        assert expected in checked.stdout


def test_writing_the_contracts_hides_no_field_that_is_missed(project):
    change(project / "orders/serializers.py", '            "email",\n', "")
    assert manage(project, "contracts", "--write").returncode == 0
    checked = manage(project, "contracts", "--check")
    assert checked.returncode == 1
    assert line_of("    email: str") in checked.stdout


def test_a_field_within_a_list_is_missed_too(project):
    change(project / "orders/serializers.py", '["sku", "name", "quantity", "price"]', '["sku"]')
    checked = manage(project, "contracts", "--check")
    assert checked.returncode == 1
    assert f"{line_of('    price: Decimal')}: OrderToTell.lines[].price" in checked.stdout


def test_a_field_that_nobody_reads_may_be_taken_away_with_a_notice(project):
    serializers = project / "orders/serializers.py"
    change(serializers, OLD_PROMISE, OLD_PROMISE + '            "cancelled_at",\n')
    manage(project, "contracts", "--write")
    change(serializers, '            "cancelled_at",\n', "")
    checked = manage(project, "contracts", "--check")
    assert checked.returncode == 0, checked.stdout
    assert "orders.order.cancelled_at is gone; nothing reads it." in checked.stdout
    assert "notice: contracts/orders.json: differs from the code." in checked.stdout
    manage(project, "contracts", "--write")
    assert manage(project, "contracts", "--check").stdout == "No contract is broken.\n"


def test_the_type_of_a_field_that_is_read_can_not_change(project):
    change(
        project / "orders/serializers.py",
        "    lines = OrderLineSerializer(many=True, read_only=True)\n",
        "    lines = OrderLineSerializer(many=True, read_only=True)\n"
        "    total = serializers.FloatField()\n",
    )
    checked = manage(project, "contracts", "--check")
    assert checked.returncode == 1
    assert (
        f"{line_of('    total: Decimal')}: OrderToTell.total; orders.order.total was string"
        " decimal and is number." in checked.stdout
    )


def test_an_events_field_that_others_hear_can_not_change(project):
    shipped = '"""An order left the warehouse."""\n\n    order_number: '
    change(project / "orders/events.py", f"{shipped}str", f"{shipped}int")
    checked = manage(project, "contracts", "--check")
    assert checked.returncode == 1
    subscribers = "notifications/subscribers.py"
    heard = line_of("def tell_by_email(event, order: OrderToTell) -> None:", subscribers)
    assert (
        f"{heard}: notifications.tell_by_email handles orders.OrderShipped;"
        " orders.OrderShipped.order_number was string and is integer." in checked.stdout
    )
    assert "reviews" not in checked.stdout, "it does not hear that one"


def test_a_field_that_all_must_have_needs_a_new_version_and_an_upcaster(project):
    events = project / "orders/events.py"
    manage(project, "contracts", "--write")
    shipped = '"""An order left the warehouse."""\n\n    order_number: str\n'
    change(events, shipped, f"{shipped}    carrier: str\n")
    declared = line_of(
        'class OrderShipped(carveout.Event, key="order_number"):', "orders/events.py"
    )
    assert broken(project) == [
        f"{declared}: orders.OrderShipped changed (carrier is new and older events lack it) and is"
        " still at version 1. Set version=2 and write an upcaster:"
        ' @carveout.upcast("orders.OrderShipped", version=1).'
    ]
    change(
        events,
        'class OrderShipped(carveout.Event, key="order_number"',
        'class OrderShipped(carveout.Event, key="order_number", version=2',
    )
    assert broken(project) == [
        f"{declared}: orders.OrderShipped is at version 2, but no upcaster turns data of version 1"
        ' into the next. Write an upcaster: @carveout.upcast("orders.OrderShipped", version=1).'
    ]
    events.write_text(
        events.read_text()
        + '\n\n@carveout.upcast("orders.OrderShipped", version=1)\n'
        + 'def name_the_carrier(data):\n    return {**data, "carrier": ""}\n'
    )
    assert broken(project) == []
    manage(project, "contracts", "--write")
    assert '"version": 2' in (project / "contracts/orders.json").read_text()
    assert manage(project, "contracts", "--check").stdout == "No contract is broken.\n"


def broken(project: Path) -> list[str]:
    """What `contracts --check` fails for."""
    checked = manage(project, "contracts", "--check")
    lines = checked.stdout.splitlines()
    found = [line for line in lines if not line.startswith(("notice: ", "No contract"))]
    assert checked.returncode == bool(found), checked.stdout + checked.stderr
    return found


@pytest.fixture
def orders_alone(tmp_path) -> Path:
    copies.only("orders", tmp_path)
    shutil.copytree(ROOT / "contracts", tmp_path / "contracts")
    return tmp_path


def test_a_deployment_of_one_context_knows_what_the_others_read(orders_alone):
    manage(orders_alone, "contracts", "--write", CONTEXTS="orders")
    assert manage(orders_alone, "contracts", "--check", CONTEXTS="orders").returncode == 0
    assert manage(orders_alone, "contextmap", "--check", CONTEXTS="orders").returncode == 0
    change(orders_alone / "orders/serializers.py", '            "email",\n', "")
    checked = manage(orders_alone, "contracts", "--check", CONTEXTS="orders")
    assert checked.returncode == 1
    assert f"{line_of('    email: str')}: OrderToTell.email" in checked.stdout


def test_a_deployment_writes_only_its_own_contracts(orders_alone):
    for context in CONTEXTS:
        (orders_alone / f"contracts/{context}.json").unlink()
    checked = manage(orders_alone, "contracts", "--check", CONTEXTS="orders")
    assert checked.returncode == 1
    assert "contracts/orders.json: the file does not exist." in checked.stdout
    manage(orders_alone, "contracts", "--write", CONTEXTS="orders")
    assert [path.name for path in (orders_alone / "contracts").iterdir()] == ["orders.json"]
    checked = manage(orders_alone, "contracts", "--check", CONTEXTS="orders")
    assert checked.returncode == 0
    assert "shop is not hosted here and its contract is missing." in checked.stdout


def test_contracts_may_lie_in_another_folder(project):
    shutil.rmtree(project / "contracts")
    manage(project, "contracts", "--write", "--folder", "elsewhere/promises")
    assert len(list((project / "elsewhere/promises").glob("*.json"))) == len(CONTEXTS)
    for command in ("contracts", "contextmap"):
        checked = manage(project, command, "--check", "--folder", "elsewhere/promises")
        assert checked.returncode == 0, checked.stdout


def test_contracts_are_not_written_among_installed_packages(tmp_path):
    """As by default, where BASE_DIR of the settings is there."""
    folder = tmp_path / "site-packages" / "contracts"
    with pytest.raises(CommandError, match=r"contracts is among .*--folder contracts\."):
        call_command("contracts", "--write", folder=folder)
    assert not folder.exists()
