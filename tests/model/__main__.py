"""`make model`: check the model, and that each of its mutations is refuted."""

import sys

from tests.model.claims import Finding, findings
from tests.model.spin import missing_tools


def main() -> int:
    missing = missing_tools()
    if missing:
        say(f"Not found: {', '.join(missing)}. On Debian or Ubuntu: apt-get install spin gcc")
        return 2
    wrong = 0
    for finding in findings():
        say(line(finding))
        wrong += not finding.as_expected
    say(f"{wrong} not as expected" if wrong else "All as expected.")
    return 1 if wrong else 0


def line(finding: Finding) -> str:
    verdict = finding.verdict
    result = f"refuted: {verdict.violated}" if verdict.violated else "holds"
    wrong = "" if finding.as_expected else f"   WRONG, expected: {finding.expected or 'holds'}"
    searched = f"{verdict.states:>10,} states {verdict.seconds:>5.0f} s"
    return f"{finding.claim:<32}{finding.bounds!s:<34}{searched}   {result}{wrong}"


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
