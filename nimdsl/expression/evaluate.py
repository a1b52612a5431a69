"""From a checked tree to a closure: how an expression gets its value.

An environment is a mapping from root names to plain values; a scope's binding
says where in it a name lives.  Whatever cannot be computed (a missing field,
a division by zero, an index out of range, an overflow, a real that is not
finite) raises :class:`Fault`, which the kernel turns into false and a record
(SEMANTICS 1.3).
"""

from __future__ import annotations

import math
import operator as python
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from nimdsl.base.units import INT64_MAX, MICRO
from nimdsl.expression import untyped
from nimdsl.expression.check import Binding, Scope, kinds_of
from nimdsl.expression.conversion import Converter, converter
from nimdsl.expression.functions import FUNCTIONS, as_text, real_of
from nimdsl.expression.syntax import (
    Binary,
    Call,
    Conditional,
    ExpressionNode,
    Field,
    Index,
    ListOf,
    Literal,
    Macro,
    Name,
    RecordOf,
    Text,
    Unary,
    children,
)
from nimdsl.expression.types import (
    ANY,
    BOOL,
    EMPTY,
    INT,
    NUMERIC,
    QUANTITIES,
    REAL,
    SCALARS,
    SHARE,
    Type,
    element_of,
    join,
)

Environment = Mapping[str, Any]
Closure = Callable[[Environment], Any]


LENGTH_MAX = 1 << 20
"""The longest text or list that an expression may make."""


VALUE_SIZE_MAX = 1 << 20
"""The most items and characters of a value that is kept."""
STEP_COUNT_MAX = 1_000_000
"""How much work one evaluation may be: a step for each part of a macro's body and each item of its list,
and for each item of a list that a function or an operator walks."""
_ENCODED_STEPS = 16
"""Steps of an item that is written down to be compared."""
_TEXT_STEP = 64
"""Characters of text that make a step."""


class Fault(Exception):  # noqa: N818
    """The expression has no value here; the text says why."""


class _Steps:
    """The work that is left to one evaluation."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = STEP_COUNT_MAX

    def take(self, count: int) -> None:
        """Counts so many steps."""
        self.left -= count
        if self.left < 0:
            raise Fault(f"it takes more than {STEP_COUNT_MAX:,} steps")

    def encode(self, value: Any) -> Any:
        """Counts what it takes to write a value down."""
        if isinstance(value, list):
            self.take(len(value) * _ENCODED_STEPS)
        return value

    def walk(self, value: Any) -> Any:
        """Counts what it takes to walk a value once."""
        if isinstance(value, list | dict):
            self.take(len(value))
        elif isinstance(value, str):
            self.take(len(value) // _TEXT_STEP)
        return value


def closure(node: ExpressionNode, scope: Scope, wanted: Type = ANY) -> Closure:
    """The function that computes ``node`` as a ``wanted``; it raises Fault and nothing else."""
    compiler = _Compiler(node, scope)
    inner = compiler.compile(node, scope)
    kind = compiler.kind(node)
    if (kind.element or kind) not in (*NUMERIC, BOOL) and _repeats(node):
        inner = _converted(inner, _bounded)
    inner = _converted(inner, converter(wanted, kind))
    steps = compiler.steps

    def evaluate(environment: Environment) -> Any:
        steps.left = STEP_COUNT_MAX
        try:
            return inner(environment)
        except Fault:
            raise
        except (KeyError, IndexError, TypeError, ValueError, ArithmeticError, AttributeError) as problem:
            raise Fault(_reason(problem)) from None

    return evaluate


def _reason(problem: Exception) -> str:
    match problem:
        case KeyError():
            return f"no field {problem.args[0]!r}"
        case IndexError():
            return "index out of range"
        case ZeroDivisionError():
            return "division by zero"
    return str(problem) or type(problem).__name__


class _Compiler:
    """Closures for the parts of one tree, by the types that these have."""

    def __init__(self, node: ExpressionNode, scope: Scope) -> None:
        self._kinds = kinds_of(node, scope)
        self.steps = _Steps()

    def kind(self, node: ExpressionNode) -> Type:
        return self._kinds[id(node)]

    def compile(self, node: ExpressionNode, scope: Scope) -> Closure:
        match node:
            case Literal(value=value):
                return lambda _: value
            case Name():
                return _name(node, scope)
            case Field(name=name):
                target = self.compile(node.target, scope)
                return lambda environment: target(environment)[name]
            case Index():
                return self._index(node, scope)
            case Unary():
                return self._unary(node, scope)
            case Binary():
                return self._binary(node, scope)
            case Conditional():
                test, (yes, no) = self._truth(node.test, scope), self._joined((node.yes, node.no), scope)
                return lambda environment: yes(environment) if test(environment) else no(environment)
            case Call():
                return self._call(node, scope)
            case Macro():
                return self._macro(node, scope)
            case ListOf():
                items = self._joined(node.items, scope)
                return lambda environment: [item(environment) for item in items]
            case RecordOf():
                fields = [(key, self.compile(part, scope)) for key, part in node.fields]
                return lambda environment: {key: part(environment) for key, part in fields}
            case Text():
                return self._text(node, scope)
        raise TypeError(f"no rule for {node}")

    def _joined(self, nodes: Sequence[ExpressionNode], scope: Scope) -> list[Closure]:
        """Closures of parts that stand for one type: ints become reals where a real is among them."""
        parts = [self.compile(node, scope) for node in nodes]
        kinds = [self.kind(node) for node in nodes]
        whole: Type | None = EMPTY
        for kind in kinds:
            whole = whole and join(whole, kind)
        if whole is None:
            return parts
        return [_converted(part, converter(whole, kind)) for part, kind in zip(parts, kinds, strict=True)]

    def _truth(self, node: ExpressionNode, scope: Scope) -> Closure:
        return _converted(self.compile(node, scope), None if self.kind(node) == BOOL else untyped.truth)

    def _index(self, node: Index, scope: Scope) -> Closure:
        target, index = self.compile(node.target, scope), self.compile(node.index, scope)
        loose = ANY in (self.kind(node.target), self.kind(node.index))
        pick_from: Callable[[Any, Any], Any] = untyped.picked if loose else python.getitem

        def pick(environment: Environment) -> Any:
            position = index(environment)
            if isinstance(position, int) and position < 0:
                raise IndexError
            return pick_from(target(environment), position)

        return pick

    def _unary(self, node: Unary, scope: Scope) -> Closure:
        if node.operator == "!":
            test = self._truth(node.operand, scope)
            return lambda environment: not test(environment)
        operand = self.compile(node.operand, scope)
        negated = untyped.negated if self.kind(node.operand) == ANY else python.neg
        return lambda environment: _checked(negated(operand(environment)))

    def _binary(self, node: Binary, scope: Scope) -> Closure:
        if node.operator in ("&&", "||"):
            first, second = self._truth(node.left, scope), self._truth(node.right, scope)
            if node.operator == "&&":
                return lambda environment: first(environment) and second(environment)
            return lambda environment: first(environment) or second(environment)
        left, right = self.compile(node.left, scope), self.compile(node.right, scope)
        kinds = self.kind(node.left), self.kind(node.right)
        known = node.operator in _COMPARE and all(kind.name in SCALARS for kind in kinds)
        if not known and not all(kind in NUMERIC for kind in kinds):
            return self._walking(node.operator, (left, right), kinds)
        if node.operator in _COMPARE:
            compare = _comparison(node.operator, *kinds)
            return lambda environment: compare(left(environment), right(environment))
        compute = arithmetic(node.operator, *kinds)
        return lambda environment: _checked(compute(left(environment), right(environment)))

    def _walking(self, operator: str, parts: tuple[Closure, Closure], kinds: tuple[Type, Type]) -> Closure:
        """An operator that looks at the items of lists, or puts lists or texts together."""
        (left, right), steps = parts, self.steps
        if operator == "in" and all(map(untyped.is_typed, kinds)):

            def contained(environment: Environment) -> bool:
                items = right(environment)
                steps.take(len(items))
                return left(environment) in items

            return contained
        compute = _comparison(operator, *kinds) if operator in _COMPARE else arithmetic(operator, *kinds)
        walk = steps.walk
        return lambda environment: _checked(compute(walk(left(environment)), walk(right(environment))))

    def _call(self, node: Call, scope: Scope) -> Closure:
        if node.name == "has":
            return self._has(node.arguments[0], scope)
        function = FUNCTIONS[node.name]
        arguments = self._joined(node.arguments, scope)
        kinds = tuple(self.kind(argument) for argument in node.arguments)
        if node.name != "size":
            walk = self.steps.encode if node.name == "distinct" else self.steps.walk
            arguments = [
                part if kind in NUMERIC else _converted(part, walk)
                for part, kind in zip(arguments, kinds, strict=True)
            ]
        if not all(map(untyped.is_typed, kinds)):
            return _untyped_call(node.name, kinds, arguments)
        compute = function.compute
        if function.typed:
            return lambda environment: _checked(compute(kinds, *(part(environment) for part in arguments)))
        return lambda environment: _checked(compute(*(part(environment) for part in arguments)))

    def _has(self, node: ExpressionNode, scope: Scope) -> Closure:
        assert isinstance(node, Field)
        target, name = self.compile(node.target, scope), node.name
        return lambda environment: name in untyped.fields_of(target(environment))

    def _macro(self, node: Macro, scope: Scope) -> Closure:
        variable = node.variable
        target = self.compile(node.target, scope)
        target = _converted(target, untyped.listed if self.kind(node.target) == ANY else None)
        inner = Scope(
            {**scope.names, variable: Binding(element_of(self.kind(node.target)), (variable,))},
            {name: value for name, value in scope.constants.items() if name != variable},
        )
        body = self.compile(node.body, inner) if node.kind == "map" else self._truth(node.body, inner)

        take, weight = self.steps.take, _weight(node.body)

        def values(environment: Environment) -> list[tuple[Any, Any]]:
            items = target(environment)
            take(weight * len(items))
            return [(item, body({**environment, variable: item})) for item in items]

        return {
            "map": lambda environment: [value for _, value in values(environment)],
            "filter": lambda environment: [item for item, value in values(environment) if value],
            "all": lambda environment: all(value for _, value in values(environment)),
            "exists": lambda environment: any(value for _, value in values(environment)),
        }[node.kind]

    def _text(self, node: Text, scope: Scope) -> Closure:
        parts = [self._part(part, scope) for part in node.parts]
        return lambda environment: _checked("".join(part(environment) for part in parts))

    def _part(self, node: ExpressionNode, scope: Scope) -> Closure:
        kind, part = self.kind(node), self.compile(node, scope)
        part = part if kind in NUMERIC else _converted(part, self.steps.walk)
        if not untyped.is_typed(kind):
            return _untyped_call("string", (kind,), [part])
        return lambda environment: as_text((kind,), part(environment))


def _repeats(node: ExpressionNode) -> bool:
    """Whether a value can stand in the result more often than the expression says."""
    return isinstance(node, Macro) or any(map(_repeats, children(node)))


def _bounded(value: Any) -> Any:
    if exceeds(value, VALUE_SIZE_MAX):
        raise Fault(f"the result has more than {VALUE_SIZE_MAX:,} items and characters")
    return value


def exceeds(value: Any, size: int) -> bool:
    """Whether plain data has more than so many items and characters; what it has twice counts twice."""
    left, waiting = size, [value]
    while waiting and left >= 0:
        one = waiting.pop()
        if isinstance(one, str):
            left -= len(one)
        elif isinstance(one, list | dict):
            left -= len(one)
            if left >= 0:
                waiting.extend(one if isinstance(one, list) else one.values())
    return left < 0


def _weight(node: ExpressionNode) -> int:
    """How many parts a body has; those of a macro in it count for themselves."""
    inner = (node.target,) if isinstance(node, Macro) else children(node)
    return 1 + sum(map(_weight, inner))


def _converted(part: Closure, convert: Converter | None) -> Closure:
    return part if convert is None else lambda environment: convert(part(environment))


def _untyped_call(name: str, kinds: tuple[Type, ...], arguments: Sequence[Closure]) -> Closure:
    """A call whose rule is asked anew with the types that the values show."""
    function = FUNCTIONS[name]

    def call(environment: Environment) -> Any:
        values = [part(environment) for part in arguments]
        shown = tuple(
            kind if untyped.is_typed(kind) else untyped.kind_of(value)
            for kind, value in zip(kinds, values, strict=True)
        )
        if function.rule(*shown) is None:
            raise Fault(f"`{name}` does not take {', '.join(map(str, shown))}")
        return _checked(function.compute(shown, *values) if function.typed else function.compute(*values))

    return call


def _name(node: Name, scope: Scope) -> Closure:
    if node.name in scope.constants:
        constant = scope.constants[node.name].value
        return lambda _: constant
    root, *path = scope.names[node.name].path
    if not path:
        return lambda environment: environment[root]
    if len(path) == 1:
        only = path[0]
        return lambda environment: environment[root][only]

    def follow(environment: Environment) -> Any:
        value = environment[root]
        for key in path:
            value = value[key]
        return value

    return follow


def _checked(value: Any) -> Any:
    """Numbers within their range; a real is finite and never negative zero."""
    if isinstance(value, float):
        if not math.isfinite(value):
            raise Fault("the result is not a finite number")
        return value + 0.0
    if isinstance(value, int):
        if not -INT64_MAX - 1 <= value <= INT64_MAX:
            raise Fault("the result does not fit in 64 bits")
    elif isinstance(value, str | list) and len(value) > LENGTH_MAX:
        raise Fault(f"the result is longer than {LENGTH_MAX}")
    return value


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": python.eq,
    "!=": python.ne,
    "<": python.lt,
    "<=": python.le,
    ">": python.gt,
    ">=": python.ge,
    "in": lambda item, items: item in items,
}


def _part(kind: Type) -> int:
    """How many of its units make one."""
    return MICRO if kind == SHARE else 1


def _comparison(operator: str, left: Type, right: Type) -> Callable[[Any, Any], Any]:
    if {left, right} == {INT, REAL}:
        exact = _COMPARE[operator]
        return lambda a, b: exact(real_of(a), real_of(b))
    if {left, right} == {REAL, SHARE}:
        exact, of_left, of_right = _COMPARE[operator], _part(left), _part(right)
        return lambda a, b: exact(Fraction(a) / of_left, Fraction(b) / of_right)
    if untyped.is_typed(left) and untyped.is_typed(right):
        return _COMPARE[operator]
    meeting = untyped.has_unit(left) != untyped.has_unit(right)
    return untyped.unitless if meeting else untyped.OPERATORS[operator]


def arithmetic(operator: str, left: Type, right: Type) -> Callable[[Any, Any], Any]:
    """What ``operator`` computes on values of these types; quantities round half to even."""
    if ANY in (left, right):
        unit = untyped.has_unit(left) or untyped.has_unit(right)
        return untyped.unitless if unit else untyped.OPERATORS[operator]
    if REAL in (left, right) and not {left, right} & set(QUANTITIES):
        compute = {"+": python.add, "-": python.sub, "*": python.mul, "/": python.truediv}[operator]
        return lambda a, b: compute(real_of(a), real_of(b))
    if operator in "+-":
        return python.add if operator == "+" else python.sub
    if operator == "*":
        if REAL not in (left, right) and SHARE not in (left, right):
            return python.mul
        scale = MICRO if SHARE in (left, right) and {left, right} & set(QUANTITIES) else 1
        scale = 1 if {left, right} in ({SHARE, INT}, {SHARE, REAL}) else scale
        return lambda a, b: _scaled(Fraction(a) * Fraction(b) / scale)
    if left in QUANTITIES and left == right:
        return python.truediv
    if left in QUANTITIES:
        return lambda a, b: _scaled(Fraction(a) / Fraction(b))
    return untyped.truncated


def _scaled(value: Fraction) -> int:
    return round(value)
