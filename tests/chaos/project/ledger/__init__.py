"""The context that writes entries into accounts, and announces each."""
