"""FastStream in batches of 500."""

from bench.peers.faststream import run_batch as run

__all__ = ["run"]
