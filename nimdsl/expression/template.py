"""Templates: text is literal except ``${...}``, which keeps its type.

A value in YAML becomes one expression tree: a map is a record, a list a list,
text with ``${...}`` around other text is text, and a literal is read as the
type that is wanted (``200ms`` where a duration is).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Any

from nimdsl.base.suggest import did_you_mean, phrase
from nimdsl.base.units import PARSERS
from nimdsl.expression import types
from nimdsl.expression.syntax import (
    ExpressionNode,
    Literal,
    Name,
    SyntaxMistake,
    Text,
    children,
    free_names,
    parse,
    with_children,
)
from nimdsl.expression.types import Type, list_of, record_of
from nimdsl.text.tree import Scalar

ENDS_MAX = 60
"""At so many places, at most, an open ``${`` is tried to end."""
_HYPHEN = re.compile(r"(?<=\w)-(?=[A-Za-z_])")
"""Between words without spaces it is more likely text than a minus."""
_ENDS = re.compile(r"(?<=\w)(?!\w)|(?<=[)\]])")


def type_of(value: Any) -> Type:
    """The type of a plain value."""
    if isinstance(value, bool):
        return types.BOOL
    if isinstance(value, dict):
        return record_of({str(key): type_of(item) for key, item in value.items()})
    if isinstance(value, list):
        element = types.EMPTY
        for item in value:
            element = types.join(element, type_of(item)) or types.ANY
        return list_of(element)
    return {int: types.INT, float: types.REAL, str: types.STRING}.get(type(value), types.ANY)


def literal(scalar: Scalar, expected: Type) -> Literal | None:
    """The literal that a scalar without ``${`` is where ``expected`` is wanted; None for a bad unit."""
    if scalar.quantity is not None:
        unit, amount = scalar.quantity
        return Literal(amount, types.SCALARS[unit])
    if expected.name in PARSERS:
        value = PARSERS[expected.name](scalar.text)
        return None if value is None else Literal(value, expected)
    if expected == types.REAL and isinstance(scalar.value, int) and not isinstance(scalar.value, bool):
        return Literal(float(scalar.value), types.REAL)
    if isinstance(scalar.value, float):
        return Literal(scalar.value + 0.0, types.REAL)
    return Literal(scalar.value, type_of(scalar.value))


def is_template(scalar: Scalar) -> bool:
    """Whether the scalar holds a ``${``."""
    return isinstance(scalar.value, str) and "${" in scalar.value


@lru_cache(maxsize=20_000)
def parse_template(text: str) -> ExpressionNode:
    """The tree of text with ``${...}`` in it.  Raises SyntaxMistake with offsets into ``text``."""
    parts: list[ExpressionNode] = []
    position = 0
    while (begin := text.find("${", position)) >= 0:
        if begin > position:
            parts.append(Literal(text[position:begin], types.STRING))
        end = _closing(text, begin)
        parts.append(_shifted(text, begin + 2, end))
        position = end + 1
    if position < len(text):
        parts.append(Literal(text[position:], types.STRING))
    return parts[0] if len(parts) == 1 else Text(tuple(parts), start=0, end=len(text))


def not_constant(text: str, constants: Iterable[str], declare: str) -> SyntaxMistake | None:
    """Why a template has no value where only constants stand; None when it has one.

    ``declare`` says how a constant is declared, with ``{}`` for its name.
    """
    known = [*constants]
    try:
        tree = parse_template(text)
    except SyntaxMistake as mistake:
        return mistake
    unknown = sorted(free_names(tree) - {*known})
    if not unknown:
        return None
    name = unknown[0]
    fix = phrase(name, known) if did_you_mean(name, known) else declare.format(name)
    message = f"`{name}` is no constant, and only constants can stand here"
    return SyntaxMistake(message, _offset_of(tree, name), fix, len(name))


def _offset_of(tree: ExpressionNode, name: str) -> int:
    """Where a name is read first."""
    if isinstance(tree, Name):
        return tree.start if tree.name == name else -1
    return next((at for part in children(tree) if (at := _offset_of(part, name)) >= 0), -1)


def _closing(text: str, begin: int) -> int:
    quote, depth = "", 0
    offset = begin + 2
    while offset < len(text):
        character = text[offset]
        if quote:
            offset += character == "\\"
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character in "{}":
            depth += 1 if character == "{" else -1
            if depth < 0:
                return offset
        offset += 1
    whole = _longest(text[begin + 2 :])
    fix = f"write `${{{whole}}}`" if whole else "add `}`"
    raise SyntaxMistake("`${` is never closed", begin, fix, len(whole) + 2)


def _longest(text: str) -> str:
    """The most of a text, from its beginning, that is an expression; empty where nothing is."""
    text = _HYPHEN.split(text.partition("${")[0])[0]
    ends = [found.start() for found in _ENDS.finditer(text)][:ENDS_MAX]
    for end in reversed([*ends, len(text)] if len(ends) < ENDS_MAX else ends):
        whole = text[:end].rstrip()
        try:
            parse(whole)
        except SyntaxMistake:
            continue
        return whole
    return ""


def _shifted(text: str, begin: int, end: int) -> ExpressionNode:
    inner = text[begin:end]
    if not inner.strip():
        raise SyntaxMistake("there is nothing inside `${}`", begin)
    try:
        return shifted(parse(inner), begin)
    except SyntaxMistake as mistake:
        raise SyntaxMistake(mistake.message, mistake.offset + begin, mistake.fix, mistake.length) from None


def shifted(node: ExpressionNode, by: int) -> ExpressionNode:
    """The same tree with every offset moved ``by`` characters."""
    moved = with_children(node, lambda part: shifted(part, by))
    return replace(moved, start=node.start + by, end=node.end + by)
