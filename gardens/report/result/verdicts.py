"""Judging: criteria and expectations against an outcome, with the values that they were judged on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from nimdsl.base.canonical import Plain
from nimdsl.expression.check import infer
from nimdsl.expression.evaluate import Fault, closure
from nimdsl.expression.functions import as_text
from nimdsl.expression.syntax import (
    Call,
    ExpressionNode,
    Field,
    Index,
    Literal,
    Macro,
    Name,
    children,
    unparse,
)
from nimdsl.expression.types import ANY, Type
from nimdsl.program.expression import Expression

VALUE_LENGTH_MAX = 1_000
"""A list may be of any length."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a condition held; ``values`` are the parts that it was judged on, as text."""

    text: str
    held: bool
    values: tuple[tuple[str, str], ...] = ()


def judge(text: str, condition: Expression, outcome: Mapping[str, Plain]) -> Verdict:
    """The verdict on one condition.  A condition without a value does not hold."""
    environment = {"$outcome": outcome}
    try:
        held = condition.evaluate(environment) is True
    except Fault as fault:
        return Verdict(text, False, (("because", str(fault)),))
    return Verdict(text, held, tuple(_values(condition, environment)))


def _values(condition: Expression, environment: Mapping[str, Plain]) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for part in _parts(condition.node):
        text = unparse(part)
        if text not in seen:
            seen.add(text)
            yield text, _shown(part, condition, environment)


def _parts(node: ExpressionNode) -> Iterator[ExpressionNode]:
    """The outermost names, fields, calls and macros: what a reader wants to see the value of."""
    if isinstance(node, Name | Field | Index | Call | Macro):
        yield node
    elif not isinstance(node, Literal):
        for child in children(node):
            yield from _parts(child)


def _shown(part: ExpressionNode, condition: Expression, environment: Mapping[str, Plain]) -> str:
    kind = infer(part, condition.scope)[0]
    try:
        value = closure(part, condition.scope)(environment)
    except Fault as fault:
        return f"no value ({fault})"
    shown = _told(kind, value)
    return shown if len(shown) <= VALUE_LENGTH_MAX else shown[: VALUE_LENGTH_MAX - 3] + "..."


def _told(kind: Type, value: Plain) -> str:
    """A value to its last digit, quantities with their units; text within others shows where it ends."""
    if isinstance(value, list):
        return f"[{', '.join(_within(kind.element or ANY, item) for item in value)}]"
    if isinstance(value, dict):
        known = dict(kind.fields or ())
        parts = (f"{name}: {_within(known.get(name, ANY), item)}" for name, item in value.items())
        return f"{{{', '.join(parts)}}}"
    return as_text((kind,), value) + (" LF" if kind.name == "lifeforce" else "")


def _within(kind: Type, value: Plain) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else _told(kind, value)
