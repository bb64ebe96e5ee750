from bazaar.settings import *  # noqa: F403

INSTALLED_APPS += ["desk"]  # noqa: F405  # decoy
LEDGER = "desk.ledger.Ledger"  # C: also settings that are not loaded here
