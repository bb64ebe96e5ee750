"""Subscriptions: their declarations, cursors and handlers."""
