"""Notifications announces nothing: that a customer was told matters to nobody else yet."""
