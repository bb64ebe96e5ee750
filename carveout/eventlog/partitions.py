"""Which partition a key belongs to: the same in every process, database and release.

The relay computes it in SQL when it gives positions, so whatever writes to the log, also a trigger,
stores no more than the key. See docs/decisions/announced-tables.md.
"""

SLOTS = 16_384
"""Shares of all keys, of equal size. A key's partition is its slot mod their number."""

# The first 14 bits of the key's SHA-256. Django adds the function to SQLite.
_SQLITE_DIGITS = " | ".join(
    f"((instr('0123456789abcdef', substr(sha256(key), {digit}, 1)) - 1) << {4 * (4 - digit)})"
    for digit in range(1, 5)
)
SLOT_IN_SQL = {
    "postgresql": "('x' || encode(sha256(convert_to(key, 'UTF8')), 'hex'))::bit(14)::integer",
    "sqlite": f"(({_SQLITE_DIGITS}) >> 2)",
}
"""The slot of the column `key`, by kind of database."""
