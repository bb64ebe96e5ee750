"""The deployment of the shop's own `orders`, with `richer`: further events of the same context.

Run it with CONTEXTS=orders.
"""

from shop.settings import *  # noqa: F403
from shop.settings import CARVEOUT, INSTALLED_APPS

CARVEOUT["CONTEXTS"]["orders"]["apps"] = ["orders", "richer"]
INSTALLED_APPS = [*INSTALLED_APPS, "richer"]
