"""CQRS: a model to read from, beside the one that orders writes to, and kept up to date."""
