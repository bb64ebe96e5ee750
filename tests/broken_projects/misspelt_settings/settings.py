"""Several mistakes: all of them are to be said at once."""

from sound import *  # noqa: F403
from sound import CARVEOUT

CARVEOUT = {
    **CARVEOUT,
    "REDIS_ULR": "redis://127.0.0.1:1/0",
    "BATCH_ROWS": 0,
    "DELIVERY": "pigeon",
    "CONTEXTS": {**CARVEOUT["CONTEXTS"], "desk": {"apps": ["desk"], "databse": "default"}},
}
