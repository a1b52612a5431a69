"""Organs: models that load onto the cards of a host and are asked by work (SEMANTICS 9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nimdsl.base.diagnostics import NOWHERE, Place
from nimdsl.expression.types import Type
from nimdsl.program.format import tagged
from nimdsl.program.work import WorkModel

CARD_COUNT_MAX = 16
"""How many cards a host has at most."""
ORGAN_COUNT_MAX = 32
"""How many organs one run asks at most."""
QUEUE_MAX = 64
"""How many requests wait for an organ at most."""


@tagged("training")
@dataclass(frozen=True)
class Training:
    """How a model is trained, in slices of work on its card; ``price`` is that of one, micro-LF."""

    after: int
    """How many requests are served until there is a training to do."""
    slices: int = 1
    memory_bytes: int = 0
    """What a slice takes of the card beside the model."""
    attempts: int = 3
    """How many slices may fail in a row before the training is given up."""
    pause_ns: int = 30_000_000_000
    """How long no slice is asked for when the price of one was refused."""
    price: int = 0
    work: WorkModel | None = field(default=None, metadata={"hashed": False})


@tagged("organ")
@dataclass(frozen=True)
class Organ:
    """One model: what it weighs, what it returns, how long it stays, what it costs.

    Prices are micro-LF, ``warm`` micro-LF a day.  ``load`` and ``serve`` say how long both take where
    nobody does them.
    """

    name: str
    memory_bytes: int
    cards: tuple[str, ...] = ()
    """The cards that it may load onto; none: every card that is large enough."""
    returns: Mapping[str, Type] = field(default_factory=dict)
    attempts: int = 3
    """How many loads may fail in a row before it is broken."""
    backoff_ns: int = 1_000_000_000
    """How long is waited after the first failed load; after each further one twice as long."""
    cooldown_ns: int = 60_000_000_000
    """How long it is broken."""
    keep_ns: int = 60_000_000_000
    """How long it stays loaded while nobody asks."""
    queue: int = QUEUE_MAX
    batch: int = 4
    """How many later requests of equal priority it may take past one that needs its room."""
    price_load: int = 0
    price_request: int = 0
    prices: Mapping[str, int] = field(default_factory=dict)
    """Of a request, by stage; ``price_request`` for every other one."""
    warm: int = 0
    goes: bool = False
    """Whether it serves also while the economy sleeps."""
    training: Training | None = None
    load: WorkModel | None = field(default=None, metadata={"hashed": False})
    serve: WorkModel | None = field(default=None, metadata={"hashed": False})
    place: Place = field(default=NOWHERE, compare=False)

    @property
    def is_dear(self) -> bool:
        """Whether anything that becomes of it costs something."""
        trained = self.training.price if self.training is not None else 0
        return bool(self.price_load or self.price_request or self.warm or trained)

    def price_in(self, stage: str) -> int:
        """What a request costs, micro-LF."""
        return self.prices.get(stage, self.price_request)
