"""Tells customers by e-mail and SMS what happened to their orders."""
