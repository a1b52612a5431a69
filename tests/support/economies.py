"""An economy that is asked without a server."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from gardens.real.process.ledger_service import LedgerService
from nimdsl.base import canonical
from nimdsl.base.canonical import Plain
from runtime.ledger.accounts import (
    AnyCommand,
    Tariff,
    command_to_data,
)
from runtime.ledger.bookkeeper import AnyEntry, Bookkeeper
from runtime.ports.bus import Message
from runtime.ports.journal import JournalEntry
from runtime.ports.memory_bus import MemoryBus
from runtime.run.lines import LEDGER
from tests.properties.ledger_laws import PLAIN_TARIFF

ADDRESS = "economy/e"

ASKER = "asker/test"


class SlowJournal:
    """Lines are durable when they are acknowledged; a crash loses a part of the others."""

    def __init__(self, lines: Iterable[JournalEntry] = ()) -> None:
        self.lines = list(lines)
        self.durable_count = len(self.lines)
        self._acts: deque[tuple[int, Callable[[], None]]] = deque()

    def append(self, actor: str, kind: str, body: Plain) -> int:
        assert actor == LEDGER
        position = len(self.lines)
        self.lines.append(JournalEntry(actor, position, kind, canonical.decode(canonical.encode(body))))
        return position

    def after(self, act: Callable[[], None]) -> None:
        self._acts.append((len(self.lines), act))
        self.acknowledge(0)

    def acknowledge(self, count: int) -> None:
        self.durable_count = min(self.durable_count + count, len(self.lines))
        while self._acts and self._acts[0][0] <= self.durable_count:
            self._acts.popleft()[1]()

    def crashed(self, kept_count: int) -> SlowJournal:
        """What a new process finds: what is durable, and so much of the rest.

        What completes a transfer is never apart from it: both go into one batch of the stream.
        """
        count = self.durable_count + kept_count
        while count < len(self.lines) and _completes(self.lines[count]):
            count += 1
        return SlowJournal(self.lines[:count])


def _completes(line: JournalEntry) -> bool:
    """Whether it is what a transfer before it could not move, or moved too much."""
    if line.kind != "entry":
        return False
    entry = line.body["entry"]
    return entry["kind"] in ("shortfall", "mismatch") or entry["cause"] == "overflow"


def kept_for(tariff: Tariff) -> Callable[[Iterable[AnyEntry]], Bookkeeper]:
    """Makes the books of an economy of what was written."""
    return lambda written: Bookkeeper({tariff.name: tariff}, tariff.name, entries=written)


class Economy:
    """One life of the economy, and what it answered, by the number of the message."""

    def __init__(self, tariff: Tariff, journal: SlowJournal, now_ns: Callable[[], int]) -> None:
        self.journal = journal
        self.bus = MemoryBus()
        self.ledger_service = LedgerService(kept_for(tariff), journal.lines, journal, journal.after, now_ns)
        self.ledger_service.listen(self.bus, ADDRESS)
        self.answers: dict[int, list[Plain]] = {}
        self.bus.listen(ASKER, self._hear)

    def _hear(self, message: Message) -> None:
        number = int(message.to.rpartition("/")[2])
        self.answers[number].append(canonical.decode(message.data))

    def ask(self, data: bytes) -> int:
        number = len(self.answers) + 1
        self.answers[number] = []
        self.bus.send(Message(ADDRESS, data, reply_to=f"{ASKER}/{number}"))
        return number

    def answer(self, data: bytes) -> Plain:
        """The one answer, when everything is durable."""
        number = self.ask(data)
        self.journal.acknowledge(len(self.journal.lines))
        (said,) = self.answers[number]
        return said


def asked(command: AnyCommand, actor: str, item: list[int], at_ns: int = 0) -> bytes:
    body = {"actor": actor, "item": item, "at_ns": at_ns, "command": command_to_data(command)}
    return canonical.encode(body)


def outcome(granted: bool, balance: int) -> Plain:
    """What the economy says when it has decided."""
    return {"said": "outcome", "granted": granted, "balance": balance}


def economy(tariff: Tariff = PLAIN_TARIFF) -> Economy:
    return Economy(tariff, SlowJournal(), lambda: 0)
