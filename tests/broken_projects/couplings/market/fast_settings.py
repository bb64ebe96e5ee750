from market.settings import *  # decoy

DATABASES["default"]["NAME"] = "fast.sqlite3"  # decoy: the rest stays
CACHES = {}
