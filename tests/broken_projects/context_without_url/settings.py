"""A context that lives elsewhere, but where?"""

from sound import *  # noqa: F403
from sound import CARVEOUT

CONTEXTS = {**CARVEOUT["CONTEXTS"], "depot": {"apps": ["depot"]}}
CARVEOUT = {**CARVEOUT, "CONTEXTS": CONTEXTS}
