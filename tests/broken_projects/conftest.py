collect_ignore = ["recorded"]  # its checks run in a pytest of its own
