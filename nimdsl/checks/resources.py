"""Checks of the resources that cells acquire: orders in which they could wait for each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

from nimdsl.base.diagnostics import Severity
from nimdsl.compile.reader import Findings
from nimdsl.program.flatten import lineage
from nimdsl.program.machine import BeginWork, State, walk
from nimdsl.program.work import Work

Order = tuple[str, str]
"""Two resources, the one that is asked for first and the other one while it is held."""


def orders_of(root: State, works: Mapping[str, Work]) -> dict[Order, Work]:
    """In which orders a machine acquires two resources, with the work that acquires the second."""
    states = {"": root, **dict(walk(root))}
    found: dict[Order, Work] = {}
    for path, state in states.items():
        if state.states:
            continue
        acquired = [one for inside in reversed(lineage(path)) for one in _acquired(states[inside], works)]
        for (first, _), (second, work) in combinations(acquired, 2):
            if first != second:
                found.setdefault((first, second), work)
    return found


def _acquired(state: State, works: Mapping[str, Work]) -> Iterator[tuple[str, Work]]:
    for action in state.enter:
        work = works.get(action.work) if isinstance(action, BeginWork) else None
        if work is not None and work.acquire is not None:
            yield work.acquire.resource, work


def check_orders(findings: Findings, own: Mapping[Order, Work], others: Mapping[Order, str]) -> None:
    """NIM0511: two resources that somebody acquires in the opposite order.  It is a warning.

    ``others`` are all orders that there are, each with the name of a cell that has it.
    """
    for (first, second), work in own.items():
        other = others.get((second, first))
        if other is not None and first < second:
            message = (
                f"`{second}` is acquired while `{first}` is held, and `{other}` acquires them in the "
                "opposite order: they may wait for each other until a timeout"
            )
            fix = "acquire them in the same order everywhere"
            findings.report("NIM0511", message, work.place, fix, Severity.WARNING)
