"""The economy's process: the only writer of the ledger, asked over the bus.

A command is answered when its transfers are in the journal, and not before.
What an actor asked last is remembered with its answer, in the journal too: a
repetition gets the same answer, also a refusal, and an old duplicate none.  A
program outside may settle what it was promised with a request; its transfers
are told apart by their keys alone.  What is no command is answered with an
error and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial

import msgspec

from gardens.real.process.teller import Teller
from gardens.real.process.wishes import Granted, Impossible, Reply, Wish
from nimdsl.base import canonical
from nimdsl.base.errors import InternalError, PermanentPortError
from runtime.kernel.events import Loan, Marked
from runtime.ledger.accounts import LedgerConflict, Settle
from runtime.ledger.bookkeeper import AnyEntry, Bookkeeper
from runtime.ledger.purses import Purses
from runtime.ports.bus import Bus, Message
from runtime.ports.journal import Appender, JournalEntry
from runtime.ports.requests import RequestClient
from runtime.run.lines import (
    LEDGER,
    AnyLine,
    Booked,
    LoanBooked,
    Said,
    ToldHeard,
    booked,
    in_plain_words,
    line_of,
    write,
)
from runtime.run.run import BOOKS, Hearers, told_by

OUTSIDE_COMMANDS = (Settle,)
"""What a program that is no actor of the garden may ask for."""
TEXT_BYTES_MAX = 65_536
"""How long a key or a name may be: a line of the journal holds four of them."""
ERROR_LENGTH_MAX = 300


class LedgerService:
    """Answers commands.  ``books`` makes them of what was written; ``append`` and ``after`` are the
    journal's."""

    def __init__(
        self,
        books: Callable[[Iterable[AnyEntry]], Bookkeeper],
        entries: Iterable[JournalEntry],
        journal: Appender,
        after: Callable[[Callable[[], None]], None],
        now_ns: Callable[[], int],
    ) -> None:
        lines = [line_of(entry) for entry in entries]
        written = [line.entry for line in lines if isinstance(line, Booked | LoanBooked)]
        self.books = books(written)
        self.last: dict[str, tuple[tuple[int, int], Granted]] = {
            line.actor: (line.item, Granted(line.granted, line.balance, line.purse))
            for line in lines
            if isinstance(line, Said)
        }
        self._written_count = len(written)
        self._journal = journal
        self._after = after
        self._now_ns = now_ns
        self._last_ns = max((entry.time_ns for entry in written), default=0)
        self._heard = {
            (line.actor, line.sender, line.number) for line in lines if isinstance(line, ToldHeard)
        }
        self._untold: list[AnyEntry] = written
        self._hearers: Hearers = {}
        self._teller: Teller | None = None
        self._changed: Callable[[], None] = lambda: None

    @property
    def purses(self) -> Purses:
        """The economies."""
        return self.books.purses

    def listen(self, bus: Bus, address: str) -> None:
        """Takes commands from the bus."""
        bus.listen(address, lambda message: self._take(bus, message))
        self._write()

    def tell(self, questions: RequestClient, hearers: Hearers, changed: Callable[[], None]) -> None:
        """Tells marks and loans from now on, first those that were not heard; ``changed`` is called where
        the next mark may be due earlier than before."""
        self._teller, self._hearers, self._changed = Teller(questions, self._note_heard), hearers, changed
        untold, self._untold = self._untold, []
        for entry in untold:
            self._tell(entry)

    @property
    def untold_count(self) -> int:
        """What somebody has not heard yet."""
        return self._teller.count if self._teller else 0

    def _tell(self, entry: AnyEntry) -> None:
        teller = self._teller
        if teller is None:
            self._untold.append(entry)
            return
        for actor, event in told_by(entry, self.purses, self._hearers):
            if (actor, event.sender, event.number) not in self._heard:
                self._after(partial(teller.tell, actor, event))

    def _note_heard(self, actor: str, event: Marked | Loan) -> None:
        self._write_line(ToldHeard(actor, event.sender, event.number))

    def now_ns(self, at_ns: int | None = None) -> int:
        """Garden time, or ``at_ns`` if that is over.  The ledger's never goes back, not after a restart.

        An actor's wish is booked at the instant of the actor: how long it was on its way must not decide
        what an income brings to a pool that is nearly full.
        """
        now_ns = self._now_ns()
        self._last_ns = max(self._last_ns, now_ns if at_ns is None else min(at_ns, now_ns))
        return self._last_ns

    def look(self, until_ns: int) -> None:
        """Tells what is due until then; nothing else is settled, so it does not matter who looks."""
        self.purses.look(self.now_ns(until_ns))
        self._write()

    def close(self, at_ns: int | None = None) -> None:
        """The end of a run, at ``at_ns`` if the ledger has not gone beyond: no hold is left.

        What the books say from now on nobody hears.
        """
        self._teller = None
        self.purses.close(self.now_ns(at_ns))
        self._write()

    def _take(self, bus: Bus, message: Message) -> None:
        if not message.reply_to:
            return
        said = self._said(message.data)
        if said is not None:
            answer = Message(message.reply_to, canonical.encode(msgspec.to_builtins(said)))
            self._after(lambda: _send(bus, answer))

    def _said(self, data: bytes) -> Reply | None:
        """The answer; None for a question that was answered before the actor's latest.

        No actor waits for such an answer: its outcome was journalled before the next was asked.
        Bookings are sent again after a crash, also such as have been made.
        """
        try:
            wish = _read(data)
        except ValueError as problem:
            return _error(problem)
        if wish.item is None:
            return self._apply(wish)
        known, said = self.last.get(wish.actor, ((-1, 0), Granted(True, 0)))
        if wish.item < known:
            return Granted(True, 0) if wish.item[1] >= BOOKS else None
        if wish.item == known:
            return said
        reply = self._apply(wish)
        if isinstance(reply, Granted):
            self.last[wish.actor] = (wish.item, reply)
            self._write_line(Said(wish.actor, wish.item, reply.granted, reply.balance, reply.purse))
        return reply

    def _apply(self, wish: Wish) -> Reply:
        try:
            answer = self.books.apply(wish.command, self.now_ns(wish.at_ns))
        except (LedgerConflict, InternalError) as problem:
            return _error(problem)
        finally:
            self._write()
        return Granted(answer.granted, answer.balance, answer.purse)

    def _write(self) -> None:
        for entry in self.books.entries_from(self._written_count):
            self._write_line(booked(entry))
            self._written_count += 1
            self._tell(entry)
        self._changed()

    def _write_line(self, line: AnyLine) -> None:
        write(self._journal, LEDGER, line)


def _read(data: bytes) -> Wish:
    """A wish; a program outside has only a command.  Raises ValueError."""
    try:
        wish = msgspec.json.decode(data, type=Wish)
    except (ValueError, RecursionError) as problem:
        raise ValueError(f"no command: {in_plain_words(problem)}") from None
    for name, value in msgspec.structs.asdict(wish.command).items():
        for text in value if isinstance(value, tuple) else (value,):
            if isinstance(text, str) and not _fits(text):
                raise ValueError(f"no command: `{name}` is longer than {TEXT_BYTES_MAX:,} bytes")
    if wish.item is None:
        if not isinstance(wish.command, OUTSIDE_COMMANDS):
            names = ", ".join(str(one.__struct_config__.tag) for one in OUTSIDE_COMMANDS)
            raise ValueError(f"only {names} without an actor")
        return Wish(wish.command)
    if not wish.actor or not _fits(wish.actor) or min(wish.item) < 0:
        raise ValueError("an item is two whole numbers, of an actor")
    if wish.at_ns is None or wish.at_ns < 0:
        raise ValueError("an actor says when: `at_ns` is a whole number")
    return wish


def _fits(text: str) -> bool:
    return len(canonical.encode(text)) <= TEXT_BYTES_MAX


def _error(problem: Exception) -> Impossible:
    text = str(problem)[:ERROR_LENGTH_MAX]
    return Impossible(text.encode(errors="backslashreplace").decode())


def _send(bus: Bus, answer: Message) -> None:
    """Unless whoever asked gave an address that the bus does not take: their own affair."""
    with suppress(PermanentPortError):
        bus.send(answer)
