"""Lookups: reading another context's data, in process or over HTTP."""
