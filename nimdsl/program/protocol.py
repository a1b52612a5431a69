"""Phases and protocols."""

from __future__ import annotations

from dataclasses import dataclass, field

from nimdsl.program.actor import Actor
from nimdsl.program.expression import Expression
from nimdsl.program.format import tagged
from nimdsl.program.machine import State


@tagged("handshake")
@dataclass(frozen=True)
class Handshake:
    """A handshake of a phase, for reports."""

    name: str
    label: str


@tagged("phase")
@dataclass(frozen=True)
class Phase:
    """A phase as reports and drawings need it; what it does is in its protocol's machine."""

    name: str
    cell: str
    handshakes: tuple[Handshake, ...]
    reservation: int
    exit: str
    root: State = field(metadata={"hashed": False})


@tagged("criterion")
@dataclass(frozen=True)
class Criterion:
    """A completion criterion: its text and the expression that must hold at the end."""

    text: str
    holds: Expression


@tagged("protocol")
@dataclass(frozen=True)
class Protocol:
    """A protocol: its actor, its phases in order, its economy and its completion criteria."""

    name: str
    economy: str
    phases: tuple[Phase, ...] = field(metadata={"hashed": False})
    actor: Actor
    criteria: tuple[Criterion, ...] = field(metadata={"hashed": False})
