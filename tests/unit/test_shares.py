"""The share of a seam's keys that goes by event."""

from itertools import pairwise

from carveout.seams.share import in_share


def test_shares_are_stable_and_a_larger_one_holds_the_smaller():
    keys = [f"T-{number}" for number in range(2_000)]
    chosen = [{key for key in keys if in_share("a.b", key, percent)} for percent in range(101)]
    assert all(small <= large for small, large in pairwise(chosen))
    assert chosen[0] == set() and chosen[100] == {*keys}
    assert 400 < len(chosen[25]) < 600
    assert chosen[25] != {key for key in keys if in_share("a.c", key, 25)}
    assert [in_share("a.b", f"T-{number}", 50) for number in range(8)] == [
        *(False, False, False, False),
        *(False, True, True, True),
    ], "other than before: keys would change sides with an upgrade"
