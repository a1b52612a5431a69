"""A run with notes and questions in it, for those who doctor its journal."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from gardens.virtual.verdict import Parity
from tests.support.doctored import (
    groups_of,
)
from tests.support.texts import cell

_MACHINE = """
    initial: a
    states:
      a:
        transitions:
          - event: push
            to: a
            cost: 1
            do: [{send: {to: hearer, event: note, payload: {m: "${event.m}"}}}]
          - {event: refused, to: a}"""

_HEARER = """---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: hearer}
spec:
  accepts: {note: {m: int}}
  machine: {initial: a, states: {a: {transitions: [{event: note, to: a}]}}}
---
apiVersion: nimdsl.dev/v1
kind: Scenario"""

NOTES = cell(
    _MACHINE,
    "  accepts: {push: {m: int}}\n",
    "{opening: 10, incomes: {sun: 0.1}}",
    "  stimuli: [{at: 1s, every: 10s, times: 5, to: c, event: push, payload: {m: 7}}]\n",
).replace("---\napiVersion: nimdsl.dev/v1\nkind: Scenario", _HEARER)
"""A cell that is pushed five times tells another one, which only listens: nothing else shows a loss."""

HEARER, TELLER = "cell/hearer", "cell/c"

Entries = list[tuple[str, Any]]


def found(one: Parity) -> list[tuple[str, str]]:
    json.dumps(one.summary)
    return [(difference.actor, difference.what) for difference in one.differences]


def without(kind: str, number: int = 0) -> Callable[[Entries], None]:
    """An accepted event with everything that came of it is missing."""

    def doctor(entries: Entries) -> None:
        groups = groups_of(entries)
        at = [i for i, group in enumerate(groups) if group[0][1]["event"]["kind"] == kind][number]
        entries[:] = [entry for group in groups[:at] + groups[at + 1 :] for entry in group]

    doctor.__name__ = f"without_{kind}"
    return doctor


def renumber(entries: Entries) -> None:
    for index, (_, body) in enumerate(entries):
        body["entry"]["index"] = index
