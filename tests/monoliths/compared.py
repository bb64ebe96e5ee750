"""What the survey found beside what somebody else says: recall, precision, and each difference."""

from typing import Any

from tests.monoliths.subject import Found

Pairs = set[tuple[str, str]]


def of_kind(found: Found, kind: str) -> list[dict[str, Any]]:
    return [each for each in found.survey["couplings"] if each["kind"] == kind]


def compare(found: Found, what: str, surveyed: Pairs, oracle: Pairs, least: float = 1.0) -> None:
    """Print both numbers for docs/explanation/survey-accuracy.md, and fail below the least."""
    recall = len(surveyed & oracle) / len(oracle) if oracle else 1.0
    precision = len(surveyed & oracle) / len(surveyed) if surveyed else 1.0
    line = f"{found.subject} | {what} | {len(oracle)} | {recall:.1%} | {precision:.1%}"
    print(line)  # noqa: T201 (the numbers of the docs)
    assert min(recall, precision) >= least, (
        f"{line}\nmissed: {sorted(oracle - surveyed)}\ntoo many: {sorted(surveyed - oracle)}"
    )
