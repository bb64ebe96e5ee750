"""Runs `python -m carveout`, for a project without `carveout` in its INSTALLED_APPS."""

import sys
from importlib.util import find_spec

if __name__ == "__main__":
    if not find_spec("django"):
        sys.exit(
            f"{sys.executable} has no Django. Install django-carveout where the project is"
            " installed, and run it with that Python."
        )
    from carveout.management.standalone import main

    main(sys.argv[1:])
