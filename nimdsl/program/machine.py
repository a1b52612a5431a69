"""Machines as the compiler sees them: nested states, transitions, timers, actions, prices.

Cells, phases and protocols all become trees of :class:`State`; the flat table
that the kernel runs is made from a tree by :mod:`nimdsl.program.flatten`.  Expressions
inside are typed and closed (:class:`Expression`).  What an action does at run
time is in :mod:`runtime.kernel.step`.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass, field

from nimdsl.base.diagnostics import NOWHERE, Place
from nimdsl.program.address import Address
from nimdsl.program.amount import Amount
from nimdsl.program.expression import Expression
from nimdsl.program.format import tagged


class PriceSource(enum.StrEnum):
    """Where a price is taken from."""

    POOL = "pool"
    """Charged to the pool at once."""
    HOLD = "hold"
    """Reserved from the pool; settled in parts while the actor works."""
    REQUEST = "request"
    """Settled from the hold that travels with the request being served, which also says how much."""


@tagged("price")
@dataclass(frozen=True, slots=True)
class Price:
    """What a transition costs (micro-LF), where it comes from, which cost account it goes to.

    ``economy`` is another one than the actor's own.
    """

    amount: Amount
    purse: PriceSource
    account: str
    economy: str = ""


@tagged("set")
@dataclass(frozen=True)
class Set:
    """Data at ``path`` becomes ``value``; if that faults, the event ``otherwise`` is raised instead."""

    path: tuple[str, ...]
    value: Expression
    otherwise: str = ""


@tagged("append")
@dataclass(frozen=True)
class Append:
    """``value`` joins the list at ``path``."""

    path: tuple[str, ...]
    value: Expression


@tagged("raise")
@dataclass(frozen=True)
class Raise:
    """An event for the actor itself, drained before the next external one."""

    event: str


@tagged("start_work")
@dataclass(frozen=True)
class BeginWork:
    """Begins the work that the document declares under this name.

    Work that a state starts on entry belongs to it (``owner``, its path) and is abandoned when
    the state is left; work without an owner goes on.
    """

    work: str
    arguments: Expression
    owner: str = ""
    reserve: Amount | None = None
    """What is put aside for it, micro-LF; None: nothing."""


@tagged("emit")
@dataclass(frozen=True)
class Emit:
    """Publishes a wave to whoever listens: how sure the actor is (a real from 0 to 1), and of what."""

    confidence: Expression
    content: Expression
    times: tuple[str, ...] = ()
    """The fields that come from the clock (:mod:`nimdsl.compile.times`)."""


@tagged("send")
@dataclass(frozen=True)
class Send:
    """An event for another actor, or for each of a family."""

    to: Address
    event: str
    payload: Expression
    place: Place = field(default=NOWHERE, compare=False)
    times: tuple[str, ...] = ()
    """The fields that come from the clock (:mod:`nimdsl.compile.times`)."""


@tagged("request")
@dataclass(frozen=True)
class Request:
    """Asks a cell and opens a request; while one is open, sends the same bytes again.

    ``process`` is what the cell may settle from the actor's hold for answering, micro-LF.
    """

    to: str
    message: Expression
    reply_schema: str
    reply_event: str
    process: int


@tagged("reply")
@dataclass(frozen=True)
class Reply:
    """Answers the request being served; ``find`` picks the row that the payload reads."""

    status: str
    schema: str
    type: str
    find: Expression | None
    payload: Expression
    delta: Expression | None
    reason: Expression | None


@tagged("reply_ask")
@dataclass(frozen=True)
class ReplyToAsk:
    """Answers the ask of another cell that is being served."""

    payload: Expression
    place: Place = field(default=NOWHERE, compare=False)
    times: tuple[str, ...] = ()
    """The fields that come from the clock (:mod:`nimdsl.compile.times`)."""


@tagged("settle")
@dataclass(frozen=True)
class PayFromHold:
    """Pays a part of the actor's hold to a cost account."""

    account: str
    amount: int


@tagged("close")
@dataclass(frozen=True)
class Close:
    """Ends the open request and returns what the hold has beyond ``keep``.

    What is kept is for the processing of the request, paid to ``account``: nothing is, once it is paid.
    """

    keep: int
    account: str


@tagged("reward")
@dataclass(frozen=True)
class AskReward:
    """Asks the economy for a reward, once for each key (without keys: each time).

    ``claims`` is what replies said it is worth.
    """

    name: str
    scope: str
    keys: Expression | None = None
    claims: Expression | None = None
    amount: Expression | None = None
    """How much of it was earned, micro-LF; None: all."""


@tagged("note")
@dataclass(frozen=True)
class Note:
    """Leaves a record of the domain (a handshake's verdict, a phase's end)."""

    type: str
    fields: Expression


Action = (
    Set
    | Append
    | Raise
    | BeginWork
    | Emit
    | Send
    | Request
    | Reply
    | ReplyToAsk
    | PayFromHold
    | Close
    | AskReward
    | Note
)


@tagged("transition")
@dataclass(frozen=True)
class Transition:
    """From a state on an event to another; ``target`` is a state path from the root."""

    event: str
    target: str
    guard: Expression | None = None
    price: Price | None = None
    actions: tuple[Action, ...] = ()
    internal: bool = False
    history: bool = False
    """Whether it leads to the leaf in which the target was left last."""
    costs: tuple[Price, ...] = ()
    """What it costs besides, of other economies."""
    answer: str = ""
    """Of a machine beside answers: the answer that it is a part of."""
    place: Place = field(default=NOWHERE, compare=False)

    @property
    def bill(self) -> tuple[Price, ...]:
        """All that it costs."""
        return (self.price, *self.costs) if self.price is not None else self.costs


@tagged("timer")
@dataclass(frozen=True)
class Timer:
    """Armed on entry, disarmed on exit; what it fires competes like transitions of one event.

    How long ``after_ns`` is is computed when the actions of the transition have been done.
    """

    after_ns: Amount
    transitions: tuple[Transition, ...]
    jitter: int = 0
    """By how much of itself the time may be shortened, millionths."""
    place: Place = field(default=NOWHERE, compare=False)


@tagged("state")
@dataclass(frozen=True)
class State:
    """A state: a leaf, or a composite whose ``initial`` child is entered."""

    name: str
    initial: str = ""
    states: tuple[State, ...] = ()
    final: bool = False
    enter: tuple[Action, ...] = ()
    exit: tuple[Action, ...] = ()
    defer: tuple[str, ...] = ()
    income: Amount = 0
    """What comes in while it stands: micro-LF a day, computed: a second."""
    upkeep: Amount = 0
    transitions: tuple[Transition, ...] = ()
    timers: tuple[Timer, ...] = ()
    fails: bool = False
    """Of a whole machine: whether a guard without a value is a fault, and not false."""
    place: Place = field(default=NOWHERE, compare=False)
    label: str = field(default="", compare=False)

    def child(self, name: str) -> State | None:
        """The direct child of that name."""
        return next((state for state in self.states if state.name == name), None)


def walk(state: State, path: str = "") -> Iterator[tuple[str, State]]:
    """Every state below ``state`` with its path from the root, parents first."""
    for child in state.states:
        here = f"{path}/{child.name}" if path else child.name
        yield here, child
        yield from walk(child, here)


def ways_of(state: State) -> Iterator[Transition]:
    """The transitions of a state itself, those of its timers too."""
    yield from state.transitions
    yield from (way for timer in state.timers for way in timer.transitions)


def every_way(root: State) -> Iterator[Transition]:
    """Every transition of a machine, those of its timers too."""
    for state in (root, *(state for _, state in walk(root))):
        yield from ways_of(state)


def events_of(root: State) -> frozenset[str]:
    """The events that a machine takes or keeps."""
    states = [root, *(state for _, state in walk(root))]
    taken = {way.event for state in states for way in state.transitions}
    return frozenset(taken | {event for state in states for event in state.defer})


def every_action(root: State) -> Iterator[Action]:
    """Every action of a machine, wherever it stands."""
    for state in (root, *(state for _, state in walk(root))):
        yield from (*state.enter, *state.exit)
        for way in (*state.transitions, *(way for timer in state.timers for way in timer.transitions)):
            yield from way.actions
