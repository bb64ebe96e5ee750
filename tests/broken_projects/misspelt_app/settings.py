"""An app of a context is misspelt, where Django is told of the right one."""

from sound import *  # noqa: F403

CARVEOUT = {"REDIS_URL": "redis://127.0.0.1:1/0", "CONTEXTS": {"desk": {"apps": ["dsk"]}}}
