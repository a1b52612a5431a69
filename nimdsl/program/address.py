"""Addresses: to whom something goes, a name that is known or one that the run computes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from nimdsl.base.values import Value
from nimdsl.expression.evaluate import Environment, Fault
from nimdsl.program.expression import Expression
from nimdsl.program.format import tagged

EVERY = "*"
"""A hole that any value fills."""
Hole = str | int | float | bool
"""What can stand in a hole of a name."""


@tagged("member")
@dataclass(frozen=True)
class Member:
    """An instance that an address can reach: its id, and what stands in each hole of its name."""

    actor: str
    values: tuple[Hole, ...]


@tagged("family")
@dataclass(frozen=True)
class FamilyAddress:
    """Members of a family, by what stands in the holes of its name.

    ``holes`` has an expression, or :data:`EVERY`, for each hole that is left open; ``members`` are those
    with the right values in the others, in the order of instances, with their values in the open ones.
    """

    text: str
    holes: tuple[Expression | str, ...]
    members: tuple[Member, ...]

    @property
    def is_broadcast(self) -> bool:
        """Whether it goes to each member that fits."""
        return EVERY in self.holes

    def reached(self, environment: Environment, sender: str) -> tuple[str, tuple[str, ...]]:
        """The pattern as the run computes it, and the ids of those who get it.

        Of a broadcast that is each but the ``sender``.  Raises Fault when nobody has such a name.
        """
        wanted = [one if isinstance(one, str) else _scalar(one.evaluate(environment)) for one in self.holes]
        key = tuple(_typed(one) for one, hole in zip(wanted, self.holes, strict=True) if hole != EVERY)
        pattern = self._pattern(wanted)
        found = self._by_key.get(key)
        if found is None:
            raise Fault(f"there is no `{pattern}`")
        return pattern, tuple(one for one in found if not self.is_broadcast or one != sender)

    @cached_property
    def _by_key(self) -> Mapping[tuple[object, ...], tuple[str, ...]]:
        closed = [number for number, hole in enumerate(self.holes) if hole != EVERY]
        found: dict[tuple[object, ...], tuple[str, ...]] = {}
        for one in self.members:
            key = tuple(_typed(one.values[number]) for number in closed)
            found[key] = (*found.get(key, ()), one.actor)
        return found

    def _pattern(self, values: list[Hole]) -> str:
        """The text with the values in its holes, of which each is a NUL."""
        parts = self.text.split("\0")
        told = ["true" if one is True else "false" if one is False else str(one) for one in values]
        return parts[0] + "".join(value + part for value, part in zip(told, parts[1:], strict=True))


@tagged("origin")
@dataclass(frozen=True)
class OriginAddress:
    """Whoever sent the event at hand."""


Address = str | FamilyAddress | OriginAddress


def members_of(address: Address) -> tuple[str, ...]:
    """The ids that an address can reach; of the sender of an event nobody knows here who that is."""
    match address:
        case str():
            return (address,)
        case FamilyAddress():
            return tuple(one.actor for one in address.members)
    return ()


def _scalar(value: Value) -> Hole:
    if not isinstance(value, str | int | float | bool):
        raise Fault("a name is made of text and numbers")
    return value


def _typed(value: Hole) -> object:
    """Values of different types are different names."""
    return isinstance(value, bool), value
