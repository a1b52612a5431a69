"""What can a set of conditions be?  Cases, with a witness for each.

A condition is cut into terms: what is compared with constants is tried below,
at, between and above them; two things compared with each other are tried
less, equal and greater; everything else is tried true and false.  A division by
what can be 0 and an item of what can be empty have no value there, and a guard
without a value does not hold.  For comparisons with constants that is complete;
what is opaque is taken to be free.  Beyond ``CASE_COUNT_MAX`` combinations nothing is claimed.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from nimdsl.base import canonical
from nimdsl.base.units import MICRO
from nimdsl.checks.partial import Partial, bounds, partials
from nimdsl.expression.check import infer
from nimdsl.expression.evaluate import Fault, closure
from nimdsl.expression.syntax import (
    Binary,
    Call,
    ExpressionNode,
    Field,
    Index,
    ListOf,
    Literal,
    Macro,
    Name,
    Unary,
    children,
    to_data,
    unparse,
)
from nimdsl.expression.types import INT, REAL, SHARE
from nimdsl.program.expression import Expression

CASE_COUNT_MAX = 4_096

Case = Mapping[str, Any]
Domains = Mapping[str, Sequence[int]]
Test = Callable[[Case], bool | None]
"""Whether a condition is true in a case; None: it has no value."""
Compared = tuple[ExpressionNode | None, str, list[tuple[Any, Any]]]
"""The term that a comparison tests against constants, its key, and the constants with their type."""

_ORDER = {
    "==": (0,),
    "!=": (-1, 1),
    "<": (-1,),
    "<=": (-1, 0),
    ">": (1,),
    ">=": (1, 0),
}


class Cases:
    """The cases of some conditions.  ``domains`` gives the values that a name can have."""

    def __init__(self, guards: Sequence[Expression], domains: Domains | None = None) -> None:
        self.guards = guards
        self.domains = domains or {}
        self.points: dict[str, list[Any]] = {}
        self.shown: dict[str, str] = {}
        self.undefined: dict[str, list[tuple[str, Partial]]] = {}
        self.bounds: dict[str, tuple[Any, Any]] = {}
        self._comparisons: dict[int, Compared] = {}
        for guard in guards:
            self._collect(guard.node, guard)
        self.points = {key: self._within(key, self._samples(values)) for key, values in self.points.items()}

    @cached_property
    def tests(self) -> list[Test]:
        """The guards, to be tried in cases; wanted only where these can be tried."""
        return [self._compile(guard.node, guard) for guard in self.guards]

    @property
    def tractable(self) -> bool:
        """Whether all cases can be tried."""
        count = 1
        for values in self.points.values():
            count *= len(values)
        return count <= CASE_COUNT_MAX

    def all(self) -> Iterator[Case]:
        """Every combination."""
        for values in itertools.product(*self.points.values()):
            yield dict(zip(self.points, values, strict=True))

    def holds(self, number: int, case: Case) -> bool:
        """Whether the guard of that number is true in the case."""
        return bool(self.tests[number](case))

    def describe(self, case: Case) -> str:
        """The case in words: ``event.noise is 0.2``."""
        parts = []
        for key, value in case.items():
            if self._faults(key, case):
                continue
            text = self.shown[key]
            parts.append(
                text.format(_WORDS.get(value, value)) if "{}" in text else f"{text} is {_shown(value)}"
            )
        return ", ".join(parts)

    # Terms

    def _collect(self, node: ExpressionNode, guard: Expression) -> None:
        if isinstance(node, Literal):
            return
        if isinstance(node, Unary) and node.operator == "!":
            self._collect(node.operand, guard)
        elif isinstance(node, Binary) and node.operator in ("&&", "||"):
            self._collect(node.left, guard)
            self._collect(node.right, guard)
        elif self._grounded(node):
            for name in sorted(_names(node)):
                self.points[name] = list(self.domains[name])
                self.shown[name] = name
        else:
            self._term(node, guard)

    def _compared(self, node: ExpressionNode, guard: Expression) -> Compared:
        found = self._comparisons.get(id(node))
        if found is None:
            term, constants = _compared(node, guard)
            key = _key(term) if term is not None else ""
            found = self._comparisons[id(node)] = term, key, constants
        return found

    def _term(self, node: ExpressionNode, guard: Expression) -> None:
        term, key, constants = self._compared(node, guard)
        if term is not None:
            ordered = isinstance(node, Binary) and node.operator in ("<", "<=", ">", ">=")
            self._at(term, key, guard, [value for value, _ in constants], ordered)
        elif isinstance(node, Binary) and node.operator in _ORDER:
            key, _ = _pair(node)
            self.points[key] = [-1, 0, 1]
            self.shown[key] = f"{unparse(node.left)} {{}} {unparse(node.right)}"
        else:
            key = _key(node)
            self.points.setdefault(key, []).append(("at", True, "plain"))
            self.shown[key] = f"`{unparse(node)}`"
        self.undefined[key] = [found for one in partials(node) for found in self._partial(one, guard)]

    def _at(
        self, term: ExpressionNode, key: str, guard: Expression, values: list[Any], ordered: bool
    ) -> None:
        """Tries a term at some values, and near them."""
        self.shown[key] = unparse(term)
        kind: Any = infer(term, guard.scope)[0]
        known = self.points.setdefault(key, [])
        known += [("at", value, REAL if kind == REAL else ordered) for value in values]
        self.bounds[key] = bounds(term, lambda part: _number(part, guard))

    def _partial(self, partial: Partial, guard: Expression) -> list[tuple[str, Partial]]:
        """The term that decides whether an operator has a value; empty if it never has one."""
        if _is_constant(partial.term, guard):
            value = _number(partial.term, guard)
            return [("", partial)] if value is not None and partial.faults(value) else []
        key = _key(partial.term)
        self._at(partial.term, key, guard, [partial.at], ordered=True)
        return [(key, partial)]

    def _faults(self, key: str, case: Case) -> bool:
        """Whether a term has no value in a case."""
        return any(
            not deciding or (deciding in case and partial.faults(case[deciding]))
            for deciding, partial in self.undefined.get(key, ())
        )

    def _within(self, key: str, samples: list[Any]) -> list[Any]:
        least, most = self.bounds.get(key, (None, None))
        if least is None and most is None:
            return samples
        reached = {*samples, *({least, most} - {None})}
        return sorted(
            one for one in reached if (least is None or one >= least) and (most is None or one <= most)
        )

    def _grounded(self, node: ExpressionNode) -> bool:
        if not self.domains:
            return False
        names = _names(node)
        compared = isinstance(node, Binary) and node.operator in _ORDER
        plain = not any(isinstance(part, Field | Macro | Call) for part in _walk(node))
        return bool(names) and compared and plain and names <= set(self.domains)

    @staticmethod
    def _samples(values: list[Any]) -> list[Any]:
        if not values or not isinstance(values[0], tuple):
            return values
        constants = [value for _, value, _ in values]
        if all(isinstance(value, bool) for value in constants):
            return [True, False]
        if not all(isinstance(value, int | float) for value in constants):
            unique = list(dict.fromkeys(map(str, constants)))
            if any(ordered is True for _, _, ordered in values):
                return sorted({"", *unique, *(text + "\0" for text in unique)})
            return [*unique, _other(unique)]
        ordered = sorted(set(constants))
        if values[0][2] == REAL:
            between = [(a + b) / 2 for a, b in itertools.pairwise(ordered)]
            return sorted({ordered[0] - 1.0, *ordered, *between, ordered[-1] + 1.0})
        return sorted({near for value in ordered for near in (value - 1, value, value + 1)})

    # Values

    def _compile(self, node: ExpressionNode, guard: Expression) -> Test:
        if isinstance(node, Literal):
            value = node.value
            return lambda _: bool(value)
        if isinstance(node, Unary) and node.operator == "!":
            operand = self._compile(node.operand, guard)
            return lambda case: None if (value := operand(case)) is None else not value
        if isinstance(node, Binary) and node.operator in ("&&", "||"):
            left, right = self._compile(node.left, guard), self._compile(node.right, guard)
            if node.operator == "&&":
                return lambda case: right(case) if (value := left(case)) else value
            return lambda case: right(case) if (value := left(case)) is False else value
        return self._compile_term(node, guard)

    def _compile_term(self, node: ExpressionNode, guard: Expression) -> Test:
        if self._grounded(node):
            return lambda case: _ground_value(node, guard, case)
        term, key, constants = self._compared(node, guard)
        if term is not None:
            compare = _comparison(node, guard, [value for value, _ in constants])
            return lambda case: None if self._faults(key, case) else compare(case[key])
        if isinstance(node, Binary) and node.operator in _ORDER:
            pair, sign = _pair(node)
            wanted = _ORDER[node.operator]
            return lambda case: None if self._faults(pair, case) else case[pair] * sign in wanted
        opaque = _key(node)
        return lambda case: None if self._faults(opaque, case) else bool(case[opaque])


_WORDS = {-1: "is less than", 0: "equals", 1: "is greater than"}


def _shown(value: Any) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else repr(value)


def _other(known: list[str]) -> str:
    return "something else" if "something else" not in known else "another" + "".join(known)


def _key(node: ExpressionNode) -> str:
    return canonical.encode(to_data(node)).decode()


def _pair(node: Binary) -> tuple[str, int]:
    left, right = _key(node.left), _key(node.right)
    return (f"{left}~{right}", 1) if left <= right else (f"{right}~{left}", -1)


def _walk(node: ExpressionNode) -> Iterator[ExpressionNode]:
    waiting = [node]
    while waiting:
        one = waiting.pop()
        yield one
        waiting += children(one)


def _names(node: ExpressionNode) -> set[str]:
    return {part.name for part in _walk(node) if isinstance(part, Name)}


def _is_constant(node: ExpressionNode, guard: Expression) -> bool:
    if isinstance(node, Literal):
        return True
    constants = guard.scope.constants
    if isinstance(node, Name):
        return node.name in constants
    return not isinstance(node, Macro) and _names(node) <= constants.keys()


def _compared(
    node: ExpressionNode, guard: Expression
) -> tuple[ExpressionNode | None, list[tuple[Any, Any]]]:
    if not isinstance(node, Binary) or (node.operator not in _ORDER and node.operator != "in"):
        return None, []
    sides = (node.left, node.right) if not _is_constant(node.left, guard) else (node.right, node.left)
    term, fixed = sides
    if not _is_constant(fixed, guard) or _is_constant(term, guard):
        return None, []
    if node.operator == "in":
        if not isinstance(node.right, ListOf) or term is not node.left:
            return None, []
        found = [_constant(item, guard) for item in node.right.items]
        return (term, found) if all(kind for _, kind in found) else (None, [])
    value, kind = _constant(fixed, guard)
    if kind is None:
        return None, []
    share = fixed.type if isinstance(fixed, Literal) else infer(fixed, guard.scope)[0]
    if share == SHARE and infer(term, guard.scope)[0] == REAL:
        value, kind = value / MICRO, REAL
    return term, [(value, kind)]


def _constant(node: ExpressionNode, guard: Expression) -> tuple[Any, Any]:
    try:
        value = node.value if isinstance(node, Literal) else closure(node, guard.scope)({})
    except Fault:
        return None, None
    if isinstance(value, bool | str):
        return value, "plain"
    if isinstance(value, int | float):
        return value, REAL if isinstance(value, float) else INT
    return None, None


def _number(node: ExpressionNode, guard: Expression) -> Any:
    """The number that a constant is; None for everything else."""
    value = _constant(node, guard)[0] if _is_constant(node, guard) else None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _comparison(node: ExpressionNode, guard: Expression, constants: list[Any]) -> Callable[[Any], bool]:
    assert isinstance(node, Binary)
    if node.operator == "in":
        return lambda value: value in constants
    constant, wanted = constants[0], _ORDER[node.operator]
    if _is_constant(node.left, guard):
        return lambda value: _sign(constant, value) in wanted
    return lambda value: _sign(value, constant) in wanted


def _sign(left: Any, right: Any) -> int:
    return 0 if left == right else (-1 if left < right else 1)


def _ground_value(node: ExpressionNode, guard: Expression, case: Case) -> bool | None:
    environment: dict[str, Any] = {}
    for name in _names(node):
        inner = environment
        *path, last = guard.scope.names[name].path
        for key in path:
            inner = inner.setdefault(key, {})
        inner[last] = case[name]
    try:
        return bool(closure(node, guard.scope)(environment))
    except Fault:
        return None


def uncovered(guards: Sequence[Expression], without_value: bool = True) -> str | None:
    """A case in which none of the guards holds, in words; None when there is none to be found.

    With ``without_value`` also one in which a guard has no value.
    """
    cases = Cases(guards)
    if not cases.tractable:
        return None
    for case in cases.all():
        found = [test(case) for test in cases.tests]
        if not any(found) and (without_value or None not in found):
            return cases.describe(case)
    return None


def shadowed(guards: Sequence[Expression | None]) -> list[int]:
    """The candidates that can never be taken, because an earlier one always is."""
    if len(guards) == 1 and guards[0] is None:
        return []
    if None in guards:
        first = guards.index(None)
        late = list(range(first + 1, len(guards)))
    else:
        first, late = len(guards), []
    before = [guard for guard in guards[:first] if guard is not None]
    cases = Cases(before)
    if not cases.tractable:
        return late
    taken: set[int] = set()
    sure = [number for number, guard in enumerate(before) if not may_fault(guard.node)]
    for case in cases.all():
        holding = [number for number in range(len(before)) if cases.holds(number, case)]
        taken.update(holding[:1])
        taken.update([number for number in holding if number in sure][:1])
        if len(taken) == len(before):
            break
    return [*(number for number in range(len(before)) if number not in taken), *late]


def may_fault(node: ExpressionNode) -> bool:
    """Whether evaluation can have no value, so that the guard is false whatever its terms are."""
    return any(
        isinstance(part, Index | Macro)
        or (isinstance(part, Binary) and part.operator == "/")
        or (isinstance(part, Call) and part.name == "first")
        for part in _walk(node)
    )


def possible(guard: Expression, domains: Domains, legal: Callable[[Case], bool]) -> bool:
    """Whether the condition can be true in a legal case, with names that stay in their domains."""
    cases = Cases([guard], domains)
    return not cases.tractable or any(cases.holds(0, case) for case in cases.all() if legal(case))
