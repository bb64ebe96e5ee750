"""Chaos: real processes are killed and paused at random, and nothing may be lost or doubled."""
