"""The audit of a ledger's journal: is it what the actors' commands lead to? (SEMANTICS 3.1, 8.4)

A ledger of its own is fed with the commands in the order that the journal's
entries tell; each actor's own commands keep theirs.  Every entry must be what
this ledger writes, every answer what it says, and the laws of 3.1 hold on every
prefix.

Not here: where the commands come from (:mod:`gardens.virtual.recorded`).
"""

from __future__ import annotations

import enum
from collections import Counter, defaultdict, deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from nimdsl.base.errors import InternalError
from nimdsl.base.units import format_lifeforce
from nimdsl.base.values import Value
from runtime.kernel.step import PriceDecision
from runtime.ledger.accounts import (
    POOL,
    AnyCommand,
    Consume,
    Entry,
    LenderCommand,
    Pay,
    Release,
    Reward,
    SetRates,
    Settle,
    Urge,
    in_words,
)
from runtime.ledger.economy import numbered
from runtime.ledger.purses import Purses
from runtime.ledger.sleep import URGENCY
from runtime.ports.journal import JournalEntry
from runtime.run.inbox import AcceptedEvent, Difference, ReplayMismatch, at_line
from runtime.run.lines import LEDGER, Booked, DamagedLine, LedgerLine, LoanBooked, Said, ToldHeard, line_of
from runtime.run.recording import WRONG_INPUT
from runtime.run.run import BOOKS


class ParityMismatch(enum.StrEnum):
    """What only a whole garden can find; the rest is :class:`runtime.run.inbox.ReplayMismatch`."""

    SILENT = "an actor without a journal"
    UNSENT = "a message that nobody sent"
    RECEIVER = "another receiver"
    MESSAGE = "another message"
    EARLY = "too early"
    LATE = "too late"
    LAW = "a law of the ledger is broken"
    TWICE = "a transfer happened twice"
    UNASKED = "a transfer that nobody asked for"
    UNHEARD = "an answer that nobody asked for"
    UNPAID = "a transfer is missing"
    LEDGER = "the ledger differs"
    OUTCOME = "the outcome is not the ledger's"
    ANSWERED = "the economy answered twice"


@dataclass(frozen=True, slots=True)
class AskedCommand:
    """A command of an actor; ``paid`` is what it heard: None for bookings, and where the journal ends."""

    actor: str
    item: tuple[int, int]
    command: AnyCommand
    line: AcceptedEvent
    paid: PriceDecision | None


class _Found(Exception):  # noqa: N818
    def __init__(self, difference: Difference) -> None:
        self.difference = difference


class _Cut(Exception):  # noqa: N818
    """A real garden's journal ends here, in the middle of what one command led to."""


class Audit:
    """Purses of its own, fed with the actors' commands in the order that the journal's entries tell."""

    def __init__(
        self, purses: Purses, lines: Sequence[JournalEntry], asked: Sequence[AskedCommand]
    ) -> None:
        self.ledger = purses
        self.lines = lines
        self.entries: list[Entry] = []
        self.positions: list[int] = []
        self.at = 0
        """How many entries of the journal this ledger has written too."""
        self.keys: set[tuple[str, str]] = set()
        """Of the transfers among them, each with its purse."""
        self.asked = asked
        """Also of the lender, for that was answered too; what it led to is not audited here."""
        self.taken: set[int] = set()
        self.queues: dict[str, deque[int]] = defaultdict(deque)
        self.by_key: dict[str, deque[int]] = defaultdict(deque)
        self.said: dict[tuple[str, tuple[int, int]], PriceDecision] = {}
        """What the economy answered, by whom and to what."""
        self.places: deque[tuple[int, tuple[str, tuple[int, int]]]] = deque()
        """The same in the order of the journal, each with how many entries stand before it."""
        self.orders: dict[tuple[str, tuple[int, int]], int] = {}
        """Where each question and booking for a ledger is among what was asked."""
        self.notes: Counter[str] = Counter()
        self.virtual = self.complete = self.outside = self.may_end = False
        self.grace_ns = 0
        self.closes_ns: Collection[int] = ()
        """When a virtual ledger may have been closed."""
        self.line_counts: Mapping[str, int] = {}
        """How many lines the journal of each actor has that takes part; 0 for one that has none."""
        self.astray: Collection[str] = ()
        """Actors that did something else, of which it is not known what they asked afterwards."""

    def difference(self, closed: bool) -> Difference | None:
        """The first difference; with ``closed`` the run has ended, and no hold may be left."""
        try:
            self._read()
            try:
                self._check_keys()
                self._follow()
                self._rest()
            except _Cut:
                self.notes["the economy's journal ends before what the actors' commands lead to"] = 1
            self._check_laws(closed)
        except _Found as found:
            return found.difference
        except WRONG_INPUT as problem:
            return self._at(ParityMismatch.LEDGER, f"{type(problem).__name__}: {problem}")
        return None

    def _at(
        self, what: str, text: str, was: Entry | None = None, should: Entry | None = None
    ) -> Difference:
        at = min(self.at, len(self.entries) - 1)
        entry = self.entries[at] if self.entries else None
        event = f"{entry.cause} {entry.key}" if entry else ""
        sides = (was.to_data() if was else None, should.to_data() if should else None)
        position = self.positions[at] if self.positions else 0
        return Difference(what, LEDGER, position, text, entry.time_ns if entry else None, event, *sides)

    def _read(self) -> None:
        known = {(one.actor, one.item): one.paid for one in self.asked}
        last: dict[str, tuple[int, int]] = {}
        for entry in self.lines:
            try:
                line = line_of(entry)
                if not isinstance(line, Booked | LoanBooked | Said | ToldHeard):
                    raise DamagedLine(f"no line of a ledger is called {entry.kind!r}")
                wrong = self._read_line(entry.position, line, known, last)
            except DamagedLine as damage:
                wrong = Difference(ReplayMismatch.DAMAGED, LEDGER, entry.position, str(damage))
            if wrong is not None:
                raise _Found(wrong)
        for order, one in enumerate(self.asked):
            if isinstance(one.command, LenderCommand):
                continue
            self.queues[one.actor].append(order)
            self.orders[one.actor, one.item] = order
            for key in _keys(one.command):
                self.by_key[key].append(order)

    def _read_line(
        self,
        position: int,
        line: LedgerLine,
        known: Mapping[tuple[str, tuple[int, int]], PriceDecision | None],
        last: dict[str, tuple[int, int]],
    ) -> Difference | None:
        if isinstance(line, Booked):
            self.entries.append(line.entry)
            self.positions.append(position)
            return None
        if isinstance(line, ToldHeard | LoanBooked):
            return None
        heard = known.get((line.actor, line.item))
        decision = PriceDecision(line.granted, line.balance, line.purse)
        said = _plain(decision)
        text = f"{line.actor}, line {line.item[0]}, question {line.item[1]}"
        if line.item <= last.get(line.actor, (-1, 0)):
            return Difference(ParityMismatch.ANSWERED, LEDGER, position, text, None, "", said)
        last[line.actor] = line.item
        self.said[line.actor, line.item] = decision
        self.places.append((len(self.entries), (line.actor, line.item)))
        if (line.actor, line.item) not in known and self._has_read(line.actor, line.item[0]):
            return Difference(ParityMismatch.UNHEARD, LEDGER, position, text, None, "", said)
        if heard not in (None, decision):
            should = heard and _plain(heard)
            return Difference(ParityMismatch.OUTCOME, LEDGER, position, text, None, "", said, should)
        return None

    def _has_read(self, actor: str, position: int) -> bool:
        """Whether all that an actor asked at a line of its journal is known here, or it is nobody."""
        if actor in self.astray:
            return False
        count = self.line_counts.get(actor)
        return count is None or position < count or self.virtual or self.complete

    def _match(self, asked: AskedCommand | None) -> None:
        """What this ledger has written last must be what comes next in the journal."""
        for own in self.ledger.entries_from(self.at):
            found = self.entries[self.at] if self.at < len(self.entries) else None
            if found is None and self.may_end:
                raise _Cut
            if found != own:
                who = "what the ledger does by itself"
                if asked is not None:
                    what = in_words(asked.command)
                    who = f"what follows from {asked.actor}, line {asked.line.position}: {what}"
                lost = all(entry.key != own.key for entry in self.entries[self.at :])
                raise _Found(
                    self._at(ParityMismatch.UNPAID if lost else ParityMismatch.LEDGER, who, found, own)
                )
            self.at += 1
            if own.kind == "transfer":
                self.keys.add((own.purse, own.key))

    def _check_keys(self) -> None:
        """What was granted or booked has a key, and the journal an entry with it."""
        keys = {entry.key for entry in self.entries}
        for one in self.asked:
            said = one.paid.granted if one.paid is not None else one.item[1] >= BOOKS
            moves = not isinstance(one.command, Release | SetRates | Urge | Consume | LenderCommand)
            wanted = _keys(one.command) if said and moves else ()
            missing = [key for key in wanted if key and key not in keys]
            if missing and not self._may_lack(one):
                raise _Found(at_line(ParityMismatch.UNPAID, one.actor, one.line, in_words(one.command)))

    def _may_lack(self, asked: AskedCommand) -> bool:
        """Whether a real economy can have ended, or its journal, before that command was written down."""
        if self.virtual or (self.complete and asked.paid is not None):
            return False
        return not self.entries or self.entries[-1].time_ns <= asked.line.time_ns + self.grace_ns

    def _follow(self) -> None:
        self.may_end = not (self.virtual or self.complete)
        self._match(None)
        self._do_idle()
        while self.at < len(self.entries):
            self._explain(self.entries[self.at])
            self._do_idle()
        self.may_end = False

    def _do_idle(self) -> None:
        """What a real ledger answered here, and what led to it is not done yet: it led to no entry."""
        while self.places and self.places[0][0] <= self.at:
            order = self.orders.get(self.places.popleft()[1])
            if order is not None and order not in self.taken:
                self._do_up_to(order, idle=True)

    def _explain(self, entry: Entry) -> None:
        """Finds what led to the next entry, and does the same."""
        before, cause = self.at, entry.cause
        if entry.kind == "transfer" and (entry.purse, entry.key) in self.keys:
            raise _Found(self._at(ParityMismatch.TWICE, f"{entry.key} has happened before", entry))
        ledger = self.ledger.ledger(entry.purse)
        for settle in (self.ledger.allow, ledger.look, ledger.settle):
            settle(entry.time_ns)
            self._match(None)
            if self.at > before:
                return
        waiting = self.by_key[entry.source if cause == "release" else entry.key.removeprefix("@overflow/")]
        while waiting and waiting[0] in self.taken:
            waiting.popleft()
        if waiting:
            self._do_up_to(waiting[0])
            return
        if cause == "release" and (not self.virtual or entry.time_ns in self.closes_ns):
            self.ledger.close(entry.time_ns)
        elif cause == "settle" and self.outside:
            hold, name = entry.source.removeprefix("hold:"), entry.target.removeprefix("cost:")
            self.ledger.apply(Settle(hold, entry.key, name, entry.amount, entry.purse), entry.time_ns)
        self._match(None)
        if self.at == before:
            raise _Found(self._at(ParityMismatch.UNASKED, "no command of an actor leads to it", entry))

    def _do_up_to(self, order: int, *, idle: bool = False) -> None:
        """What the same actor asked before leads to no entry, or it would stand here."""
        queue = self.queues[self.asked[order].actor]
        while True:
            head = queue.popleft()
            self._do(head, idle=idle or head != order)
            if head == order:
                return

    def _do(self, order: int, *, idle: bool) -> None:
        """Does what was asked; what is ``idle`` leads to no entry, nor did the look at its instant."""
        asked = self.asked[order]
        self.taken.add(order)
        if isinstance(asked.command, LenderCommand):
            raise InternalError("what the lender is asked is no command of a ledger")
        now_ns = self._time_of(asked)
        if idle and not isinstance(asked.command, Pay):
            now_ns = self.ledger.ledger(asked.command.purse).now_ns
        answer = self.ledger.apply(asked.command, now_ns)
        self._match(asked)
        said = asked.paid or self.said.get((asked.actor, asked.item))
        own = PriceDecision(answer.granted, answer.balance, answer.purse)
        if said not in (None, own):
            heard = [_plain(said)] if said else []
            sides: list[Value] = [*heard, _plain(own)]
            text = in_words(asked.command)
            raise _Found(at_line(ParityMismatch.OUTCOME, asked.actor, asked.line, text, *sides))

    def _time_of(self, asked: AskedCommand) -> int:
        """When a command was booked: in a virtual garden at once, in a real one when the journal says."""
        if self.virtual:
            return asked.line.time_ns
        return self.entries[min(self.at, len(self.entries) - 1)].time_ns

    def _check_laws(self, closed: bool) -> None:
        """SEMANTICS 3.1 on every prefix, by the entries alone: both ledgers could be wrong alike."""
        books: dict[str, Counter[str]] = defaultdict(Counter)
        for at, entry in enumerate(self.entries):
            self.at = at
            if entry.kind != "transfer":
                continue
            balances = books[entry.purse]
            balances[entry.source] -= entry.amount
            balances[entry.target] += entry.amount
            if entry.amount < 0 or balances[POOL] < self.ledger.ledger(entry.purse).tariff.floor:
                text = f"the pool has {format_lifeforce(balances[POOL])} LF"
                raise _Found(self._at(ParityMismatch.LAW, text, entry))
            if entry.source.startswith("hold:") and balances[entry.source] < 0:
                raise _Found(self._at(ParityMismatch.LAW, f"{entry.source} is negative", entry))
        held = sorted(
            account
            for balances in books.values()
            for account, left in balances.items()
            if account.startswith("hold:") and left
        )
        if held and closed:
            raise _Found(self._at(ParityMismatch.LAW, f"the run has ended, and {held[0]} is left"))
        if held:
            self.notes[f"reservations that are open when the journal ends: {len(held)}"] = 1

    def _rest(self) -> None:
        """Commands after the last entry: they move nothing, unless a real journal was cut short."""
        for order in sorted(order for queue in self.queues.values() for order in queue):
            asked = self.asked[order]
            if asked.paid is None and asked.item[1] < BOOKS:
                continue
            self.may_end = self._may_lack(asked)
            self._do(order, idle=True)


def _keys(command: AnyCommand) -> tuple[str, ...]:
    """By what an entry can be known to come of a command."""
    match command:
        case Release():
            return (f"hold:{command.hold}",)
        case SetRates():
            return (command.name,)
        case Urge():
            return (URGENCY,)
        case Pay():
            return tuple(key for key, _ in numbered(command.key, command.items))
        case Reward():
            return command.keys or ("",)
        case _:
            return (command.key,)


def _plain(paid: PriceDecision) -> dict[str, Value]:
    purse = {"purse": paid.purse} if paid.purse else {}
    return {"granted": paid.granted, "balance": paid.balance, **purse}
