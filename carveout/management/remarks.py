"""Printing what a check says."""

from collections.abc import Iterable

from django.core.management.base import CommandError

from carveout.management.command import KitCommand
from carveout.remark import Remark, in_order


def tell(command: KitCommand, remarks: Iterable[Remark], sound: str) -> None:
    """Print them, or that there are none. Raises: CommandError: something is broken."""
    told = in_order(remarks)
    for remark in told:
        command.stdout.write(str(remark))
    broken = sum(remark.broken for remark in told)
    if broken:
        raise CommandError(f"{broken} {'thing is' if broken == 1 else 'things are'} broken.")
    command.stdout.write(sound)
