"""A context whose declarations do not fit what they name."""
