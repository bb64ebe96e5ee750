"""The demonstration: runs the whole shop. It knows every context, and no context knows it."""
