"""What a step leaves behind for people and for proofs: one class a record type.

A *body* says what happened; it is what a step makes.  A :class:`Record` is a body in its place: whose
it is, where it stands in that actor's chain, when.  An attention's bodies also have a :class:`Moment`.

The law of the format (``docs/formats.md`` is generated from here): a body is written under the tag that
stands beside its class, by the names of its fields, but for those at their default.  So a class may be
renamed and a field added, and no old byte changes.  A field that is :data:`Aside` is no decision: a time,
an id, a balance.  Two gardens that decide alike agree on all the others (SEMANTICS 8.1).

Kinds outside this package leave bodies of their own, subclasses of :class:`Foreign`.  Not here: their
bytes (:mod:`runtime.record_bytes`), how chains are hashed (:mod:`runtime.run.trace`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from msgspec import Struct, field

from nimdsl.base.values import Fields, MicroLF, Value
from runtime.creature_records import (
    CameLate as CameLate,
)
from runtime.creature_records import (
    GateBody as GateBody,
)
from runtime.creature_records import (
    HealthChanged as HealthChanged,
)
from runtime.creature_records import (
    ModelMoved as ModelMoved,
)
from runtime.creature_records import (
    NerveBody as NerveBody,
)
from runtime.creature_records import (
    OrganAnswered as OrganAnswered,
)
from runtime.creature_records import (
    OrganAsked as OrganAsked,
)
from runtime.creature_records import (
    OutcomeJudged as OutcomeJudged,
)
from runtime.creature_records import (
    RackBody as RackBody,
)
from runtime.creature_records import (
    ReadingChanged as ReadingChanged,
)
from runtime.creature_records import (
    Resonated as Resonated,
)
from runtime.creature_records import (
    Slumbering as Slumbering,
)
from runtime.creature_records import (
    Weighed as Weighed,
)
from runtime.record_base import Aside as Aside
from runtime.record_base import Body as Body
from runtime.record_base import Identity as Identity

RECORD_FORMAT: Final = 2


def tag_of(body: Body) -> str:
    """What a body is written as."""
    return str(body.__struct_config__.tag)


# Machines


class Began(Body, frozen=True, tag="begin"):
    """The initial state was entered."""

    state: str
    changed: Aside[Mapping[str, Value]] = {}
    appended: Aside[Mapping[str, list[Value]]] = {}


class Moved(Body, frozen=True, tag="transition"):
    """A transition happened.

    ``inside`` is the state that it did not leave, empty for all of the machine; one that stays in its state
    leaves none.  ``changed`` are the values that it set, by the path in the data, as they are afterwards;
    ``appended`` what it added to lists.
    """

    event: str
    source: str = field(name="from")
    target: str = field(name="to")
    changed: Aside[Mapping[str, Value]] = {}
    appended: Aside[Mapping[str, list[Value]]] = {}
    inside: Aside[str] = ""


class Ignored(Body, frozen=True, tag="ignored"):
    """No transition of the state takes the event."""

    event: str
    state: str


class Faulted(Body, frozen=True, tag="fault"):
    """An expression had no value: a guard counts as false, an action undoes its transition."""

    state: str
    reason: str


class Broken(Body, frozen=True, tag="faulted"):
    """The actor takes no more events."""

    reason: str


class Refused(Body, frozen=True, tag="refused"):
    """The economy did not pay; micro-LF.  ``level`` is an attention's, empty for a price of her modes.

    ``economy`` is which of several did not; empty for the scenario's own.
    """

    event: str
    state: str
    price: MicroLF
    balance: Aside[MicroLF]
    level: str = ""
    economy: str = ""


class WorkStarted(Body, frozen=True, tag="work"):
    """Work began under this effect number, or was tried again; an ask keeps its number."""

    work: str
    number: Aside[int]
    attempt: int = 1


class WorkRepeated(Body, frozen=True, tag="repeat"):
    """An attempt of work failed, and there will be another one after ``wait_ns`` at most.

    ``attempt`` is the one that failed; the next has the number ``next_number``, if not the same.
    """

    work: str
    attempt: int
    why: Aside[str]
    number: Aside[int]
    wait_ns: int = 0
    next_number: Aside[int] = 0


class Abandoned(Body, frozen=True, tag="abandoned"):
    """The state that work belonged to was left."""

    work: str
    number: Aside[int]


class GivenBack(Body, frozen=True, tag="given_back"):
    """The state that units of a resource were held for was left."""

    work: str
    number: Aside[int]


class Emitted(Body, frozen=True, tag="emit"):
    """A wave went to whoever listens.  ``times`` is what of its content comes from the clock."""

    confidence: float
    content: Value
    number: Aside[int]
    times: Aside[Fields] = {}


class Sent(Body, frozen=True, tag="send"):
    """An event went to another actor; ``role`` is what it is to an ask, empty for nothing.

    ``times`` are the fields of its payload that come from the clock.
    """

    to: str
    event: str
    payload: Fields
    number: Aside[int]
    role: str = ""
    times: Aside[Fields] = {}


class SentToEach(Body, frozen=True, tag="send_each"):
    """An event went to each member of a family but the sender; ``number`` is the first of as many."""

    to: str
    event: str
    payload: Fields
    count: int
    number: Aside[int]
    times: Aside[Fields] = {}


class Rewarded(Body, frozen=True, tag="reward"):
    """The economy was asked for a reward, once for each key."""

    reward: str
    keys: Aside[list[str]]


# Requests and replies


class Asked(Body, frozen=True, tag="request"):
    """A request was sent, perhaps again; ``request`` is the number under which it was opened."""

    to: str
    request: Aside[int]
    message: Fields
    number: Aside[int]


class Replied(Body, frozen=True, tag="reply"):
    """A request was answered."""

    to: str
    request: Aside[Identity]
    message: Fields
    number: Aside[int]


class AnsweredAgain(Body, frozen=True, tag="answered_again"):
    """A request that had been answered came again, and was answered from memory."""

    request: Aside[Identity]


class Duplicate(Body, frozen=True, tag="duplicate"):
    """A request came again while it was being served, or waited."""

    request: Aside[Identity]


class Malformed(Body, frozen=True, tag="malformed"):
    """A request does not satisfy its schema."""

    request: Aside[Identity]
    reason: str


class Deferred(Body, frozen=True, tag="deferred"):
    """A request, or another event, waits until a state takes it."""

    request: Aside[Identity | None] = None
    event: str = ""


class Dropped(Body, frozen=True, tag="dropped"):
    """An event was forgotten: too many wait."""

    reason: str


class Stale(Body, frozen=True, tag="stale"):
    """A reply to a request that is not open any more."""

    request: Aside[Identity]


# Protocols


class HandshakeEnded(Body, frozen=True, tag="handshake"):
    """A handshake of a phase ended; ``verdict`` is accepted, rejected, or why it failed."""

    phase: str
    name: str
    verdict: str
    attempts: int
    translations: int
    reason: str
    sent: Fields
    received: Fields


class PhaseMarked(Body, frozen=True, tag="phase"):
    """A phase started, completed or failed, with its counters so far."""

    phase: str
    verdict: str
    handshakes: int
    accepted: int
    rejected: int
    failed: int
    tries: int


# Attention


class Moment(Struct, frozen=True, omit_defaults=True):
    """When something happened to an attention; what she notes late still has its own instant."""

    beat: int
    at_ns: Aside[int]
    remaining_ns: Aside[int | None] = None
    """What remained of the beat for her levels; None for what a run's end cut off."""


class Arrived(Body, frozen=True, tag="arrival"):
    """An item joined a level."""

    item: int
    level: str
    name: str
    takes_ns: int
    baseline: bool
    gate: str = ""
    """The gate that brought it."""


class Ran(Body, frozen=True, tag="grant"):
    """An item had the time; ``ended`` is done, failed, preempted, suspended, cut, or running at the end."""

    item: int
    level: str
    name: str
    from_ns: Aside[int]
    to_ns: Aside[int]
    ended: str


class GivenUp(Body, frozen=True, tag="drop"):
    """An item was given up, with so much of it left to do."""

    item: int
    level: str
    name: str
    left_ns: Aside[int]
    reason: str


class Overran(Body, frozen=True, tag="overrun"):
    """Work of a level went on after its time was over."""

    item: int
    level: str
    overrun_ns: Aside[int]


class LevelCounts(Struct, frozen=True):
    """What happened to the items of a level in a beat."""

    preempted: int
    dropped: int
    done: int


class LevelTimes(Struct, frozen=True):
    """What a level had of a beat; ``started_ns`` counts from the beat's start, None: never."""

    spent_ns: int
    granted_ns: int
    started_ns: int | None


class BeatTimes(Struct, frozen=True):
    """The parts of a beat, which add up to the time since its start."""

    start_ns: int
    overhead_ns: int
    charged_ns: int
    reflex_ns: int
    idle_ns: int
    settle_ns: int
    levels: Mapping[str, LevelTimes]


class BeatEnded(Body, frozen=True, tag="beat"):
    """A beat is over; not ``settled``: the end of the run cut it short."""

    settled: bool
    counts: Mapping[str, LevelCounts]
    times: Aside[BeatTimes]


class Foreign(Body, frozen=True):
    """The base of the records of kinds that this package does not know."""


AttentionBody = Arrived | Ran | GivenUp | Overran | BeatEnded
MachineBody = (
    Began
    | Moved
    | Ignored
    | Faulted
    | Broken
    | Refused
    | WorkStarted
    | WorkRepeated
    | Abandoned
    | GivenBack
    | Emitted
    | Sent
    | SentToEach
    | Rewarded
    | Asked
    | Replied
    | AnsweredAgain
    | Duplicate
    | Malformed
    | Deferred
    | Dropped
    | Stale
)
ProtocolBody = HandshakeEnded | PhaseMarked
AnyBody = MachineBody | ProtocolBody | AttentionBody | GateBody | NerveBody | RackBody | Foreign
"""Every body; readers match it exhaustively."""


class Noted(NamedTuple):
    """A body as a step leaves it."""

    body: AnyBody
    moment: Moment | None = None


class Record(Struct, frozen=True):
    """A body in its place: the ``sequence``-th of its actor, left at ``time_ns`` of garden time."""

    actor: str
    sequence: int
    time_ns: int
    body: AnyBody
    moment: Moment | None = None

    @property
    def at_ns(self) -> int:
        """When it happened: what an attention notes late still has its own instant."""
        return self.time_ns if self.moment is None else self.moment.at_ns
