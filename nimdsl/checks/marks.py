"""Checks of marks together with who hears them: cells that go to and fro at one instant.

The law: a cell flaps where it leaves a state on a mark and comes back on its end, unconditionally,
where the pool shrinks by time in the one and grows in the other, the mark is over where it is told, and
nothing on the way moves the balance or leads elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nimdsl.base.diagnostics import Severity
from nimdsl.base.units import format_lifeforce
from nimdsl.checks.guards import may_fault
from nimdsl.compile.reader import Reader
from nimdsl.program import Economy
from nimdsl.program.amount import RATE_TIMES, Amount, Computed, most_of
from nimdsl.program.flatten import FlatTimer, Row, Table, expressions_in, flatten, lineage
from nimdsl.program.machine import AskReward, BeginWork, Raise, State, events_of, walk

SHARE_MORE = 10
"""A mark that should be over later is proposed to be so by one part in so many."""
FLAPPING_NS = 1_000
"""A timer that takes as long is not due while a cell goes to and fro."""


def flat_marks(economy: Economy) -> list[str]:
    """The marks that are over where they are told."""
    return [name for name, mark in economy.marks.items() if mark.until == mark.below]


def check_flapping(reader: Reader, economy: Economy, living: Mapping[str, State]) -> None:
    """NIM0513: a mark at which a cell can go to and fro without end, told once.  It is a warning.

    ``reader`` reads the economy; ``living`` are the machines of those that live on it, by name.
    """
    waiting = flat_marks(economy)
    own = economy.net_flow()
    for cell, root in living.items():
        events = events_of(root) if waiting and _is_turned(root) else frozenset()
        heard = [name for name in waiting if {name, f"{name}.over"} <= events]
        table = flatten(root) if heard else None
        for name in heard:
            pair = next(_turning(table, name, own), None) if table else None
            if pair is not None:
                waiting.remove(name)
                _report(reader, economy, name, cell, pair)


def _report(reader: Reader, economy: Economy, name: str, cell: str, pair: tuple[str, str]) -> None:
    drained, filled = pair
    amount, inner = economy.marks[name].below, reader.sub("marks")
    message = (
        f"`{name}` is told and over at the same {format_lifeforce(amount)} LF: there `{cell}` can"
        f" go from `{drained}` to `{filled}` and back hundreds of times in a microsecond"
    )
    place = inner.node.key_place(name) if inner else reader.place("marks")
    reader.findings.report("NIM0513", message, place, _fix(economy, amount), Severity.WARNING)


def _is_turned(root: State) -> bool:
    """Whether some state of a machine lets something flow: others cannot flap."""
    return any(state.income or state.upkeep for _, state in walk(root))


def _fix(economy: Economy, amount: int) -> str:
    until, capacity = amount + max(amount // SHARE_MORE, 1), economy.capacity
    if capacity is not None and amount >= capacity:
        return "lower `below`, so that `until` can be a bit more"
    return f"write `until:` a bit more, as {format_lifeforce(min(until, capacity or until))}"


def _turning(table: Table, mark: str, own: tuple[int, int]) -> Iterator[tuple[str, str]]:
    """The leaves between which the mark and its end lead, the pool shrinking in the one, growing in the
    other; ``own`` is what the economy itself brings, micro-LF a day."""
    for drained, path in enumerate(table.states):
        row = _surely(table, drained, mark)
        if row is None or row.target == drained or own[0] + _flow(table, path)[0] >= 0:
            continue
        filled = table.states[row.target]
        back = _surely(table, row.target, f"{mark}.over")
        if back is not None and back.target == drained and own[1] + _flow(table, filled)[1] > 0:
            yield path, filled


def _surely(table: Table, leaf: int, event: str) -> Row | None:
    """The row that takes the event in a leaf, whatever the data are, and does nothing but lead on."""
    number = table.event_numbers.get(event, -1)
    rows = [table.rows[place] for place in table.candidates.get((leaf, number), ())]
    if not rows or rows[0].guard is not None or rows[0].defers or rows[0].returns is not None:
        return None
    row, timers = rows[0], (table.timers[place] for place in rows[0].arm)
    return None if row.bill or _acts(row) or any(map(_is_soon, timers)) else row


def _acts(row: Row) -> bool:
    """Whether something is done on the way that can move the balance, lead elsewhere or have no value.

    Work may be done at once, and what it reserves is taken from the pool.
    """
    moving = any(isinstance(action, AskReward | BeginWork | Raise) for action in row.actions)
    return moving or any(may_fault(one.node) for action in row.actions for one in expressions_in(action))


def _is_soon(timer: FlatTimer) -> bool:
    """Whether a timer may be due before the mark is over, or told again."""
    after, parts = timer.after_ns, 1_000_000 - timer.jitter
    return isinstance(after, Computed) or after * parts // 1_000_000 < FLAPPING_NS


def _flow(table: Table, leaf: str) -> tuple[int, int]:
    """The least and the most that flows in while a leaf stands, less what flows out; micro-LF a day."""
    flows = [table.flows[path] for path in lineage(leaf) if path in table.flows]
    least = sum(_least(one.income) - _most(one.upkeep) for one in flows)
    return least, sum(_most(one.income) - _least(one.upkeep) for one in flows)


def _least(rate: Amount) -> int:
    return 0 if isinstance(rate, Computed) else rate


def _most(rate: Amount) -> int:
    return most_of(rate) * (RATE_TIMES if isinstance(rate, Computed) else 1)
