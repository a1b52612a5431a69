"""What goes round: parts of a graph in which all lead to one another, and how much can go round for ever.

The law of :func:`largest`: of amounts that are not negative and together at most 1, each limit's sum at
most 0, those are found for which the sum of the wanted ones is largest.  It is the simplex method.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import TypeVar

Node = TypeVar("Node", bound=Hashable)
Row = list[Fraction]


def mutual(graph: Mapping[Node, Collection[Node]]) -> dict[Node, int]:
    """By node the number of its part: of one part are those that lead to one another.

    Each node that is led to is a node of the ``graph``.
    """
    order: list[Node] = []
    _visit(graph, graph, order)
    backwards: dict[Node, list[Node]] = {node: [] for node in graph}
    for node, others in graph.items():
        for other in others:
            backwards[other].append(node)
    return _visit(backwards, order[::-1], [])


def _visit(
    graph: Mapping[Node, Collection[Node]], begin: Iterable[Node], order: list[Node]
) -> dict[Node, int]:
    """By node the number of the walk that met it; ``order`` gets each when all behind it are done."""
    met: dict[Node, int] = {}
    for number, start in enumerate(begin):
        if start in met:
            continue
        met[start] = number
        walks = [(start, iter(graph[start]))]
        while walks:
            node, rest = walks[-1]
            other = next((one for one in rest if one not in met), None)
            if other is None:
                order.append(node)
                walks.pop()
            else:
                met[other] = number
                walks.append((other, iter(graph[other])))
    return met


def largest(count: int, limits: Iterable[Mapping[int, int]], wanted: Iterable[int]) -> list[Fraction]:
    """The ``count`` amounts; each of ``limits`` has the factor of an amount by its number.

    All 0 where nothing that is wanted can be more.
    """
    rows = [[Fraction(limit.get(one, 0)) for one in range(count)] for limit in limits]
    rows.append([Fraction(1)] * count)
    ends = [Fraction(0)] * (len(rows) - 1) + [Fraction(1)]
    for number, (row, end) in enumerate(zip(rows, ends, strict=True)):
        row += [Fraction(number == one) for one in range(len(rows))] + [end]
    goal = [-Fraction(one in {*wanted}) for one in range(count)] + [Fraction(0)] * (len(rows) + 1)
    basis = [count + number for number in range(len(rows))]
    while (entering := next((one for one, value in enumerate(goal[:-1]) if value < 0), None)) is not None:
        leaving = _leaving(rows, basis, entering)
        _pivot(rows, goal, leaving, entering)
        basis[leaving] = entering
    found = dict(zip(basis, (row[-1] for row in rows), strict=True))
    return [found.get(one, Fraction(0)) for one in range(count)]


def _leaving(rows: Sequence[Row], basis: Sequence[int], entering: int) -> int:
    """The row that is exhausted first; of several the one whose amount has the lowest number (Bland's rule,
    with which this comes to an end).  There is one: the sum of all amounts is bounded."""
    ratios = (
        (row[-1] / row[entering], basis[place], place)
        for place, row in enumerate(rows)
        if row[entering] > 0
    )
    return min(ratios)[2]


def _pivot(rows: Sequence[Row], goal: Row, leaving: int, entering: int) -> None:
    """Solves the row that leaves for what enters, and puts that into all others."""
    factor = rows[leaving][entering]
    pivot = rows[leaving]
    pivot[:] = [value / factor for value in pivot]
    for row in (*rows, goal):
        if row is not pivot and (times := row[entering]):
            row[:] = [value - times * one if one else value for value, one in zip(row, pivot, strict=True)]
