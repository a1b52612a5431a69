"""What the ledger is asked, what it answers and what it writes: plain, frozen data.

Amounts are int64 micro-LF, times int64 ns (SEMANTICS 2.3).  Accounts are named
``pool``, ``hold:<key>``, ``cost:<name>``, ``reward:<name>``, ``income:<name>``
and ``opening`` (SEMANTICS 3.1).  Keys that begin with ``@`` are the ledger's
own (opening, rates, overflow, releases).

Not here: the decisions and the fold (:mod:`runtime.ledger.economy`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple

from nimdsl.base.canonical import Plain
from nimdsl.base.errors import InternalError, NimdslError
from nimdsl.base.units import INT64_MAX

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


def int64(value: int, what: str) -> int:
    """``value``, if it fits; raises InternalError where int64 would overflow."""
    if not INT64_MIN <= value <= INT64_MAX:
        raise InternalError(f"{what} leaves int64: {value}")
    return value


@dataclass(frozen=True, slots=True)
class Tariff:
    """The figures of one Economy document, in micro-LF; rates in micro-LF per second.

    A negative reward is a penalty.  ``capacity`` bounds what the pool and the holds
    contain together.  Raises InternalError for figures that no document may have.
    """

    name: str
    opening: int
    floor: int
    capacity: int | None
    rewards: Mapping[str, int] = field(hash=False)
    incomes: Mapping[str, int] = field(hash=False)
    upkeep: Mapping[str, int] = field(hash=False)
    window_ns: int

    def __post_init__(self) -> None:
        for name, value in (("opening", self.opening), ("floor", self.floor), ("window", self.window_ns)):
            int64(value, f"{self.name}: {name}")
        for name, value in (*self.rewards.items(), *self.incomes.items(), *self.upkeep.items()):
            int64(value, f"{self.name}: {name}")
        if not max(0, self.floor) <= self.opening:
            raise InternalError(f"{self.name}: the opening is negative or lies below the floor")
        if self.capacity is not None and not self.opening <= int64(self.capacity, "capacity"):
            raise InternalError(f"{self.name}: the opening exceeds the capacity")
        if min((*self.incomes.values(), *self.upkeep.values(), self.window_ns - 1)) < 0:
            raise InternalError(f"{self.name}: rates are not negative and the window is positive")


class Reserve(NamedTuple):
    """pool -> ``hold:<key>``, if the pool keeps its floor."""

    key: str
    amount: int
    scope: str = ""


class Charge(NamedTuple):
    """pool -> ``cost:<name>``, if the pool keeps its floor."""

    key: str
    name: str
    amount: int
    scope: str = ""


class Settle(NamedTuple):
    """``hold:<hold>`` -> ``cost:<name>``, if the hold contains it.

    The scope is the hold's; an empty hold has none any more.
    """

    hold: str
    key: str
    name: str
    amount: int


class Release(NamedTuple):
    """``hold:<hold>`` -> pool of what exceeds ``keep``; a hold that has no more is left alone."""

    hold: str
    keep: int = 0


class Reward(NamedTuple):
    """The tariff's reward (or penalty) ``name``, once for each key.

    ``claimed`` is what the sender believes it gets: it has no authority, a
    difference from what is paid becomes a ``mismatch`` entry.
    """

    name: str
    keys: tuple[str, ...]
    scope: str = ""
    claimed: int | None = None


Command = Reserve | Charge | Settle | Release | Reward
_COMMANDS: dict[str, type] = {kind.__name__: kind for kind in (Reserve, Charge, Settle, Release, Reward)}


def is_command(name: str) -> bool:
    """Whether a command is called that."""
    return name in _COMMANDS


def command_to_data(command: Command) -> dict[str, Plain]:
    """Plain form of a command; ``type`` is its name."""
    data = command._asdict()
    return {"type": type(command).__name__} | {
        key: list(value) if isinstance(value, tuple) else value for key, value in data.items()
    }


def command_from_data(data: Mapping[str, Any]) -> Command:
    """The command that ``command_to_data`` wrote.  KeyError or TypeError for anything else."""
    fields = {key: value for key, value in data.items() if key != "type"}
    if "keys" in fields:
        fields["keys"] = tuple(fields["keys"])
    command: Command = _COMMANDS[data["type"]](**fields)
    return command


class Answer(NamedTuple):
    """What became of a command.

    ``amount`` is what was asked for (Reserve, Charge, Settle), what went back to the
    pool (Release), or what all its keys have been paid, now or earlier, negative for
    penalties (Reward).  ``balance`` is the pool's, after the command.
    """

    granted: bool
    amount: int
    balance: int


EntryKind = Literal["transfer", "refused", "shortfall", "mismatch"]
KINDS: Final[tuple[EntryKind, ...]] = ("transfer", "refused", "shortfall", "mismatch")


class Entry(NamedTuple):
    """One line of the ledger.  Only a ``transfer`` moves ``amount`` from ``source`` to ``target``.

    ``detail`` always has ``cause``: opening, reserve, charge, settle, release, reward,
    penalty, overflow, income or upkeep.  A ``refused`` has the source's ``balance``
    besides, a ``mismatch`` what was ``claimed`` (``amount`` is what was paid).
    """

    number: int
    time_ns: int
    kind: EntryKind
    key: str
    source: str
    target: str
    amount: int
    scope: str
    detail: Mapping[str, int | str]

    def to_data(self) -> dict[str, Plain]:
        """The plain form that a journal keeps; there the number is the ``index``."""
        return {
            "index": self.number,
            "time_ns": self.time_ns,
            "kind": self.kind,
            "key": self.key,
            "source": self.source,
            "target": self.target,
            "amount": self.amount,
            "scope": self.scope,
            "detail": dict(self.detail),
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Plain]) -> Entry:
        """The entry that ``to_data`` wrote.  Raises InternalError for an unknown kind."""
        if data["kind"] not in KINDS:
            raise InternalError(f"no ledger entry: kind {data['kind']!r}")
        fields = {key: value for key, value in data.items() if key != "index"}
        return cls(**{**fields, "number": data["index"], "detail": dict(data["detail"])})
