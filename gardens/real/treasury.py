"""The economy's process: the only writer of the ledger, asked over the bus.

A command is answered when its transfers are in the journal, and not before.
What an actor asked last is remembered with its answer, in the journal too: a
repetition gets the same answer, also a refusal, and an old duplicate none.  A
program outside may settle what it was promised with a request; its transfers
are told apart by their keys alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gardens.real.lane import BOOKS
from nimdsl import canonical
from nimdsl.canonical import Plain
from nimdsl.errors import InternalError
from runtime.accounts import Command, Entry, Tariff, command_from_data
from runtime.bus import Bus, Message
from runtime.economy import Ledger, LedgerConflict
from runtime.journal import JournalEntry
from runtime.run import LEDGER

ENTRY, ANSWER = "entry", "answer"
"""The kinds of the ledger's journal lines."""
OUTSIDE_COMMANDS = ("Settle",)
"""What a program that is no actor of the garden may ask for."""


class Treasury:
    """Answers commands.  ``append`` and ``after`` are the journal's."""

    def __init__(
        self,
        tariff: Tariff,
        entries: Iterable[JournalEntry],
        append: Callable[[str, str, Plain], int],
        after: Callable[[Callable[[], None]], None],
        now_ns: Callable[[], int],
    ) -> None:
        lines = list(entries)
        written = [Entry.from_data(line.body) for line in lines if line.kind == ENTRY]
        self.ledger = Ledger(tariff, written)
        self.last: dict[str, tuple[list[int], Plain]] = {
            line.body["actor"]: (line.body["item"], line.body["said"])
            for line in lines
            if line.kind == ANSWER
        }
        self._written_count = len(written)
        self._append = append
        self._after = after
        self._now_ns = now_ns
        self._last_ns = written[-1].time_ns if written else 0

    def listen(self, bus: Bus, address: str) -> None:
        """Takes commands from the bus."""
        bus.listen(address, lambda message: self._take(bus, message))
        self._write()

    def now_ns(self) -> int:
        """Garden time; the ledger's never goes back, whatever clock a restart brings."""
        self._last_ns = max(self._last_ns, self._now_ns())
        return self._last_ns

    def accrue(self) -> None:
        """Settles what goes by time."""
        self.ledger.accrue(self.now_ns())
        self._write()

    def close(self) -> None:
        """The end of a run: no hold is left."""
        self.ledger.close(self.now_ns())
        self._write()

    def _take(self, bus: Bus, message: Message) -> None:
        if not message.reply_to:
            return
        said = self._said(message.data)
        if said is not None:
            data = canonical.encode(said)
            self._after(lambda: bus.send(Message(message.reply_to, data)))

    def _said(self, data: bytes) -> Plain:
        """The answer; None for a question that was answered before the actor's latest.

        No actor waits for such an answer: its outcome was journalled before the next was asked.
        Bookings are sent again after a crash, also such as have been made.
        """
        try:
            asked = canonical.decode(data)
            item = asked.get("item")
            command = command_from_data(asked["command"])
        except (ValueError, KeyError, TypeError, AttributeError) as problem:
            return {"error": f"no command: {type(problem).__name__}: {problem}"}
        if item is None:
            if asked["command"]["type"] not in OUTSIDE_COMMANDS:
                return {"error": f"only {', '.join(OUTSIDE_COMMANDS)} without an actor"}
            return self._apply(command)
        actor = asked["actor"]
        known, said = self.last.get(actor, ([-1, 0], None))
        if item < known:
            return {"granted": True, "balance": 0} if item[1] >= BOOKS else None
        if item > known:
            said = self._apply(command)
            if "error" not in said:
                self.last[actor] = (item, said)
                self._append(LEDGER, ANSWER, {"actor": actor, "item": item, "said": said})
        return said

    def _apply(self, command: Command) -> Plain:
        try:
            answer = self.ledger.apply(command, self.now_ns())
        except (LedgerConflict, InternalError) as problem:
            return {"error": str(problem)}
        finally:
            self._write()
        return {"granted": answer.granted, "balance": answer.balance}

    def _write(self) -> None:
        for entry in self.ledger.entries_from(self._written_count):
            self._append(LEDGER, ENTRY, entry.to_data())
            self._written_count += 1
