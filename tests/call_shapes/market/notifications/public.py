from market.notifications.models import Badge as Badge
from market.notifications.services import *  # noqa: F403
