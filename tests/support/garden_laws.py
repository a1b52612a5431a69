"""What a journal must say of purses, bills, flows, marks, loans and asks: a second statement.

It folds the lines itself, and shares no code with the books that wrote them; of the kernel it
uses only what an actor asked for (:class:`runtime.run.replay.Stepper`), and its last snapshot.
``garden_laws(recording)`` yields a sentence for each law that is broken.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from nimdsl.program.economy import Flowing
from runtime.kernel.events import Loan, Marked, Received, Role
from runtime.ledger.accounts import SAID, Entry, Pay
from runtime.ledger.lender import LoanEntry
from runtime.run.inbox import AcceptedEvent
from runtime.run.lines import LEDGER, Booked, LoanBooked, read
from runtime.run.recording import Recording
from runtime.run.replay import Stepper
from runtime.run.run import hearers_of

DAY_NS = 86_400 * 10**9


@dataclass
class Told:
    """What the journal of the books says, by purse and by resource."""

    purses: dict[str, list[Entry]] = field(default_factory=lambda: defaultdict(list))
    loans: dict[str, list[LoanEntry]] = field(default_factory=lambda: defaultdict(list))


@dataclass
class Lives:
    """What became of the actors: what each accepted, what it asked for and how it ended."""

    steppers: dict[str, Stepper] = field(default_factory=dict)
    lines: dict[str, tuple[AcceptedEvent, ...]] = field(default_factory=dict)
    bills: list[tuple[Pay, bool]] = field(default_factory=list)
    """Each bill of several items, and whether it was granted."""


def garden_laws(recording: Recording) -> Iterator[str]:
    """A sentence for each law that the journal breaks."""
    told, lives = _told(recording), _lives(recording)
    names = {economy.name for economy in recording.program.economies.values()}
    for purse, entries in told.purses.items():
        name = purse or recording.scenario.economy
        assert name in names
        economy = recording.program.economies[name]
        yield from _balances(name, entries, economy.floor, economy.capacity)
        yield from _flows(name, entries, _fixed(economy.incomes), _fixed(economy.upkeep))
        yield from _marks(name, [one for one in entries if one.kind == "mark"])
        yield from _heard(recording, lives, name, entries)
    yield from _bills(told, lives)
    for resource, lines in told.loans.items():
        terms = recording.program.resources[resource]
        yield from _loans(resource, lines, terms.capacity, terms.queue)
        yield from _loans_heard(lives, resource, lines)
    yield from _held(told, lives)
    yield from _asks(lives)


def _told(recording: Recording) -> Told:
    told = Told()
    for _, line in read(recording.journal, LEDGER):
        if isinstance(line, Booked):
            told.purses[line.entry.purse].append(line.entry)
        elif isinstance(line, LoanBooked):
            told.loans[line.entry.resource].append(line.entry)
    return told


def _lives(recording: Recording) -> Lives:
    lives = Lives()
    for name, inbox in recording.inboxes.items():
        lives.lines[name] = inbox.lines
        stepper = lives.steppers[name] = Stepper(recording.kernels[name], recording.restart_count)
        for line in inbox.lines:
            taken = stepper.take(line, last=line is inbox.lines[-1])
            for command, answer in zip(taken.commands, line.answers, strict=False):
                if isinstance(command, Pay):
                    lives.bills.append((command, answer.granted))
    return lives


def _balances(name: str, entries: list[Entry], floor: int, capacity: int | None) -> Iterator[str]:
    """3.1 in each purse: what one account loses another gains, and none has what it may not."""
    balances: Counter[str] = Counter()
    for entry in entries:
        if entry.kind != "transfer":
            continue
        balances[entry.source] -= entry.amount
        balances[entry.target] += entry.amount
        held = sum(amount for account, amount in balances.items() if account.startswith("hold:"))
        if entry.amount < 0 or balances["pool"] < floor:
            yield f"3.1: {name} has {balances['pool']} after entry {entry.number}"
        if capacity is not None and balances["pool"] + held > capacity:
            yield f"3.1: {name} has more than it can hold after entry {entry.number}"
        if any(amount < 0 for account, amount in balances.items() if account.startswith("hold:")):
            yield f"3.1: a hold of {name} is negative after entry {entry.number}"
    if sum(balances.values()):
        yield f"3.1: the accounts of {name} do not sum to zero"


def _fixed(rates: Mapping[str, Flowing]) -> dict[str, int]:
    """Those that are always the same: :mod:`tests.properties.test_profiles` has the law of the others."""
    return {name: rate for name, rate in rates.items() if isinstance(rate, int)}


def _flows(
    name: str, entries: list[Entry], incomes: dict[str, int], upkeep: dict[str, int]
) -> Iterator[str]:
    """3.4, 3.7: at no entry more is settled than has flowed, and in the end all of it is."""
    rates = {("income", one): rate for one, rate in incomes.items()}
    rates |= {("upkeep", one): rate for one, rate in upkeep.items()}
    flowed: Counter[tuple[str, str]] = Counter()
    settled: Counter[tuple[str, str]] = Counter()
    now_ns = 0
    for entry in entries:
        for key, rate in rates.items():
            flowed[key] += rate * (entry.time_ns - now_ns)
        now_ns = entry.time_ns
        if entry.kind == "rate":
            rates[entry.cause, entry.key] = entry.amount
        for key in (one for one in _settles(entry) if one in rates):
            settled[key] += entry.amount
            if settled[key] > flowed[key] // DAY_NS:
                yield f"3.4: {name} settled too much for {key[1]} at entry {entry.number}"
    for key, amount in flowed.items():
        if settled[key] < amount // DAY_NS - 1:
            yield f"3.4: {name} settled {settled[key]} for {key[1]}, {amount // DAY_NS} has flowed"


def _settles(entry: Entry) -> list[tuple[str, str]]:
    """The flows of which an entry settles something: what comes may pay at once for what goes."""
    found = []
    if entry.kind == "transfer" and entry.source.startswith("income:"):
        found.append(("income", entry.source.removeprefix("income:")))
    if entry.cause == "upkeep" and entry.kind in ("transfer", "shortfall"):
        found.append(("upkeep", entry.target.removeprefix("cost:")))
    return found


def _marks(name: str, marks: list[Entry]) -> Iterator[str]:
    """3.6: a mark and its end take turns."""
    below: dict[str, bool] = {}
    for entry in marks:
        mark, over = entry.key.removesuffix(".over"), entry.key.endswith(".over")
        if below.get(mark, False) != over:
            yield f"3.6: {entry.key} of {name} is told again at entry {entry.number}"
        below[mark] = not over


def _heard(recording: Recording, lives: Lives, name: str, entries: list[Entry]) -> Iterator[str]:
    """3.6: who hears a mark hears each once, in order, not before it comes, and leaves none out."""
    hearers = hearers_of(recording.program, recording.scenario)
    for actor, lines in lives.lines.items():
        heard = [
            (line.event.number, line.time_ns)
            for line in lines
            if isinstance(line.event, Marked) and line.event.sender == f"economy/{name}"
        ]
        told = [
            (one.number, one.time_ns)
            for one in entries
            if one.kind in SAID and actor in hearers.get((name, one.key), ())
        ]
        if [number for number, _ in heard] != [number for number, _ in told[: len(heard)]]:
            yield f"3.6: {actor} heard the marks {heard} of {name}, told were {told}"
        if any(at_ns < told_ns for (_, at_ns), (_, told_ns) in zip(heard, told, strict=False)):
            yield f"3.6: {actor} heard a mark of {name} before it came"
        last_ns = lines[-1].time_ns if lines else 0
        if any(told_ns < last_ns - _grace_ns(recording) for _, told_ns in told[len(heard) :]):
            yield f"3.6: {actor} never heard a mark of {name}"


def _grace_ns(recording: Recording) -> int:
    """How long something may be on its way."""
    return int(10**9 * max(1.0, recording.rate)) if recording.garden else 0


def _bills(told: Told, lives: Lives) -> Iterator[str]:
    """3.7: a bill is paid whole, at one instant, from the purses that it names; or not at all.

    What was refused leaves its key to the next bill of the actor.
    """
    paid: dict[str, list[Entry]] = defaultdict(list)
    for entries in told.purses.values():
        for entry in entries:
            if entry.kind == "transfer" and entry.cause in ("charge", "reserve"):
                paid[entry.key].append(entry)
    granted_keys = {bill.key for bill, granted in lives.bills if granted}
    for bill, granted in lives.bills:
        items = [paid[f"{bill.key}#{place}"] for place in range(len(bill.items))]
        if any(items) and bill.key not in granted_keys:
            yield f"3.7: {bill.key} was refused, and some of it paid"
        if not granted:
            continue
        for wanted, found in zip(bill.items, items, strict=True):
            if [one.amount for one in found] != [wanted.amount]:
                yield f"3.7: {wanted} of {bill.key} was paid as {found}"
        if len({one.time_ns for found in items for one in found}) > 1:
            yield f"3.7: {bill.key} was paid little by little"


def _loans(resource: str, lines: list[LoanEntry], capacity: int, queue: int) -> Iterator[str]:
    """3.8: never more than there is, never a longer queue, and one way from beginning to end."""
    ways = {("", "queued"), ("", "full"), ("", "lent"), ("queued", "lent"), ("queued", "withdrawn")}
    ways |= {("lent", "returned")}
    now: dict[str, str] = {}
    lent: dict[str, int] = {}
    for line in lines:
        if (now.get(line.key, ""), line.fate) not in ways:
            yield f"3.8: {line.key} of {resource} was {now.get(line.key, 'new')}, then {line.fate}"
        now[line.key] = line.fate
        lent.pop(line.key, None)
        if line.fate == "lent":
            lent[line.key] = line.units
        if sum(lent.values()) > capacity:
            yield f"3.8: {sum(lent.values())} of {resource} are lent at line {line.number}"
        if sum(fate == "queued" for fate in now.values()) > queue:
            yield f"3.8: too many wait for {resource} at line {line.number}"


def _loans_heard(lives: Lives, resource: str, lines: list[LoanEntry]) -> Iterator[str]:
    """3.8: nobody hears of a loan that was not made, twice, or before."""
    made = {
        (line.key, line.fate == "lent"): line.time_ns for line in lines if line.fate in ("lent", "full")
    }
    for actor, accepted in lives.lines.items():
        heard: set[str] = set()
        for line in accepted:
            event = line.event
            if not isinstance(event, Loan) or event.sender != f"resource/{resource}":
                continue
            key = f"{actor}/{event.work}"
            if key in heard:
                yield f"3.8: {key} was told twice"
            heard.add(key)
            if made.get((key, event.granted), line.time_ns + 1) > line.time_ns:
                yield f"3.8: {key} was told what {resource} did not do"


def _held(told: Told, lives: Lives) -> Iterator[str]:
    """3.8: what is lent in the end somebody holds, or waits to hear of."""
    for resource, lines in told.loans.items():
        last = {line.key: line.fate for line in lines}
        for key, fate in last.items():
            actor, _, number = key.rpartition("/")
            holds = int(number) in lives.steppers[actor].snapshot.works
            if fate in ("lent", "queued") and not holds:
                yield f"3.8: {key} is {fate} by {resource}, and its actor has left"
            if fate in ("returned", "withdrawn") and holds:
                yield f"3.8: {key} of {resource} was {fate}, and its actor is there"


def _asks(lives: Lives) -> Iterator[str]:
    """1.8: one ask has one reply, and its work ends once."""
    for actor, lines in lives.lines.items():
        said: dict[int, object] = {}
        for line in lines:
            event = line.event
            if not (isinstance(event, Received) and event.role is Role.REPLY):
                continue
            if said.setdefault(event.ask, event.payload) != event.payload:
                yield f"1.8: the ask {event.ask} of {actor} was answered in two ways"
        tickets = lives.steppers[actor].snapshot.data.get("tickets", [])
        if isinstance(tickets, list) and len(tickets) > len(said):
            yield f"1.8: {actor} took {len(tickets)} replies, {len(said)} came"
