"""The compiled program: what validation leaves and every garden runs.

Frozen data, a module a kind; all of it can be had from here.  ``Program.sha256`` covers exactly what a
step reads: machines, data, tables, work interfaces, schemas, economies (:mod:`nimdsl.program.format`).
Descriptions, ``virtual:`` and ``real:`` models, gardens and scenarios are not part of it (SEMANTICS 8.2).
"""

from nimdsl.program.actor import Actor
from nimdsl.program.attention import Attention, Beat, Level
from nimdsl.program.economy import Economy, Mark, Prices
from nimdsl.program.garden import BusModel, Card, CardHost, Garden, Group, RealGarden, Signals
from nimdsl.program.gate import Gate
from nimdsl.program.nerve import Nerve
from nimdsl.program.organ import Organ
from nimdsl.program.program import Program, sorted_actors
from nimdsl.program.protocol import Criterion, Handshake, Phase, Protocol
from nimdsl.program.rack import Rack
from nimdsl.program.resource import Resource
from nimdsl.program.scenario import (
    BEAT_COUNT_MAX,
    Expectation,
    Periodic,
    Poisson,
    Recorded,
    Scenario,
    StimulusSpec,
)
from nimdsl.program.schema import Schema
from nimdsl.program.work import AcquireSpec, AskSpec, Distribution, OrganSpec, Work, WorkModel

__all__ = [
    "BEAT_COUNT_MAX",
    "AcquireSpec",
    "Actor",
    "AskSpec",
    "Attention",
    "Beat",
    "BusModel",
    "Card",
    "CardHost",
    "Criterion",
    "Distribution",
    "Economy",
    "Expectation",
    "Garden",
    "Gate",
    "Group",
    "Handshake",
    "Level",
    "Mark",
    "Nerve",
    "Organ",
    "OrganSpec",
    "Periodic",
    "Phase",
    "Poisson",
    "Prices",
    "Program",
    "Protocol",
    "Rack",
    "RealGarden",
    "Recorded",
    "Resource",
    "Scenario",
    "Schema",
    "Signals",
    "StimulusSpec",
    "Work",
    "WorkModel",
    "sorted_actors",
]
