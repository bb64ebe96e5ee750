collect_ignore = ["recorded", "unread"]  # their files are read, or run in a pytest of their own
