"""Notifies customers by e-mail and SMS of what happened to their orders."""
