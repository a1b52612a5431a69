"""The records of gates, nerves and racks; :mod:`runtime.records` says what a record is."""

from __future__ import annotations

from msgspec import field

from nimdsl.base.values import MicroLF
from runtime.record_base import Aside, Body, Identity


class Resonated(Body, frozen=True, tag="correlation_event"):
    """A gate heard a wave: how alike it is to what came before, what that makes, what stays of it."""

    wave: Aside[Identity]
    score: Aside[float]
    raw: Aside[float]
    value: Aside[float]


class ReadingChanged(Body, frozen=True, tag="gate_transition"):
    """A gate reads something else; ``cost`` is micro-LF, ``triggers`` the waves that it had in mind."""

    source: str = field(name="from")
    target: str = field(name="to")
    opening: int
    """How often it has opened by now."""
    tier: int
    cause: str
    """waves, shed, rested, unused or asleep."""
    cost: int
    value: Aside[float]
    triggers: Aside[tuple[Identity, ...]]


class Weighed(Body, frozen=True, tag="verified"):
    """The outcome of an opening, and what weight and gain are since; millionths."""

    opening: int
    outcome: str
    weight: int
    gain: int


class Slumbering(Body, frozen=True, tag="slumbering"):
    """Since now the ``economy`` sleeps, or is awake."""

    economy: str
    asleep: bool


class OutcomeJudged(Body, frozen=True, tag="verification_outcome"):
    """What came of an opening that a nerve took: confirmed, failed, partial or expired.

    ``discrepancy`` is in millionths: how far it was off.
    """

    opening: int
    outcome: str
    discrepancy: Aside[int]


class CameLate(Body, frozen=True, tag="late"):
    """A cell agreed later than the tier of the opening allows, from the wave on; ns."""

    opening: int
    tier: int
    took_ns: Aside[int]
    bound_ns: int


class HealthChanged(Body, frozen=True, tag="health"):
    """What a nerve misses, and whether it cannot act, or can less well."""

    absent: tuple[str, ...]
    disabled: bool
    degraded: bool


class OrganAsked(Body, frozen=True, tag="organ_request"):
    """A request came to an organ, and waits; ``stage`` is that of the nerve that asks."""

    organ: str
    task: str
    request: Aside[Identity]
    priority: int = 0
    stage: str = ""


class OrganAnswered(Body, frozen=True, tag="organ_end"):
    """A request ended, once.

    ``outcome`` is served, or why not: full, timeout, broken, revoked, lifeforce, failed.  ``cost`` is
    micro-LF; ``waited_ns`` until it was served, or all of it.
    """

    organ: str
    task: str
    outcome: str
    request: Aside[Identity]
    cost: MicroLF = 0
    waited_ns: Aside[int] = 0
    served_ns: Aside[int] = 0
    version: int = 0
    """How often the model had been trained."""


class ModelMoved(Body, frozen=True, tag="model"):
    """A model on a card is something else: free, loading, ready, serving, training, unloading.

    ``cause`` is request, loaded, failed, served, room, idle or asleep, or of a training train, slice (one
    more is done), trained, failed or abandoned; ``cost`` is micro-LF, ``version`` how often it was trained.
    """

    organ: str
    card: str
    source: str = field(name="from")
    target: str = field(name="to")
    cause: str
    cost: MicroLF = 0
    version: int = 0


GateBody = Resonated | ReadingChanged | Weighed | Slumbering
NerveBody = OutcomeJudged | CameLate | HealthChanged
RackBody = OrganAsked | OrganAnswered | ModelMoved
