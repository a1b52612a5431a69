"""What the ledger is asked, what it answers and what it writes: plain, frozen data.

Amounts are int64 micro-LF, rates micro-LF a day, times int64 ns (SEMANTICS 2.3).
Accounts are named ``pool``, ``hold:<key>``, ``cost:<name>``, ``reward:<name>``,
``income:<name>`` and ``opening`` (SEMANTICS 3.1).  Keys that begin with ``@`` are
the ledger's own (opening, rates, overflow, releases).  A ``purse`` is the economy
that is meant; the scenario's own where it is empty.

Not here: the decisions and the fold (:mod:`runtime.ledger.economy`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Annotated, Final, Literal, NamedTuple, assert_never

import msgspec
from msgspec import Meta, Struct, field

from nimdsl.base.errors import InternalError, NimdslError, PermanentPortError
from nimdsl.base.units import INT64_MAX, format_lifeforce, format_share
from nimdsl.base.values import MicroLF, Value
from nimdsl.base.words import listed
from nimdsl.program.economy import DAY_NS, Flowing, Profile, Pulse, Slumber, least_rate, most_rate

POOL: Final = "pool"
OPENING: Final = "opening"
OVERFLOW: Final = "cost:overflow"
OWN_KEY: Final = "@"

INT64_MIN: Final = -INT64_MAX - 1


class LedgerConflict(NimdslError):  # noqa: N818
    """A key that stands for one transfer was used for another one; nothing but due rates was written.

    Raised when the accounts or the amount differ from the first time, and for
    keys that begin with ``@``.  It means that two senders share a key.  Also raised
    for a key that is too old to be remembered.
    """


class LedgerBroken(InternalError):  # noqa: N818
    """A ledger is about to write what its law forbids (SEMANTICS 3.1); nothing of it was written."""


class LedgerDamaged(PermanentPortError):  # noqa: N818
    """An entry that was read breaks the law: no ledger of this economy wrote it so.

    ``problem`` says which and why, without the advice.
    """

    def __init__(self, number: int, why: str) -> None:
        self.problem = f"entry {number} of the ledger: {why}"
        super().__init__(
            f"the ledger's journal is damaged at entry {number}: {why}"
            " (`nimdsl replay JOURNAL` says more; `nimdsl up GARDEN --fresh` begins anew)"
        )


def int64(value: int, what: str) -> int:
    """``value``, if it fits; raises InternalError where int64 would overflow."""
    if not INT64_MIN <= value <= INT64_MAX:
        raise InternalError(f"{what} leaves int64: {value}")
    return value


@dataclass(frozen=True, slots=True)
class Tariff:
    """The figures of one Economy document, in micro-LF; rates in micro-LF a day.

    A negative reward is a penalty.  ``capacity`` bounds what the pool and the holds
    contain together.  A mark is told when the pool falls below the first of its amounts,
    and is over when it reaches the second.  Ordinary prices leave the floor and the
    ``emergency``, reflexes the floor alone.  Raises InternalError for figures that no
    document may have.
    """

    name: str
    opening: int
    floor: int
    capacity: int | None
    rewards: Mapping[str, int] = dataclass_field(hash=False)
    incomes: Mapping[str, Flowing] = dataclass_field(hash=False)
    upkeep: Mapping[str, Flowing] = dataclass_field(hash=False)
    window_ns: int
    marks: Mapping[str, tuple[int, int]] = dataclass_field(default_factory=dict, hash=False)
    pulse: Pulse | None = None
    slumber: Slumber | None = None
    emergency: int = 0
    starve_ns: int = 0
    allowance: tuple[str, int] | None = None
    """From which economy how much comes besides, micro-LF a day."""

    def __post_init__(self) -> None:
        for name, value in (("opening", self.opening), ("floor", self.floor), ("window", self.window_ns)):
            int64(value, f"{self.name}: {name}")
        flows = (*self.incomes.items(), *self.upkeep.items())
        for name, value in (*self.rewards.items(), *((name, most_rate(rate)) for name, rate in flows)):
            int64(value, f"{self.name}: {name}")
        if not max(0, self.floor) <= self.opening:
            raise InternalError(f"{self.name}: the opening is negative or lies below the floor")
        if self.capacity is not None and not self.opening <= int64(self.capacity, "capacity"):
            raise InternalError(f"{self.name}: the opening exceeds the capacity")
        if min((*(least_rate(rate) for _, rate in flows), self.window_ns - 1)) < 0:
            raise InternalError(f"{self.name}: rates are not negative and the window is positive")

    @property
    def by_day(self) -> bool:
        """Whether some rate depends on the time of day."""
        return any(isinstance(rate, Profile) for rate in (*self.incomes.values(), *self.upkeep.values()))


class Command(Struct, frozen=True, tag_field="type", omit_defaults=True, forbid_unknown_fields=True):
    """The root of what a ledger can be asked; written under the tag that stands beside each class."""


class Reserve(Command, frozen=True, tag="reserve"):
    """pool -> ``hold:<key>``, if the pool keeps its floor, and its emergency but for a ``reflex``."""

    key: str
    amount: MicroLF
    scope: str = ""
    purse: str = ""
    reflex: bool = False


class Charge(Command, frozen=True, tag="charge"):
    """pool -> ``cost:<name>``, if the pool keeps its floor, and its emergency but for a ``reflex``."""

    key: str
    name: str
    amount: MicroLF
    scope: str = ""
    purse: str = ""
    reflex: bool = False


class Payment(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One item of a bill: a charge for ``name``, or with ``held`` a reservation."""

    amount: MicroLF
    name: str
    purse: str = ""
    held: bool = False


class Pay(Command, frozen=True, tag="pay"):
    """A bill: all of its items, or none.  The keys of the items are ``<key>#<place>``, from 0."""

    key: str
    items: tuple[Payment, ...]
    scope: str = ""
    reflex: bool = False


class Settle(Command, frozen=True, tag="settle"):
    """``hold:<hold>`` -> ``cost:<name>``, if the hold contains it.

    The scope is the hold's; an empty hold has none any more.
    """

    hold: str
    key: str
    name: str
    amount: MicroLF
    purse: str = ""


class Release(Command, frozen=True, tag="release"):
    """``hold:<hold>`` -> pool of what exceeds ``keep``; a hold that has no more is left alone.

    What is kept is for the settlement with the key ``settlement``: nothing is, once that has happened.
    """

    hold: str
    keep: MicroLF = 0
    settlement: str = ""
    purse: str = ""


class Consume(Command, frozen=True, tag="consume"):
    """``hold:<hold>`` -> ``cost:<name>`` of ``amount``, once it is known, and the rest of it -> pool.

    What is beyond the hold is a ``shortfall``.  A hold that is empty is left alone.
    """

    hold: str
    key: str
    name: str
    amount: MicroLF
    purse: str = ""


class SetRates(Command, frozen=True, tag="rates"):
    """From now on ``income:<name>`` -> pool -> ``cost:<name>`` at these rates, in micro-LF a day."""

    name: str
    income: int = 0
    upkeep: int = 0
    purse: str = ""


class Urge(Command, frozen=True, tag="urge"):
    """From now on so much is urgent, in millionths."""

    urgency: int
    purse: str = ""


class Reward(Command, frozen=True, tag="reward"):
    """The tariff's reward (or penalty) ``name``, once for each key.

    ``claimed`` is what the sender believes it gets: it has no authority, a
    difference from what is paid becomes a ``mismatch`` entry.  With ``amount`` each key
    is paid that much, at most what the tariff says; what is beyond is a ``mismatch``.
    """

    name: str
    keys: tuple[str, ...]
    scope: str = ""
    claimed: MicroLF | None = None
    purse: str = ""
    amount: MicroLF | None = None


class Acquire(Command, frozen=True, tag="acquire"):
    """Units of a resource, as soon as it is this request's turn."""

    resource: str
    key: str
    units: int = 1
    priority: int = 0


class GiveBack(Command, frozen=True, tag="give_back"):
    """The end of that request: its units are free again, or it does not wait any more."""

    resource: str
    key: str


LedgerCommand = Reserve | Charge | Pay | Settle | Release | Consume | SetRates | Urge | Reward
"""What a ledger decides."""
LenderCommand = Acquire | GiveBack
"""What the lender does."""
AnyCommand = LedgerCommand | LenderCommand
Question = Reserve | Charge | Pay | Settle
"""What can be refused, so that a step waits for the answer."""
Booking = Settle | Release | Consume | SetRates | Urge | Reward | LenderCommand
"""What a step lets happen without waiting."""


def command_to_data(command: AnyCommand) -> dict[str, Value]:
    """Value form of a command; ``type`` is its tag."""
    data: dict[str, Value] = msgspec.to_builtins(command)
    return data


def command_from_data(data: Value) -> AnyCommand:
    """The command that ``command_to_data`` wrote.  Raises ValueError (msgspec's) for anything else."""
    command: AnyCommand = msgspec.convert(data, AnyCommand)
    return command


def in_words(command: AnyCommand) -> str:
    """A command for people, in LF."""
    match command:
        case Reserve(key, amount):
            return f"reserve {format_lifeforce(amount)} LF for `{key}`"
        case Charge(key, name, amount):
            return f"charge {format_lifeforce(amount)} LF for `{name}` (`{key}`)"
        case Settle(hold, key, name, amount):
            return f"settle {format_lifeforce(amount)} LF of `{hold}` for `{name}` (`{key}`)"
        case Pay(key, items):
            parts = [f"{format_lifeforce(one.amount)} LF{_of(one.purse)} for `{one.name}`" for one in items]
            return f"pay {listed(parts)} (`{key}`)"
        case Consume(hold, _, name, amount):
            return f"pay {format_lifeforce(amount)} LF for `{name}` from `{hold}`, and release the rest"
        case Acquire(resource, key, units):
            return f"acquire {units} of `{resource}` (`{key}`)"
        case GiveBack(resource, key):
            return f"give back what `{key}` has of `{resource}`"
        case SetRates(name, income, upkeep):
            return f"let {per_second(income)} come and {per_second(upkeep)} go for `{name}`"
        case Urge(urgency):
            return f"hear that {format_share(urgency)} is urgent"
        case Release(hold, keep, settlement):
            kept = f" but {format_lifeforce(keep)} LF" if keep else ""
            unless = f", unless `{settlement}` is paid" if keep and settlement else ""
            return f"release what `{hold}` reserves{kept}{unless}"
        case Reward(name, keys, _, claimed):
            whom = f" for {listed(keys)}" if keys else ""
            return f"reward `{name}`{whom}" + (
                "" if claimed is None else f", {format_lifeforce(claimed)} LF claimed"
            )
        case _:
            assert_never(command)


def _of(purse: str) -> str:
    return f" of `{purse}`" if purse else ""


def per_second(rate: int) -> str:
    """A rate for people, in LF a second, a minute, an hour or a day: the first that says it exactly."""
    for unit, count in (("s", 86_400), ("min", 1_440), ("h", 24)):
        if not rate % count:
            return f"{format_lifeforce(rate // count)} LF/{unit}"
    return f"{format_lifeforce(rate)} LF/d"


class Answer(NamedTuple):
    """What became of a command.

    ``amount`` is what was asked for (Reserve, Charge, Settle), what went back to the
    pool (Release, Consume), or what all its keys have been paid, now or earlier, negative for
    penalties (Reward).  ``balance`` is the pool's, after the command.  Of a bill that was
    refused both are of the ``purse`` that could not pay.
    """

    granted: bool
    amount: MicroLF
    balance: MicroLF
    purse: str = ""


EntryKind = Literal[
    "transfer",
    "refused",
    "shortfall",
    "mismatch",
    "rate",
    "mark",
    "pulse",
    "urgency",
    "slumber",
    "wake",
    "starved",
]
Cause = Literal[
    "opening",
    "reserve",
    "charge",
    "settle",
    "release",
    "reward",
    "penalty",
    "overflow",
    "income",
    "upkeep",
    "allowance",
    "mark",
    "pulse",
    "urgency",
    "slumber",
    "wake",
    "starved",
]
SAID: Final = ("mark", "pulse", "urgency", "slumber", "wake", "starved")
"""Kinds of entries that move nothing and book nothing: what the ledger says, with the pool's balance."""


class Entry(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One line of the ledger.  Only a ``transfer`` moves ``amount`` from ``source`` to ``target``.

    A ``refused`` has the source's ``balance`` besides, a ``mismatch`` what was ``claimed``
    (``amount`` is what was paid).  The ``amount`` of a ``rate`` is the new one, in micro-LF a day, that of
    an ``urgency`` is in millionths.  A ``mark``, a ``pulse``, ``slumber`` and ``wake`` are told, with the
    pool's ``balance``; a run ends with ``starved``, whose key names the upkeep.  The opening says how far
    the day was (``day_ns``) where a rate depends on that.  The ``index`` counts the entries of its
    ``purse``.
    """

    number: int = field(name="index")
    time_ns: int
    kind: EntryKind
    key: str
    source: str
    target: str
    amount: MicroLF
    scope: str
    cause: Cause
    balance: MicroLF | None = None
    claimed: MicroLF | None = None
    purse: str = ""
    day_ns: Annotated[int, Meta(ge=0, le=DAY_NS - 1)] | None = None

    def to_data(self) -> dict[str, Value]:
        """The plain form that a journal keeps; there the number is the ``index``."""
        data: dict[str, Value] = msgspec.to_builtins(self)
        return data

    @classmethod
    def from_data(cls, data: Value) -> Entry:
        """The entry that ``to_data`` wrote.  Raises ValueError (msgspec's) for anything else."""
        return msgspec.convert(data, cls)
