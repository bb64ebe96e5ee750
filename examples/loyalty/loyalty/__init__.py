"""Loyalty points for customers: a context of another team, in a deployment of its own."""
