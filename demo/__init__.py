"""The demonstration: the whole shop at work. It knows every context, and none knows it."""
