"""The metaclass of msgspec's structs, under a name that type checkers can follow."""

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from msgspec import StructMeta as StructMeta  # which older versions of msgspec do not export
else:
    StructMeta = type(msgspec.Struct)
