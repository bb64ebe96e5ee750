"""Announced tables: triggers that put events into the log, whatever program writes a table.

Read `announcement`, `columns`, `postgresql` and `sqlite`, then `installed` and `writers`.
"""
