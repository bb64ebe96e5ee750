"""Finds groups of apps that are coupled more with each other than with the rest."""

from collections.abc import Iterable

from carveout.carving.plan.app_graph import Graph

STARTS = 20
"""How often Louvain is run, each time with the apps in another order."""

Groups = list[list[str]]


def communities(
    edges: Graph, apps: Iterable[str], starts: int = STARTS
) -> list[tuple[float, Groups]]:
    """The groups that each run of Louvain finds, with their modularity; the best first.

    The same edges give the same groups in every process: seeds are fixed, and nodes are numbers,
    because sets of numbers are iterated in the same order in each process.

    Source: Blondel et al., Fast unfolding of communities in large networks, 2008,
    https://doi.org/10.1088/1742-5468/2008/10/P10008
    """
    from networkx import Graph as Weighted  # it takes 0.2 s to import
    from networkx.algorithms.community import louvain_communities, modularity

    names = sorted(apps)
    number = {name: index for index, name in enumerate(names)}
    weighted = Weighted()
    weighted.add_nodes_from(range(len(names)))
    weighted.add_weighted_edges_from(
        (number[low], number[high], points) for (low, high), points in sorted(edges.items())
    )
    if not edges:
        return [(0.0, [[name] for name in names])]
    found = []
    for seed in range(starts):
        parts = louvain_communities(weighted, seed=seed)
        groups = sorted(sorted(names[each] for each in part) for part in parts)
        found.append((modularity(weighted, parts), groups))
    return sorted(found, key=lambda each: (-round(each[0], 9), each[1]))
