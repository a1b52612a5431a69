"""The audit of a lender's journal: is it what the actors' commands lead to? (SEMANTICS 3.8, 8.4)

A lender of its own is fed with the commands in the order that the journal's lines tell; each of them
leads to a line of its own, so it is known which comes next.
"""

from __future__ import annotations

from collections.abc import Sequence

from runtime.ledger.accounts import Acquire, GiveBack
from runtime.ledger.lender import Lender, LoanEntry
from runtime.run.audit import AskedCommand, ParityMismatch
from runtime.run.inbox import Difference, at_line
from runtime.run.lines import LEDGER

_OF_ACQUIRE, _OF_GIVE_BACK = ("queued", "full", "lent"), ("returned", "withdrawn")


class LoanAudit:
    """Compares the lines of a lender; each has its position in the journal."""

    def __init__(
        self, lender: Lender, lines: Sequence[tuple[int, LoanEntry]], asked: Sequence[AskedCommand]
    ) -> None:
        self._lender = lender
        self._lines = lines
        self._written: list[LoanEntry] = []
        lender.listen(self._written.append)
        self._acquires: dict[str, AskedCommand] = {}
        self._returns: dict[str, AskedCommand] = {}
        for one in asked:
            if isinstance(one.command, Acquire):
                self._acquires[one.command.key] = one
            elif isinstance(one.command, GiveBack):
                self._returns[one.command.key] = one

    def difference(self, may_lack: bool) -> Difference | None:
        """The first difference; ``may_lack`` says that commands at the end may not have arrived."""
        for place, (position, line) in enumerate(self._lines):
            if place >= len(self._written) and not self._do(line):
                text = f"no command of an actor leads to it: {line.fate} {line.key}"
                return _at(ParityMismatch.UNASKED, position, text, line)
            if self._written[place] != line:
                text = f"what the lender does is another: {self._written[place].fate}"
                return _at(ParityMismatch.LEDGER, position, text, line, self._written[place])
        if len(self._written) > len(self._lines):
            missing = self._written[len(self._lines)]
            text = f"a line is missing: {missing.fate} {missing.key}"
            return None if may_lack else _at(ParityMismatch.UNPAID, 0, text, None, missing)
        for one in (*self._acquires.values(), *self._returns.values()):
            known = isinstance(one.command, Acquire) or self._has(one)
            if known and not may_lack:
                return at_line(ParityMismatch.UNPAID, one.actor, one.line, "the lender was never asked")
        return None

    def _do(self, line: LoanEntry) -> bool:
        """Does what leads to the next line; whether there is such a thing."""
        waiting = self._acquires if line.fate in _OF_ACQUIRE else self._returns
        asked = waiting.pop(line.key, None)
        count = len(self._written)
        if asked is None:
            return False
        if isinstance(asked.command, Acquire):
            units, priority = asked.command.units, asked.command.priority
            self._lender.acquire(asked.command.resource, line.key, units, priority, line.time_ns)
        elif isinstance(asked.command, GiveBack):
            self._lender.give_back(asked.command.resource, line.key, line.time_ns)
        return len(self._written) > count

    def _has(self, asked: AskedCommand) -> bool:
        """Whether there is still something to give back."""
        command = asked.command
        if not isinstance(command, GiveBack):
            return False
        shelf = self._lender.shelves[command.resource]
        return command.key in shelf.lent or command.key in shelf.requests


def _at(
    what: ParityMismatch,
    position: int,
    text: str,
    was: LoanEntry | None,
    should: LoanEntry | None = None,
) -> Difference:
    time_ns = was.time_ns if was else should.time_ns if should else None
    sides = [None if one is None else one.to_data() for one in (was, should)]
    return Difference(what, LEDGER, position, text, time_ns, "", *sides)
