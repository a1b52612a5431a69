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
from nimdsl.expression.check import Binding, Scope, infer
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
)
from nimdsl.expression.types import ANY, INT, QUANTITIES, REAL, SHARE, Type

Environment = Mapping[str, Any]
Closure = Callable[[Environment], Any]


LENGTH_MAX = 1 << 20
"""The longest text or list that an expression may make."""


class Fault(Exception):  # noqa: N818
    """The expression has no value here; the text says why."""


def closure(node: ExpressionNode, scope: Scope) -> Closure:
    """The function that computes ``node``; it raises Fault and nothing else."""
    inner = _compile(node, scope)

    def evaluate(environment: Environment) -> Any:
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


def _compile(node: ExpressionNode, scope: Scope) -> Closure:
    match node:
        case Literal(value=value):
            return lambda _: value
        case Name():
            return _name(node, scope)
        case Field(name=name):
            target = _compile(node.target, scope)
            return lambda environment: target(environment)[name]
        case Index():
            return _index(node, scope)
        case Unary():
            return _unary(node, scope)
        case Binary():
            return _binary(node, scope)
        case Conditional():
            test, (yes, no) = _compile(node.test, scope), _joined((node.yes, node.no), scope)
            return lambda environment: yes(environment) if test(environment) else no(environment)
        case Call():
            return _call(node, scope)
        case Macro():
            return _macro(node, scope)
        case ListOf():
            items = _joined(node.items, scope)
            return lambda environment: [item(environment) for item in items]
        case RecordOf():
            fields = [(key, _compile(part, scope)) for key, part in node.fields]
            return lambda environment: {key: part(environment) for key, part in fields}
        case Text():
            return _text(node, scope)
    raise TypeError(f"no rule for {node}")


def _joined(nodes: Sequence[ExpressionNode], scope: Scope) -> list[Closure]:
    """Closures of parts that stand for one type: ints become reals where a real is among them."""
    kinds = [infer(node, scope)[0] for node in nodes]
    parts = [_compile(node, scope) for node in nodes]
    if REAL not in kinds:
        return parts
    return [_as_real(part) if kind == INT else part for part, kind in zip(parts, kinds, strict=True)]


def _as_real(part: Closure) -> Closure:
    return lambda environment: real_of(part(environment))


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


def _index(node: Index, scope: Scope) -> Closure:
    target, index = _compile(node.target, scope), _compile(node.index, scope)

    def pick(environment: Environment) -> Any:
        position = index(environment)
        if isinstance(position, int) and position < 0:
            raise IndexError
        return target(environment)[position]

    return pick


def _unary(node: Unary, scope: Scope) -> Closure:
    operand = _compile(node.operand, scope)
    if node.operator == "!":
        return lambda environment: not operand(environment)
    return lambda environment: _checked(-operand(environment))


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


def _binary(node: Binary, scope: Scope) -> Closure:
    left, right = _compile(node.left, scope), _compile(node.right, scope)
    if node.operator == "&&":
        return lambda environment: left(environment) and right(environment)
    if node.operator == "||":
        return lambda environment: left(environment) or right(environment)
    kinds = infer(node.left, scope)[0], infer(node.right, scope)[0]
    if node.operator in _COMPARE:
        compare = _COMPARE[node.operator]
        if set(kinds) == {INT, REAL}:
            return lambda environment: compare(real_of(left(environment)), real_of(right(environment)))
        return lambda environment: compare(left(environment), right(environment))
    compute = arithmetic(node.operator, *kinds)
    return lambda environment: _checked(compute(left(environment), right(environment)))


def arithmetic(operator: str, left: Type, right: Type) -> Callable[[Any, Any], Any]:
    """What ``operator`` computes on values of these types; quantities round half to even."""
    if ANY in (left, right):
        return _UNTYPED[operator]
    if REAL in (left, right) and not {left, right} & set(QUANTITIES):
        compute = {"+": python.add, "-": python.sub, "*": python.mul, "/": python.truediv}[operator]
        return lambda a, b: compute(real_of(a), real_of(b))
    if operator in "+-":
        return python.add if operator == "+" else python.sub
    if operator == "*":
        scale = MICRO if SHARE in (left, right) and {left, right} & set(QUANTITIES) else 1
        scale = 1 if {left, right} in ({SHARE, INT}, {SHARE, REAL}) else scale
        return lambda a, b: _scaled(Fraction(a) * Fraction(b) / scale)
    if left in QUANTITIES and left == right:
        return lambda a, b: real_of(a) / real_of(b)
    if left in QUANTITIES:
        return lambda a, b: _scaled(Fraction(a) / Fraction(b))
    return _truncated


def _divided(a: Any, b: Any) -> Any:
    return a / b if isinstance(a, float) or isinstance(b, float) else _truncated(a, b)


def _untyped(compute: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Arithmetic on values whose types only the run knows: numbers, or two of a kind to join."""

    def apply(a: Any, b: Any) -> Any:
        numbers = isinstance(a, int | float) and isinstance(b, int | float)
        joined = compute is python.add and type(a) is type(b) and isinstance(a, str | list)
        if not numbers and not joined:
            raise Fault("these values cannot be computed with")
        return compute(a, b)

    return apply


_UNTYPED = {
    operator: _untyped(compute)
    for operator, compute in (("+", python.add), ("-", python.sub), ("*", python.mul), ("/", _divided))
}


def _scaled(value: Fraction) -> int:
    return round(value)


def _truncated(a: int, b: int) -> int:
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


def _call(node: Call, scope: Scope) -> Closure:
    if node.name == "has":
        return _has(node.arguments[0], scope)
    function = FUNCTIONS[node.name]
    arguments = _joined(node.arguments, scope)
    compute = function.compute
    if function.typed:
        kinds = tuple(infer(argument, scope)[0] for argument in node.arguments)
        return lambda environment: _checked(compute(kinds, *(part(environment) for part in arguments)))
    return lambda environment: _checked(compute(*(part(environment) for part in arguments)))


def _has(node: ExpressionNode, scope: Scope) -> Closure:
    assert isinstance(node, Field)
    target, name = _compile(node.target, scope), node.name
    return lambda environment: name in target(environment)


def _macro(node: Macro, scope: Scope) -> Closure:
    target, variable = _compile(node.target, scope), node.variable
    element = infer(node.target, scope)[0].element or ANY
    inner = Scope(
        {**scope.names, variable: Binding(element, (variable,))},
        {name: value for name, value in scope.constants.items() if name != variable},
    )
    body = _compile(node.body, inner)

    def values(environment: Environment) -> list[tuple[Any, Any]]:
        return [(item, body({**environment, variable: item})) for item in target(environment)]

    return {
        "map": lambda environment: [value for _, value in values(environment)],
        "filter": lambda environment: [item for item, value in values(environment) if value],
        "all": lambda environment: all(value for _, value in values(environment)),
        "exists": lambda environment: any(value for _, value in values(environment)),
    }[node.kind]


def _text(node: Text, scope: Scope) -> Closure:
    parts = [((infer(part, scope)[0],), _compile(part, scope)) for part in node.parts]
    return lambda environment: _checked("".join(as_text(kinds, part(environment)) for kinds, part in parts))
