"""Gardens: the worlds that a program can live in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from nimdsl.base.values import Value
from nimdsl.program.work import Distribution


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


class Card(NamedTuple):
    """A card of a host: its memory, and how many models may be on it at once (0: as many as fit)."""

    name: str
    memory_bytes: int
    models_max: int = 1


@dataclass(frozen=True)
class CardHost:
    """A machine with cards; a model that is unloaded has its memory for ``unload_ns`` more."""

    name: str
    cards: tuple[Card, ...]
    unload_ns: int = 0


@dataclass(frozen=True)
class Signals:
    """What a virtual garden that explores tells a real one of the openings of ``scenario``.

    Those that are at least so sure, ``confidence``, and of the others one in ``probe``; one without an
    outcome loses ``fade`` of its confidence each beat.  Shares are millionths.
    """

    scenario: str
    confidence: int
    fade: int
    probe: int = 0


@dataclass(frozen=True)
class Garden:
    """A garden: when its clock starts, its bus, and the inventory that work can count.

    ``rate`` (garden seconds in a wall-clock second) is for real ones.
    """

    name: str
    epoch: str
    bus: BusModel
    inventory: Mapping[str, Value]
    rate: float = 1.0
    real: RealGarden | None = None
    hosts: tuple[CardHost, ...] = ()
    """Where organs live, by name."""
    signals: Signals | None = None
