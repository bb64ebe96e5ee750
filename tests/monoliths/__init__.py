"""Real monoliths that nobody here wrote, from PyPI, each in an environment of its own."""
