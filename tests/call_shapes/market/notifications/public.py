from market.notifications.services import *  # noqa: F403
