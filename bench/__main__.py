"""make bench"""

import argparse
import os
import sys
import tempfile
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures against a baseline in the same run.")
    parser.add_argument("--quick", action="store_true", help="only see that it runs")
    quick = parser.parse_args().quick
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"DJANGO_SETTINGS_MODULE": "shop.settings", "CARVEOUT_DIR": folder}
        for elsewhere in ("REDIS_URL", "DATABASE_URL", "CONTEXTS"):
            os.environ.pop(elsewhere, None)
        run(Path(folder), rounds=1 if quick else 7, times=20 if quick else 300)


def run(state_dir: Path, *, rounds: int, times: int) -> None:
    import django

    django.setup()
    from django.core.management import call_command

    from bench import publish
    from carveout import embedded

    call_command("migrate", verbosity=0)
    with embedded.started(state_dir):
        sys.stdout.write(f"{publish.measure(rounds=rounds, times=times)}\n")


if __name__ == "__main__":
    main()
