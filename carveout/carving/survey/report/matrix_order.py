"""Orders the rows of a dependency-structure matrix: each name comes before those that it needs.

Names that need each other, directly or indirectly, form a block. So everything that points back
is in blocks along the diagonal. Source: https://dsmweb.org/sequencing-a-dsm/
"""

from collections.abc import Iterable, Mapping

Weights = Mapping[tuple[str, str], float]
"""By pair (needing, needed): how strongly the first needs the second."""
ROUNDS = 10


def ordered(names: Iterable[str], weights: Weights) -> list[str]:
    return [name for block in blocks(names, weights) for name in block]


def blocks(names: Iterable[str], weights: Weights) -> list[list[str]]:
    """Blocks of names, each after those that need it; a name in no cycle is a block of its own."""
    names = sorted(names)
    reach = _reach(names, weights)
    left = sorted(names, key=lambda name: (-len(reach[name] | {name}), name))
    found = []
    while left:
        block = [name for name in left if name == left[0] or _mutual(name, left[0], reach)]
        found.append(_sequenced(block, weights))
        left = [name for name in left if name not in block]
    return found


def _reach(names: list[str], weights: Weights) -> dict[str, set[str]]:
    """By name: all that it needs, directly or indirectly."""
    reach: dict[str, set[str]] = {name: set() for name in names}
    for source, target in weights:
        if source in reach and target in reach:
            reach[source].add(target)
    for via in names:
        for each in reach.values():
            if via in each:
                each |= reach[via]
    return reach


def _mutual(one: str, other: str, reach: Mapping[str, set[str]]) -> bool:
    return other in reach[one] and one in reach[other]


def _sequenced(block: list[str], weights: Weights) -> list[str]:
    """An order in which little weight points back. The optimum is not worth the search."""
    order = _greedy(block, weights)
    for _ in range(ROUNDS if len(order) > 1 else 0):
        before = list(order)
        for name in before:
            _move(name, order, weights)
        if order == before:
            break
    return order


def _greedy(block: list[str], weights: Weights) -> list[str]:
    """Repeatedly takes the name that needs most of the others and is needed least.

    Source: Eades, Lin, Smyth 1993, A fast and effective heuristic for the feedback arc set problem.
    """
    surplus = {
        name: sum(weights.get((name, other), 0) - weights.get((other, name), 0) for other in block)
        for name in sorted(block)
    }
    order = []
    while surplus:
        first = max(surplus, key=lambda name: surplus[name])
        del surplus[first]
        for other in surplus:
            surplus[other] += weights.get((first, other), 0) - weights.get((other, first), 0)
        order.append(first)
    return order


def _move(name: str, order: list[str], weights: Weights) -> None:
    """Moves a name to where most of its weight points forward; on a tie it stays."""
    here = order.index(name)
    order.remove(name)
    gains = [0.0]
    for other in order:
        gains.append(gains[-1] + weights.get((other, name), 0) - weights.get((name, other), 0))
    best = max(gains)
    order.insert(here if gains[here] == best else gains.index(best), name)
