"""Checks of marks together with who hears them: cells that go to and fro at one instant.

The law: a cell flaps where it leaves a state on a mark and comes back on its end, unconditionally,
where the pool shrinks by time in the one and grows in the other, and the mark is over where it is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nimdsl.base.diagnostics import Severity
from nimdsl.base.units import format_lifeforce
from nimdsl.compile.reader import Reader
from nimdsl.program import Economy
from nimdsl.program.amount import RATE_TIMES, Amount, Computed, most_of
from nimdsl.program.flatten import Row, Table, flatten, lineage
from nimdsl.program.machine import State, walk

SHARE_MORE = 10
"""A mark that should be over later is proposed to be so by one part in so many."""


def is_turned(root: State) -> bool:
    """Whether some state of a machine lets something flow: others cannot flap."""
    return any(state.income or state.upkeep for _, state in walk(root))


def check_flapping(reader: Reader, economy: Economy, roots: Mapping[str, State]) -> None:
    """NIM0513: a mark at which a cell can go to and fro without end.  It is a warning.

    ``reader`` reads the economy; ``roots`` are the machines of those that live on it, by name.
    """
    own = sum(economy.incomes.values()) - sum(economy.upkeep.values())
    flat = [name for name, mark in economy.marks.items() if mark.until == mark.below]
    for cell, root in roots.items() if flat else ():
        table = flatten(root)
        for name in flat:
            pair = next(_turning(table, name, own), None)
            if pair is None:
                continue
            drained, filled = pair
            amount, inner = economy.marks[name].below, reader.sub("marks")
            message = (
                f"`{name}` is told and over at the same {format_lifeforce(amount)} LF: there `{cell}` can"
                f" go from `{drained}` to `{filled}` and back hundreds of times in a microsecond"
            )
            place = inner.node.key_place(name) if inner else reader.place("marks")
            reader.findings.report("NIM0513", message, place, _fix(economy, amount), Severity.WARNING)


def _fix(economy: Economy, amount: int) -> str:
    until, capacity = amount + max(amount // SHARE_MORE, 1), economy.capacity
    if capacity is not None and amount >= capacity:
        return "lower `below`, so that `until` can be a bit more"
    return f"write `until:` a bit more, as {format_lifeforce(min(until, capacity or until))}"


def _turning(table: Table, mark: str, own: int) -> Iterator[tuple[str, str]]:
    """The leaves between which the mark and its end lead, the pool shrinking in the one, growing in the
    other; ``own`` is what the economy itself brings, micro-LF a day."""
    for drained, path in enumerate(table.states):
        row = _surely(table, drained, mark)
        if row is None or row.target == drained or own + _flow(table, path)[0] >= 0:
            continue
        filled = table.states[row.target]
        back = _surely(table, row.target, f"{mark}.over")
        if back is not None and back.target == drained and own + _flow(table, filled)[1] > 0:
            yield path, filled


def _surely(table: Table, leaf: int, event: str) -> Row | None:
    """The row that takes the event in a leaf, whatever the data are."""
    number = table.event_numbers.get(event, -1)
    rows = [table.rows[place] for place in table.candidates.get((leaf, number), ())]
    sure = bool(rows) and rows[0].guard is None and not rows[0].defers and rows[0].returns is None
    return rows[0] if sure else None


def _flow(table: Table, leaf: str) -> tuple[int, int]:
    """The least and the most that flows in while a leaf stands, less what flows out; micro-LF a day."""
    flows = [table.flows[path] for path in lineage(leaf) if path in table.flows]
    least = sum(_least(one.income) - _most(one.upkeep) for one in flows)
    return least, sum(_most(one.income) - _least(one.upkeep) for one in flows)


def _least(rate: Amount) -> int:
    return 0 if isinstance(rate, Computed) else rate


def _most(rate: Amount) -> int:
    return most_of(rate) * (RATE_TIMES if isinstance(rate, Computed) else 1)
