import entry


class Entry(entry.Entry):
    """What one order is worth to its customer."""
