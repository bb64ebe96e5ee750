"""Turns a foreign key that leaves its context into a plain id, in steps that lose no row.

Read in this order: `unlinking`, `relation`, `id_field`, `model_file`, `migration_file`, `uses`.
"""
