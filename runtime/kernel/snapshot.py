"""Snapshots: an actor between two events, as typed data (SEMANTICS 1.1).

A snapshot round-trips through canonical bytes at any point.  It is never
changed in place: a step makes a new one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
from msgspec import Struct

from nimdsl.base.values import Fields, Value
from nimdsl.program import Actor
from runtime.kernel.answer_cache import AnswerCache
from runtime.kernel.arbiter import RackState
from runtime.kernel.beat import BeatState
from runtime.kernel.events import (
    AnyEvent,
    Boundary,
    Finished,
    Loan,
    Marked,
    Received,
    Requested,
    Stimulus,
    TimerDue,
)
from runtime.kernel.nervous import Nervous
from runtime.kernel.resonance import Resonating
from runtime.records import Identity

ACCEPTED_COUNT_MAX = 64
"""How many numbers of a sender are remembered; older ones than these are taken for known."""
CLAIMED_COUNT_MAX = 64
"""Of how many asks is remembered that a reply was taken or given back."""


class Armed(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A timer that runs: which arming it is, when it is due at the latest, how much earlier at most."""

    generation: int
    deadline_ns: int
    jitter_ns: int = 0


class Underway(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Work that was started and has not come back.

    ``owner`` is the state that it belongs to, empty for none.  Work of an attention belongs to the
    ``item`` of a ``level``; once its time is over it is known when it was revoked.
    """

    work: str
    arguments: Fields
    owner: str = ""
    item: int = 0
    level: str = ""
    revoked_ns: int | None = None
    asked: str = ""
    """Who was asked to do it; empty for work that the actor does itself."""
    timeout_ns: int | None = None
    """How long an attempt may take."""
    attempt: int = 1
    """Which attempt is under way, or comes after the wait."""
    waits: bool = False
    """Whether the attempt has not begun: its timer is that of the wait."""
    hold: str = ""
    """The key of what was put aside for the attempt."""
    reserved: int = 0
    """How much that is, micro-LF."""
    resource: str = ""
    """Of which resource units were asked for; empty for other work."""
    granted: bool = False
    """Whether they are lent."""
    message: Fields = {}
    """What a command says, once it is written."""
    opened_ns: int = 0
    """When it was written."""
    serves: int = 0
    """Of the translator's work: the command whose message it writes."""


class Opened(Struct, frozen=True, forbid_unknown_fields=True):
    """The request that a protocol waits for: its number, and what is made of its answer."""

    number: int
    opened_ns: int
    message: Fields
    schema: str
    event: str


class Serving(Struct, frozen=True, forbid_unknown_fields=True):
    """The request, or the ask of another cell, that a cell is answering."""

    request: Identity
    sender: str
    message: Fields
    hold: str
    process: int
    opened_ns: int
    event: str = ""
    """The name of the event, where another cell asked by one."""
    answer: str = ""
    """The answer that serves a request, where there is a machine beside it."""


Deferrable = Requested | Received | Stimulus | Marked
"""What can be put aside."""


class Snapshot(Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that the next step of an actor reads besides the event and the time."""

    state: str
    """Path of the leaf; empty before the first step."""
    data: Fields
    timers: Mapping[int, Armed]
    works: Mapping[int, Underway]
    """By effect number."""
    hold: str
    """Key of the hold that pays for what the actor does."""
    request: Opened | None
    serving: Serving | None
    answered: AnswerCache
    """What requests were answered with, oldest first; by request."""
    accepted: Mapping[str, tuple[int, ...]]
    """The last effect numbers accepted from each sender, ascending (:data:`ACCEPTED_COUNT_MAX`)."""
    claimed: tuple[int, ...]
    """The last asks of which a reply was taken or given back, and another one may come, oldest first."""
    deferred: tuple[Deferrable, ...]
    """Events put aside until a state takes them, oldest first."""
    entered: tuple[int, ...]
    """When the states of the leaf's lineage were entered, ns, the root first."""
    history: Mapping[str, str]
    """The leaf in which a state was left last, of those that somebody returns to."""
    beat: BeatState | None
    """An attention's beat so far."""
    gate: Resonating | None
    """What a gate has in mind."""
    nerve: Nervous | None
    """What a nerve has in mind."""
    rack: RackState | None
    """What is on the cards of a rack, and who waits for them."""
    effect_number: int
    generation: int
    fault: str
    """Why the actor is faulted; it takes no more events."""
    flows: Mapping[str, tuple[int, int]]
    """By state of the leaf's lineage, of a rack by organ: what comes in and goes out, micro-LF a day."""

    def to_data(self) -> dict[str, Value]:
        """Value form."""
        data: dict[str, Value] = msgspec.to_builtins(self, str_keys=True, enc_hook=_plain)
        return data

    @classmethod
    def from_data(cls, data: Mapping[str, Value]) -> Snapshot:
        """The snapshot that ``to_data`` wrote.  Raises ValueError (msgspec's) for anything else."""
        return msgspec.convert(data, cls, str_keys=True, dec_hook=_typed)


def _plain(value: object) -> list[list[object]]:
    if isinstance(value, AnswerCache):
        return [list(item) for item in value.items()]
    raise NotImplementedError


def _typed(kind: type, value: Iterable[tuple[str, Fields]]) -> AnswerCache:
    if kind is AnswerCache:
        return AnswerCache(dict(value))
    raise NotImplementedError


def work_timer(number: int) -> int:
    """The timer of the work with this number, of its timeout or its wait; a machine's own are from 0."""
    return -10 - number


def timed_work(timer: int) -> int:
    """The number of the work whose timer it is."""
    return -10 - timer


def initial(actor: Actor) -> Snapshot:
    """The snapshot of an actor that has not begun."""
    return Snapshot(
        state="",
        data=dict(actor.data),
        timers={},
        works={},
        hold="",
        request=None,
        serving=None,
        answered=AnswerCache(),
        accepted={},
        claimed=(),
        deferred=(),
        entered=(),
        history={},
        beat=None,
        gate=None,
        nerve=None,
        rack=None,
        effect_number=1,
        generation=1,
        fault="",
        flows={},
    )


def is_new(accepted: Mapping[str, tuple[int, ...]], sender: str, number: int) -> bool:
    """Whether this number of the sender has not been accepted before."""
    known = accepted.get(sender, ())
    return number not in known and (len(known) < ACCEPTED_COUNT_MAX or number > known[0])


def with_number(
    accepted: Mapping[str, tuple[int, ...]], sender: str, number: int
) -> Mapping[str, tuple[int, ...]]:
    """The numbers accepted, with one more."""
    known = accepted.get(sender, ())
    grown = (*known, number) if not known or number > known[-1] else tuple(sorted((*known, number)))
    return {**accepted, sender: grown[-ACCEPTED_COUNT_MAX:]}


def is_known(timers: Mapping[int, Armed], works: Mapping[int, Underway], event: AnyEvent) -> bool:
    """Whether a timer is armed as it was, and work still under way; True for every other event."""
    match event:
        case TimerDue() | Boundary():
            armed = timers.get(event.timer)
            return armed is not None and armed.generation == event.generation
        case Finished():
            started = works.get(event.work)
            return started is not None and not started.waits
        case Loan():
            started = works.get(event.work)
            return started is not None and bool(started.resource) and not started.granted
    return True
