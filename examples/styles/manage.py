#!/usr/bin/env python
"""DJANGO_SETTINGS_MODULE is config.owner or config.reader; CONTEXTS says what is hosted."""

import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
