"""Finds dangers: code that breaks when apps are carved, whichever app is carved."""
