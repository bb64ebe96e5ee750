from market.settings import *  # decoy

DATABASES["default"]["ATOMIC_REQUESTS"] = False  # danger
