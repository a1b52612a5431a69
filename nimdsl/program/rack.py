"""Racks: the cards of one host of a garden, as one actor (SEMANTICS 9).

No document is a rack, and no program contains one: it is made of the program's organs for the hosts of the
garden that a scenario runs in.  Its cards are not in it either: they come in its first event.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from nimdsl.expression.types import DURATION
from nimdsl.program.actor import SLEEP_EVENTS, Actor
from nimdsl.program.garden import Card, CardHost
from nimdsl.program.machine import State
from nimdsl.program.organ import Organ
from nimdsl.program.work import Distribution, Work, WorkModel

RACK = "rack"
"""The first part of its id."""
LOAD, SERVE, UNLOAD, TRAIN = "load", "serve", "unload", "train"


@dataclass(frozen=True)
class Rack(Actor):
    """An actor that has cards and lends them to models."""

    organs: Mapping[str, Organ] = field(default_factory=dict, kw_only=True)
    always_hears: ClassVar[tuple[str, ...]] = SLEEP_EVENTS


def rack_id(host: str) -> str:
    """The id of a host's rack."""
    return f"{RACK}/{host}"


def work_of(what: str, organ: str) -> str:
    """The name of a rack's work: loading, serving, unloading or training an organ."""
    return f"{what}-{organ}"


def rack_of(host: CardHost, organs: Iterable[Organ]) -> Rack:
    """The rack of a host for those organs that live there."""
    living = {one.name: one for one in organs}
    gone = WorkModel(Distribution("constant", (host.unload_ns,), DURATION))
    works = [
        work
        for one in living.values()
        for work in (
            Work(work_of(LOAD, one.name), {}, {}, virtual=one.load),
            Work(work_of(SERVE, one.name), one.returns, {}, virtual=one.serve),
            Work(work_of(UNLOAD, one.name), {}, {}, virtual=gone),
        )
    ]
    works += [
        Work(work_of(TRAIN, one.name), {}, {}, virtual=one.training.work)
        for one in living.values()
        if one.training is not None
    ]
    return Rack(
        kind=RACK,
        name=host.name,
        root=State("", "open", (State("open"),)),
        data={},
        tables={},
        works={work.name: work for work in works},
        organs=living,
    )


def homes_of(organ: Organ, hosts: Iterable[CardHost]) -> list[str]:
    """The hosts that have a card for an organ which is large enough."""
    return [host.name for host in hosts if any(organ_fits(organ, card) for card in host.cards)]


def organ_fits(organ: Organ, card: Card) -> bool:
    """Whether the organ may load onto the card, were it empty."""
    return (not organ.cards or card.name in organ.cards) and organ.memory_bytes <= card.memory_bytes
