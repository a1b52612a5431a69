"""What a step is given and what it leads to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from nimdsl.program import Actor, Schema
from runtime.kernel.effects import AnyEffect
from runtime.kernel.events import BEGIN, Begin
from runtime.kernel.interpreters import Interpreter
from runtime.kernel.snapshot import Snapshot
from runtime.ledger.accounts import Question
from runtime.records import Noted


class LookedAt(NamedTuple):
    """A row whose turn it is in a step: what its guard reads, and how many records there are so far."""

    row: int
    environment: Mapping[str, object]
    record_count: int


@dataclass(frozen=True, slots=True)
class Kernel:
    """What steps of one actor share: its document, its interpreter, the schemas it reads."""

    actor: Actor
    interpreter: Interpreter
    schemas: Mapping[str, Schema]
    program: str = ""
    """Hash of the program that the actor belongs to; the journal names it in every line accepted."""
    day_ns: int = 0
    """How far the day (UTC) was when garden time began, ns: :func:`day_of` of the run's epoch."""
    economy: str = ""
    """The name of the scenario's own economy."""
    attention: str = ""
    """The id of the scenario's attention; empty for none."""
    again_ns: int = 0
    """How long after it has told attention that it is open a gate does so again: half of her beat."""
    nerves: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The ids of the nerves that act on the openings of a gate, by the gate's name."""
    racks: Mapping[str, str] = field(default_factory=dict)
    """By organ the id of the rack where it lives."""
    begins: Begin = BEGIN
    """The event by which a driver lets it begin; no step reads it from here."""
    watch: Callable[[LookedAt], None] | None = None
    """Who is told of each row that is looked at; no step reads anything of it."""


def day_of(epoch: str) -> int:
    """How far the day is at an epoch (``2026-01-01T06:00:00Z``), ns since midnight UTC."""
    moment = datetime.fromisoformat(epoch.replace("Z", "+00:00")).astimezone(UTC)
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return (moment - midnight) // timedelta(microseconds=1) * 1_000


class PriceDecision(NamedTuple):
    """The economy's answer to one PriceQuery; ``balance`` is the pool's, in micro-LF.

    Of a refusal it is that of the ``purse`` that could not pay; the scenario's own where it is empty.
    """

    granted: bool
    balance: int
    purse: str = ""


@dataclass(frozen=True, slots=True)
class PriceQuery:
    """The step waits for the economy; ask it ``command`` and step again with the answer appended."""

    command: Question


class Unanswered(Exception):  # noqa: N818
    """The step ends with a question."""

    def __init__(self, need: PriceQuery) -> None:
        self.need = need


AskPrice = Callable[[Question], PriceDecision]
"""An economy that answers on the spot."""


class Step(NamedTuple):
    """What a step leads to."""

    snapshot: Snapshot
    effects: tuple[AnyEffect, ...]
    records: tuple[Noted, ...]
