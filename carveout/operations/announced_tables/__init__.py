"""What declares and installs announced tables: their migrations and their system check.

The triggers themselves are in `eventlog/triggers`.
"""
