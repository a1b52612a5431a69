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
from typing import Any

from nimdsl.base import canonical
from nimdsl.base.canonical import Plain
from nimdsl.base.errors import InternalError, PermanentPortError
from runtime.ledger.accounts import Command, Entry, Tariff, command_from_data
from runtime.ledger.economy import Ledger, LedgerConflict
from runtime.ports.bus import Bus, Message
from runtime.ports.journal import JournalEntry
from runtime.run.run import ANSWER, BOOKS, ENTRY, LEDGER

OUTSIDE_COMMANDS = ("Settle",)
"""What a program that is no actor of the garden may ask for."""
TEXT_BYTES_MAX = 65_536
"""How long a key or a name may be: a line of the journal holds four of them."""
ERROR_LENGTH_MAX = 300


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

    def now_ns(self, at_ns: int | None = None) -> int:
        """Garden time, or ``at_ns`` if that is over.  The ledger's never goes back, not after a restart.

        An actor's wish is booked at the instant of the actor: how long it was on its way must not decide
        what an income brings to a pool that is nearly full.
        """
        now_ns = self._now_ns()
        self._last_ns = max(self._last_ns, now_ns if at_ns is None else min(at_ns, now_ns))
        return self._last_ns

    def accrue(self, until_ns: int) -> None:
        """Settles what went by time until then."""
        self.ledger.accrue(self.now_ns(until_ns))
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
            answer = Message(message.reply_to, canonical.encode(said))
            self._after(lambda: _send(bus, answer))

    def _said(self, data: bytes) -> Plain:
        """The answer; None for a question that was answered before the actor's latest.

        No actor waits for such an answer: its outcome was journalled before the next was asked.
        Bookings are sent again after a crash, also such as have been made.
        """
        try:
            command, actor, item, at_ns = _read(data)
        except ValueError as problem:
            return _error(problem)
        if item is None:
            return self._apply(command, at_ns)
        known, said = self.last.get(actor, ([-1, 0], None))
        if item < known:
            return {"granted": True, "balance": 0} if item[1] >= BOOKS else None
        if item > known:
            said = self._apply(command, at_ns)
            if "error" not in said:
                self.last[actor] = (item, said)
                self._append(LEDGER, ANSWER, {"actor": actor, "item": item, "said": said})
        return said

    def _apply(self, command: Command, at_ns: int | None) -> Plain:
        try:
            answer = self.ledger.apply(command, self.now_ns(at_ns))
        except (LedgerConflict, InternalError) as problem:
            return _error(problem)
        finally:
            self._write()
        return {"granted": answer.granted, "balance": answer.balance}

    def _write(self) -> None:
        for entry in self.ledger.entries_from(self._written_count):
            self._append(LEDGER, ENTRY, entry.to_data())
            self._written_count += 1


def _read(data: bytes) -> tuple[Command, str, list[int] | None, int | None]:
    """A command, who asks, its item and when; a program outside has only a command.  Raises ValueError."""
    try:
        asked = canonical.decode(data)
        body, item = asked["command"], asked.get("item")
        command = command_from_data(body)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        raise ValueError(f"no command: {type(problem).__name__}: {problem}") from None
    for name, value in body.items():
        if not _FITS.get(name, _is_text)(value):
            raise ValueError(f"no command: `{name}` cannot be this {type(value).__name__}")
    if item is None:
        if body["type"] not in OUTSIDE_COMMANDS:
            raise ValueError(f"only {', '.join(OUTSIDE_COMMANDS)} without an actor")
        return command, "", None, None
    actor = asked.get("actor")
    if not (_is_text(actor) and isinstance(item, list) and len(item) == 2 and all(map(_is_count, item))):
        raise ValueError("an item is two whole numbers, of an actor")
    if not _is_count(asked.get("at_ns")):
        raise ValueError("an actor says when: `at_ns` is a whole number")
    return command, actor, item, asked["at_ns"]


def _is_text(value: Any) -> bool:
    try:
        return isinstance(value, str) and len(canonical.encode(value)) <= TEXT_BYTES_MAX
    except UnicodeEncodeError:  # half a character cannot be written down
        return False


def _is_whole(value: Any) -> bool:
    return type(value) is int


def _is_count(value: Any) -> bool:
    return _is_whole(value) and bool(value >= 0)


_FITS: dict[str, Callable[[Any], bool]] = {
    "amount": _is_whole,
    "keep": _is_whole,
    "claimed": lambda value: value is None or _is_whole(value),
    "keys": lambda value: isinstance(value, list) and all(map(_is_text, value)),
}
"""Fields of commands that are no text."""


def _error(problem: Exception) -> Plain:
    text = str(problem)[:ERROR_LENGTH_MAX]
    return {"error": text.encode(errors="backslashreplace").decode()}


def _send(bus: Bus, answer: Message) -> None:
    """Unless whoever asked gave an address that the bus does not take: their own affair."""
    with suppress(PermanentPortError):
        bus.send(answer)
