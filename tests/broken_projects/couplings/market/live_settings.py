import dj_database_url

from market.settings import *  # decoy

DEFAULT = dj_database_url.config()
DATABASES = {"default": DEFAULT}  # decoy: what is said below counts
DATABASES["default"]["ATOMIC_REQUESTS"] = DEFAULT["ENGINE"] != ""  # danger
