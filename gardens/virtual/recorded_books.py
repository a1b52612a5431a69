"""The books of a recorded run against what its actors asked for: ledgers, the lender, or neither.

Not here: where the commands come from (:mod:`gardens.virtual.recorded`), the audits themselves
(:mod:`runtime.run.audit`, :mod:`runtime.run.loan_audit`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from runtime.kernel.step import PriceDecision
from runtime.ledger.accounts import LenderCommand
from runtime.ledger.lender import Lender
from runtime.ports.journal import JournalEntry
from runtime.run.audit import AskedCommand, Audit, ParityMismatch
from runtime.run.inbox import Difference, at_line
from runtime.run.lines import LEDGER, LoanBooked, read, readable
from runtime.run.loan_audit import LoanAudit
from runtime.run.recording import Recording
from runtime.run.run import books_of


class BookAudit:
    """Compares all books of a run; ``astray`` are the actors that did something else."""

    def __init__(
        self, recording: Recording, asked: Sequence[AskedCommand], astray: Collection[str]
    ) -> None:
        self.recording = recording
        self.asked = asked
        self.astray = astray
        self.closes_ns = 0
        self.grace_ns = 0
        self.ended = False
        """Whether the run is known to have ended."""
        self.notes: Counter[str] = Counter()
        self.entry_count = 0

    def differences(self) -> Iterator[Difference]:
        """What the journal of the books has and should not, or lacks; the first of each."""
        recording = self.recording
        books = books_of(recording.program, recording.scenario, recording.epoch)
        lines = list(readable(recording.journal, LEDGER))
        if not books:
            yield from self._unpriced(lines)
            return
        if books.lender.shelves:
            yield from self._loans(books.lender)
        audit = Audit(books.purses, lines, self.asked)
        audit.virtual, audit.complete = not recording.garden, recording.complete
        audit.outside = len(recording.inboxes) < len(recording.kernels)
        audit.grace_ns, audit.astray = self.grace_ns, self.astray
        counts = recording.journal.counts()
        audit.closes_ns = (self.closes_ns, recording.scenario.horizon_ns)
        audit.line_counts = {name: counts.get(name, 0) for name in recording.kernels}
        difference = audit.difference(audit.virtual and self.ended)
        if difference is not None:
            yield difference
        self.notes.update(audit.notes)
        self.entry_count += len(audit.entries)

    def _loans(self, lender: Lender) -> Iterator[Difference]:
        recording = self.recording
        lines = [
            (position, line.entry)
            for position, line in read(recording.journal, LEDGER)
            if isinstance(line, LoanBooked)
        ]
        borrowed = [one for one in self.asked if isinstance(one.command, LenderCommand)]
        difference = LoanAudit(lender, lines, borrowed).difference(
            may_lack=bool(recording.garden) and not recording.complete
        )
        self.entry_count += len(lines)
        if difference is not None:
            yield difference

    def _unpriced(self, lines: Sequence[JournalEntry]) -> Iterator[Difference]:
        """Without an economy everything is granted and nothing is written."""
        text = "the scenario has no economy"
        if lines:
            yield Difference(ParityMismatch.UNASKED, LEDGER, lines[0].position, text)
        told: set[str] = set(self.astray)
        for asked in self.asked:
            if asked.paid not in (None, PriceDecision(True, 0)) and asked.actor not in told:
                told.add(asked.actor)
                yield at_line(ParityMismatch.OUTCOME, asked.actor, asked.line, text)
