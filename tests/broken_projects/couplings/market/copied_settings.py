from .settings import *  # decoy

DATABASES = {"default": {**DATABASES["default"], "NAME": "copied.sqlite3"}}  # decoy
