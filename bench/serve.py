"""The other end of a side: python -m bench.serve MODULE"""

import json
import os
import sys
import traceback
from importlib import import_module

from bench.rounds import Answer


def main() -> None:
    # What is printed by accident goes to stderr; the answers have a pipe of their own.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    import django

    django.setup()
    module = import_module(sys.argv[1])
    for line in sys.stdin:
        function, *arguments = json.loads(line)
        try:
            answer = {"result": getattr(module, function)(*arguments)}
        except Exception:  # the caller raises it again, with this detail
            answer = {"error": traceback.format_exc()}
        print(json.dumps(answer, default=Answer.as_json), file=answers, flush=True)


if __name__ == "__main__":
    main()
