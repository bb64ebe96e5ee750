from bazaar import signals  # noqa: F401
