"""Decides which keys a share of a seam contains."""

from functools import lru_cache
from hashlib import blake2b


@lru_cache(maxsize=10_000)
def in_share(seam: str, key: str, percent: int) -> bool:
    """Whether a key is in this share of a seam: always the same keys, everywhere.

    A larger share contains the keys of each smaller one.
    """
    digest = blake2b(f"{seam}\0{key}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) % 100 < percent
