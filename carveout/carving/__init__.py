"""Carving."""
