"""What is wrong with a journal outside its actors' own lines: unknown names, lost ones, the ledger.

Not here: whether the ledger is what the actors' commands lead to (:mod:`runtime.run.audit`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from runtime.ledger.accounts import LedgerDamaged
from runtime.ledger.bookkeeper import AnyEntry
from runtime.ledger.lender import LenderDamaged
from runtime.run.inbox import Difference, ReplayMismatch
from runtime.run.lines import (
    LEDGER,
    PROCESS,
    STIMULI,
    Booked,
    DamagedLine,
    LoanBooked,
    Said,
    ToldHeard,
    line_of,
    read,
    readable,
)
from runtime.run.recording import Recording
from runtime.run.run import books_of


def strangers(recording: Recording) -> Iterator[Difference]:
    """Lines of unknown actors.  Raises NimdslError when a line that is no actor's cannot be read."""
    for name in recording.journal.actors():
        if name == LEDGER or name.startswith((PROCESS, STIMULI)):
            deque(readable(recording.journal, name) if name == LEDGER else read(recording.journal, name), 0)
        elif name not in recording.kernels:
            yield Difference(ReplayMismatch.STRANGER, name, 0, "the scenario has no such actor")


def lost(recording: Recording) -> Iterator[Difference]:
    """Names whose lines are not as many as when the run ended; of actors with lines their replay tells."""
    counts = recording.journal.counts()
    for name, wanted in sorted((recording.lines or {}).items()):
        found = counts.get(name, 0)
        if found != wanted and name not in recording.inboxes:
            text = f"there are {found} lines, and there were {wanted} when the run ended"
            yield Difference(ReplayMismatch.PLACE, name, found, text)


def misbooked(recording: Recording) -> Iterator[Difference]:
    """The first line of the ledger that no ledger of this economy wrote.  Raises NimdslError."""
    if not books_of(recording.program, recording.scenario, recording.epoch):
        return
    position = 0

    def entries() -> Iterator[AnyEntry]:
        nonlocal position
        for entry in readable(recording.journal, LEDGER):
            position = entry.position
            line = line_of(entry)
            if isinstance(line, Booked | LoanBooked):
                yield line.entry
            elif not isinstance(line, Said | ToldHeard):
                raise DamagedLine(f"no line of a ledger is called {entry.kind!r}")

    try:
        books_of(recording.program, recording.scenario, recording.epoch, entries())
    except DamagedLine as damage:
        yield Difference(ReplayMismatch.DAMAGED, LEDGER, position, str(damage))
    except (LedgerDamaged, LenderDamaged) as damage:
        yield Difference(ReplayMismatch.DAMAGED, LEDGER, position, damage.problem)
