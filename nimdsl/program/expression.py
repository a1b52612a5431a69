"""Checked expressions: a tree, its type, and what its names mean."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from nimdsl.base.diagnostics import NOWHERE, Place
from nimdsl.expression import syntax
from nimdsl.expression.check import Scope
from nimdsl.expression.evaluate import Closure, Environment, closure
from nimdsl.expression.types import ANY, Type


@dataclass(frozen=True)
class Expression:
    """A checked expression.  ``evaluate(environment)`` gives its value or raises Fault.

    ``wanted`` is the type of the place that it is for, where ``type`` does not prove that it fits.
    """

    node: syntax.ExpressionNode
    type: Type
    scope: Scope = field(compare=False, repr=False)
    place: Place = field(default=NOWHERE, compare=False, repr=False)
    wanted: Type = ANY
    _closure: list[Closure] = field(default_factory=list, compare=False, repr=False)

    def evaluate(self, environment: Environment) -> Any:
        """The value in ``environment``; what is more than a literal is compiled on first use."""
        if not self._closure:
            if isinstance(self.node, syntax.Literal) and self.wanted == ANY:
                return self.node.value
            self._closure.append(closure(self.node, self.scope, self.wanted))
        return self._closure[0](environment)

    @property
    def is_constant(self) -> bool:
        """Whether it has the same value in every environment: it reads nothing but constants."""
        return syntax.free_names(self.node) <= {*self.scope.constants}

    @cached_property
    def roots(self) -> frozenset[str]:
        """The roots of the environment below which it reads something."""
        names = self.scope.names
        return frozenset(names[one].path[0] for one in _names(self.node) if one in names)

    def reads(self, root: str) -> bool:
        """Whether it reads something below this root of the environment."""
        return root in self.roots

    def where(self, name: str, value: syntax.Literal) -> Expression:
        """The same with one of its names a constant."""
        names = {key: one for key, one in self.scope.names.items() if key != name}
        scope = Scope(names, {**self.scope.constants, name: value})
        return Expression(self.node, self.type, scope, self.place, self.wanted)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_closure": []}

    def to_data(self) -> Any:
        """Equal for expressions that compute the same: the tree, and what its names mean.

        A constant appears with its value, any other name with its path and its type: the type
        decides what an operator does.  So does the type of a place that it does not prove to fit.
        """
        used = sorted(_names(self.node))
        constants = {n: self.scope.constants[n].value for n in used if n in self.scope.constants}
        bound = {n: self.scope.names[n] for n in used if n in self.scope.names and n not in constants}
        names = {name: [list(one.path), one.type.to_data()] for name, one in bound.items()}
        place = [] if self.wanted == ANY else [self.wanted.to_data()]
        return [syntax.to_data(self.node), constants, names, *place]


def _names(node: syntax.ExpressionNode) -> frozenset[str]:
    """Every name that stands in it, bound or not."""
    found, waiting = set[str](), [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, syntax.Name):
            found.add(one.name)
        else:
            waiting += syntax.children(one)
    return frozenset(found)
