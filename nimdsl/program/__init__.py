"""The compiled program: what validation leaves and every garden runs.

Frozen data.  ``Program.sha256`` covers exactly what a step reads: machines,
data, tables, work interfaces, schemas, economies.  Descriptions, ``virtual:``
and ``real:`` models, gardens and scenarios are not part of it (SEMANTICS 8.2).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from nimdsl.base import canonical
from nimdsl.base.canonical import Plain
from nimdsl.base.diagnostics import NOWHERE, Place
from nimdsl.expression.types import Type
from nimdsl.program.flatten import Table, flatten
from nimdsl.program.machine import Expression, State
from nimdsl.program.modes import expanded


@dataclass(frozen=True)
class Schema:
    """A message's schema.  ``body`` is what the kernel checks, ``wire`` adds id and timestamp."""

    name: str
    role: str
    type: str
    payload_type: Type
    body: Mapping[str, Plain]
    wire: Mapping[str, Plain] = field(metadata={"hashed": False})


@dataclass(frozen=True)
class Prices:
    """What a handshake's parts cost, micro-LF."""

    translation: int = 0
    publish: int = 0
    process: int = 0


@dataclass(frozen=True)
class Economy:
    """Opening balance, floor, prices, rewards (negative: penalties) and rates; micro-LF, per second."""

    name: str
    opening: int
    floor: int
    capacity: int | None
    prices: Prices
    rewards: Mapping[str, int]
    incomes: Mapping[str, int]
    upkeep: Mapping[str, int]
    window_ns: int


@dataclass(frozen=True)
class Distribution:
    """A distribution by name with its parameters, in the base unit of ``type``."""

    kind: str
    parameters: tuple[Any, ...]
    type: Type


@dataclass(frozen=True)
class WorkModel:
    """How work behaves in a virtual garden; shares are millionths."""

    latency: Distribution
    failure: int = 0
    nack: int = 0
    retry: int = 0
    crash: int = 0
    down_ns: int = 0
    returns: Mapping[str, Distribution | Expression] = field(default_factory=dict)


@dataclass(frozen=True)
class Work:
    """Work of an actor.  ``outcomes`` maps done, failed, nack, retry, unknown to event names.

    ``produces`` names the schema of the message that it writes as text (a translator).
    """

    name: str
    returns: Mapping[str, Type]
    outcomes: Mapping[str, str]
    idempotent: bool = True
    produces: Mapping[str, str] = field(default_factory=dict)
    virtual: WorkModel | None = field(default=None, metadata={"hashed": False})
    real: Mapping[str, Plain] = field(default_factory=dict, metadata={"hashed": False})
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True)
class Level:
    """A level of attention; ns, micro-LF, millionths.  See SEMANTICS 5 for what the fields decide.

    ``policy`` is each, all, share or rest.  ``takes_ns`` is what an item takes that does not say
    (of ``each``: whatever it says); ``stages`` are cumulative ends, the last at one million.
    """

    name: str
    policy: str
    takes_ns: int = 0
    share: int = 0
    cap_ns: int = 0
    minimum_ns: int = 0
    baseline_ns: int = 0
    reflex: bool = False
    preempted: str = "resume"
    carry: bool = False
    items_max: int = 0
    """How many items may start in a beat; 0: any number."""
    queue_max: int = 1000
    cost_fixed: int = 0
    cost_per_second: int = 0
    cost_per_item: int = 0
    stages: tuple[tuple[str, int], ...] = ()
    tiers: tuple[int, ...] = ()
    tells: str = ""
    tells_ns: int = 0
    work: str = ""
    live: bool = False
    """Whether modes do something when one of its stages begins."""
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True)
class Beat:
    """How an attention divides its time: the lengths of a beat's parts, the levels from the highest."""

    length_ns: int
    overhead_ns: int
    settle_ns: int
    levels: tuple[Level, ...]

    @property
    def window_ns(self) -> int:
        """What levels can have of a beat at most."""
        return self.length_ns - self.overhead_ns - self.settle_ns


@dataclass(frozen=True)
class Actor:
    """One actor: its machine, its data before the first event, its tables and its work.

    With a ``beat`` it is an attention: its machine are her modes, driven by the scheduler.
    """

    kind: str
    name: str
    root: State = field(metadata={"hashed": False})
    data: Mapping[str, Plain]
    tables: Mapping[str, Plain]
    works: Mapping[str, Work]
    accepts: tuple[str, ...] = ()
    """The events that others may send it; whatever else they send is ignored."""
    domain: str = field(default="", metadata={"hashed": False})
    """What its waves are about."""
    hears: tuple[str, ...] = field(default=(), metadata={"hashed": False})
    """The topics that it subscribes to; no document says so yet."""
    beat: Beat | None = None
    place: Place = field(default=NOWHERE, compare=False)

    @property
    def id(self) -> str:
        """``cell/thermostat``: unique in a program."""
        return f"{self.kind}/{self.name}"

    @cached_property
    def table(self) -> Table:
        """The flat table of its machine; of an attention, as its scheduler drives it."""
        if self.beat is None:
            return flatten(self.root)
        stages = {level.name: [name for name, _ in level.stages] for level in self.beat.levels}
        return flatten(expanded(self.root, stages))


@dataclass(frozen=True)
class Handshake:
    """A handshake of a phase, for reports."""

    name: str
    label: str


@dataclass(frozen=True)
class Phase:
    """A phase as reports and drawings need it; what it does is in its protocol's machine."""

    name: str
    cell: str
    handshakes: tuple[Handshake, ...]
    reservation: int
    exit: str
    root: State = field(metadata={"hashed": False})


@dataclass(frozen=True)
class Criterion:
    """A completion criterion: its text and the expression that must hold at the end."""

    text: str
    holds: Expression


@dataclass(frozen=True)
class Protocol:
    """A protocol: its actor, its phases in order, its economy and its completion criteria."""

    name: str
    economy: str
    phases: tuple[Phase, ...] = field(metadata={"hashed": False})
    actor: Actor
    criteria: tuple[Criterion, ...] = field(metadata={"hashed": False})


@dataclass(frozen=True)
class BusModel:
    """The bus of a virtual garden: latency and faults (shares in millionths)."""

    latency: Distribution
    loss: int
    duplicate: int
    delay: int
    delay_by: Distribution
    reorder: int
    reorder_by: Distribution
    payload_bytes_max: int


@dataclass(frozen=True)
class Group:
    """Cells of a real garden that share a process; with ``command`` another program answers for them."""

    name: str
    cells: tuple[str, ...]
    command: tuple[str, ...] = ()


@dataclass(frozen=True)
class RealGarden:
    """What a real garden is made of.  Subjects are templates of words; restarts are in wall-clock ns."""

    scenario: str = ""
    environment: str = "dev"
    server: str = "embedded"
    port: int = 0
    state: str = ""
    actors: str = "{environment}.{garden}.{run}.{kind}.{name}"
    waves: str = "{environment}.{garden}.{run}.{layer}.{domain}.{signal}"
    groups: tuple[Group, ...] = ()
    stand_ins: frozenset[str] = frozenset()
    restart_delay_ns: int = 100_000_000
    restart_delay_max_ns: int = 5_000_000_000
    restart_limit: int = 10


@dataclass(frozen=True)
class Garden:
    """A garden: when its clock starts, its bus, and the inventory that work can count.

    ``rate`` (garden seconds in a wall-clock second) is for real ones.
    """

    name: str
    epoch: str
    bus: BusModel
    inventory: Mapping[str, Plain]
    rate: float = 1.0
    real: RealGarden | None = None


@dataclass(frozen=True)
class Periodic:
    """``times`` arrivals, the first at ``at_ns``, then every ``every_ns``."""

    at_ns: int
    every_ns: int = 0
    times: int = 1


@dataclass(frozen=True)
class Poisson:
    """Arrivals with exponential gaps of this mean: the first gap begins at ``at_ns``, all lie before
    ``until_ns``."""

    mean_ns: int
    at_ns: int
    until_ns: int


@dataclass(frozen=True)
class Recorded:
    """Arrivals at these times, ascending.

    Each has its own values of ``fields`` (by name, one value an arrival), and where ``takes_ns``
    is not empty its own demand.
    """

    at_ns: tuple[int, ...]
    fields: Mapping[str, tuple[Plain, ...]] = field(default_factory=dict)
    takes_ns: tuple[int, ...] = ()


@dataclass(frozen=True)
class Stimulus:
    """Events from outside for the actor ``to``.

    With a ``level`` they are items for that level of an attention, each of which takes ``takes_ns``
    (0: what the level says); ``payload`` is what they carry.
    """

    to: str
    event: str
    payload: Mapping[str, Plain]
    arrivals: Periodic | Poisson | Recorded
    level: str = ""
    takes_ns: int = 0


@dataclass(frozen=True)
class Expectation:
    """What a scenario expects, with the text that the user wrote."""

    text: str
    holds: Expression


BEAT_COUNT_MAX = 10_000
"""How many beats of a run are kept one by one and seen by expectations, the first ones; sums are of all."""


@dataclass(frozen=True)
class Scenario:
    """A run to make: who takes part, where, for how long, and what must be true afterwards."""

    name: str
    description: str
    protocol: str
    economy: str
    garden: str
    cells: tuple[str, ...]
    attention: str
    horizon_ns: int
    seed: int
    set: Mapping[str, Plain]
    stimuli: tuple[Stimulus, ...]
    expect: tuple[Expectation, ...]


@dataclass(frozen=True)
class Program:
    """Everything that a folder of documents compiles to, by name."""

    schemas: Mapping[str, Schema]
    economies: Mapping[str, Economy]
    cells: Mapping[str, Actor]
    attentions: Mapping[str, Actor]
    phases: Mapping[str, Phase]
    protocols: Mapping[str, Protocol]
    gardens: Mapping[str, Garden]
    scenarios: Mapping[str, Scenario]
    documents: Any = field(default=None, compare=False, repr=False)
    """The documents that this was compiled from, for overrides and for ``show``."""

    @cached_property
    def sha256(self) -> str:
        """Hash of what steps read."""
        parts = (self.schemas, self.economies, self.cells, self.attentions, self.protocols)
        return canonical.sha256([to_plain(part) for part in parts])


def to_plain(value: Any) -> Plain:
    """Plain data of anything in a program, without what its hash leaves out."""
    if isinstance(value, Expression):
        return value.to_data()
    if isinstance(value, Type):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        kept = [f.name for f in dataclasses.fields(value) if f.compare and f.metadata.get("hashed", True)]
        names = [*kept, "table"] if isinstance(value, Actor) else kept
        return [type(value).__name__, {name: to_plain(getattr(value, name)) for name in names}]
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, frozenset):
        return sorted(to_plain(item) for item in value)
    if isinstance(value, tuple | list):
        return [to_plain(item) for item in value]
    return value
