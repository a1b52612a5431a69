"""The tree of an expression and how text becomes one.

The grammar is ``grammar.lark`` (LALR).  Nodes are frozen; ``start`` and ``end``
are offsets into the text that was parsed, kept for diagnostics and left out of
comparison, so that two spellings of one expression are equal.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nimdsl.base.units import (
    INT64_MAX,
    format_bytes,
    format_duration,
    format_lifeforce,
    format_share,
    parse_bytes,
    parse_duration,
    parse_lifeforce,
    parse_share,
)
from nimdsl.base.words import with_article
from nimdsl.expression import types
from nimdsl.expression.descent import Token, Tree, Untaken, read
from nimdsl.expression.escapes import EscapeMistake, decoded, escaped
from nimdsl.expression.explaining import explained
from nimdsl.expression.types import Type

if TYPE_CHECKING:
    from lark import Lark

EXPRESSION_LENGTH_MAX = 2_000
EXPRESSION_DEPTH_MAX = 40
"""Parts inside parts.  The terms of a chain (``a && b && c``) stand side by side."""
CHAIN_MAX = 200
"""Levels of the tree in all, which the code walks by recursion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpressionNode:
    """Any expression."""

    start: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Literal(ExpressionNode):
    """A value: ``3``, ``0.5``, ``200ms``, ``1.4LF``, ``40%``, ``"text"``, ``true``."""

    value: Any
    type: Type


@dataclass(frozen=True, slots=True)
class Name(ExpressionNode):
    """A name that the scope must know."""

    name: str


@dataclass(frozen=True, slots=True)
class Field(ExpressionNode):
    """``target.name``."""

    target: ExpressionNode
    name: str


@dataclass(frozen=True, slots=True)
class Index(ExpressionNode):
    """``target[index]``: of a list by int, of a record by string."""

    target: ExpressionNode
    index: ExpressionNode


@dataclass(frozen=True, slots=True)
class Unary(ExpressionNode):
    """``-x`` and ``!x``."""

    operator: str
    operand: ExpressionNode


@dataclass(frozen=True, slots=True)
class Binary(ExpressionNode):
    """Arithmetic, comparison, ``&&``, ``||``, ``in``."""

    operator: str
    left: ExpressionNode
    right: ExpressionNode


@dataclass(frozen=True, slots=True)
class Conditional(ExpressionNode):
    """``test ? yes : no``."""

    test: ExpressionNode
    yes: ExpressionNode
    no: ExpressionNode


@dataclass(frozen=True, slots=True)
class Call(ExpressionNode):
    """``name(arguments)``; ``a.name(b)`` is the same call."""

    name: str
    arguments: tuple[ExpressionNode, ...]


@dataclass(frozen=True, slots=True)
class Macro(ExpressionNode):
    """``list.map(x, body)``, ``filter``, ``all``, ``exists``."""

    kind: str
    target: ExpressionNode
    variable: str
    body: ExpressionNode


@dataclass(frozen=True, slots=True)
class ListOf(ExpressionNode):
    """``[a, b]``."""

    items: tuple[ExpressionNode, ...]


@dataclass(frozen=True, slots=True)
class RecordOf(ExpressionNode):
    """A record: a map in YAML, ``{'name': value}`` in an expression."""

    fields: tuple[tuple[str, ExpressionNode], ...]


@dataclass(frozen=True, slots=True)
class Text(ExpressionNode):
    """A template with literal parts around ``${...}``: always a string."""

    parts: tuple[ExpressionNode, ...]


MACROS = ("map", "filter", "all", "exists")


class SyntaxMistake(Exception):  # noqa: N818
    """The text is not an expression; ``offset`` and ``length`` say where, ``fix`` what to write."""

    def __init__(self, message: str, offset: int, fix: str = "", length: int = 1) -> None:
        super().__init__(message)
        self.message, self.offset, self.fix, self.length = message, offset, fix, length


@lru_cache(maxsize=1)
def _parser() -> Lark:
    from lark import Lark

    grammar = Path(__file__).with_name("grammar.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", lexer="basic", propagate_positions=True, maybe_placeholders=False)


@lru_cache(maxsize=20_000)
def parse(text: str) -> ExpressionNode:
    """The tree of ``text``.  Raises SyntaxMistake."""
    if len(text) > EXPRESSION_LENGTH_MAX:
        raise SyntaxMistake(f"an expression has at most {EXPRESSION_LENGTH_MAX} characters", 0)
    try:
        tree = read(text)
    except Untaken:
        tree = _by_grammar(text)
    return _build(tree, EXPRESSION_DEPTH_MAX, CHAIN_MAX)


def _by_grammar(text: str) -> Tree | Token:
    """The tree of ``text`` as the grammar finds it.  Raises SyntaxMistake."""
    from lark.exceptions import UnexpectedInput

    try:
        return _plain(_parser().parse(text))
    except UnexpectedInput as problem:
        ended = getattr(getattr(problem, "token", None), "type", "") == "$END"
        offset = None if ended else getattr(problem, "pos_in_stream", None)
        raise SyntaxMistake(*explained(text, offset)) from None


def _plain(item: Any) -> Tree | Token:
    if not hasattr(item, "data"):
        name = item.type if item.type in _LEAVES else "OPERATOR"
        return Token(name, str(item), item.start_pos or 0, item.end_pos or 0)
    return Tree(item.data, tuple(map(_plain, item.children)), item.meta.start_pos, item.meta.end_pos)


def _build(item: Tree | Token, room: int, levels: int) -> ExpressionNode:
    if isinstance(item, Token):
        return _LEAVES[item.type](item.text, item.start, item.end)
    span = {"start": item.start, "end": item.end}
    if room == 0:
        raise SyntaxMistake(
            f"an expression nests at most {EXPRESSION_DEPTH_MAX} deep", span["start"], "split it"
        )
    if levels == 0:
        raise SyntaxMistake(f"an expression joins at most {CHAIN_MAX} terms in a row", 0, "split it")
    if (least := _least(item)) is not None:
        return Literal(least, types.INT, **span)
    parts: list[ExpressionNode] = [] if item.children else [Name("")]
    for number, child in enumerate(item.children):
        beside = number == 0 and _goes_on(item, child)
        parts.append(_build(child, room if beside else room - 1, levels - 1))
    head, *rest = parts
    match item.rule:
        case "binary":
            return Binary(_word(rest[0]), head, rest[1], **span)
        case "unary":
            return Unary(_word(head), rest[0], **span)
        case "conditional":
            return Conditional(head, rest[0], rest[1], **span)
        case "field":
            return Field(head, _word(rest[0]), **span)
        case "index":
            return Index(head, rest[0], **span)
        case "list":
            return ListOf((head, *rest) if item.children else (), **span)
        case "record":
            return _record([head, *rest] if item.children else [], span)
        case "call":
            return Call(_word(head), tuple(rest), **span)
        case _:
            return _method(head, _word(rest[0]), rest[1:], span)


def _goes_on(item: Tree, first: Tree | Token) -> bool:
    """Whether a binary operation is the left side of another, as in ``a + b + c``."""
    return item.rule == "binary" and isinstance(first, Tree) and first.rule == "binary"


def _least(item: Tree) -> int | None:
    """The least int, whose digits alone are too large to be one; None for everything else."""
    if item.rule != "unary":
        return None
    found = [child.text for child in item.children if isinstance(child, Token)]
    return -INT64_MAX - 1 if found == ["-", str(INT64_MAX + 1)] else None


def _word(node: ExpressionNode) -> str:
    return node.name if isinstance(node, Name) else str(getattr(node, "value", "")).lower()


def _method(
    target: ExpressionNode, name: str, arguments: list[ExpressionNode], span: dict[str, int]
) -> ExpressionNode:
    if name not in MACROS:
        return Call(name, (target, *arguments), **span)
    if len(arguments) != 2 or not isinstance(arguments[0], Name):
        fix = f"write `list.{name}(item, ...)`"
        raise SyntaxMistake(f"`{name}` takes a name and an expression", span["start"], fix)
    return Macro(name, target, arguments[0].name, arguments[1], **span)


def _record(parts: list[ExpressionNode], span: dict[str, int]) -> ExpressionNode:
    names = [part.value for part in parts[::2] if isinstance(part, Literal)]
    for name in names:
        if names.count(name) > 1:
            raise SyntaxMistake(f"`{name}` stands twice in this record", span["start"], "remove one")
    return RecordOf(tuple(zip(names, parts[1::2], strict=True)), **span)


def _whole(text: str, start: int, end: int) -> ExpressionNode:
    value = int(text)
    if value > INT64_MAX:
        fix = f"the largest int is `{INT64_MAX}`"
        raise SyntaxMistake("this number does not fit in 64 bits", start, fix)
    return Literal(value, types.INT, start=start, end=end)


def _real(text: str, start: int, end: int) -> ExpressionNode:
    value = float(text)
    if value == float("inf"):
        raise SyntaxMistake("this number is too large", start, "the largest real is about `1.79e308`")
    return Literal(value, types.REAL, start=start, end=end)


def _quantity(text: str, start: int, end: int) -> ExpressionNode:
    if text.endswith("%"):
        value, kind = parse_share(text), types.SHARE
    elif text.endswith("LF"):
        value, kind = parse_lifeforce(text[:-2]), types.LIFEFORCE
    elif text.endswith("B"):
        value, kind = parse_bytes(text), types.BYTES
    else:
        value, kind = parse_duration(text), types.DURATION
    if value is None:
        raise SyntaxMistake(f"`{text}` is finer than {with_article(str(kind))} can be, or too large", start)
    return Literal(value, kind, start=start, end=end)


def _string(text: str, start: int, end: int) -> ExpressionNode:
    try:
        return Literal(decoded(text[1:-1]), types.STRING, start=start, end=end)
    except EscapeMistake as mistake:
        raise SyntaxMistake(mistake.message, start + 1 + mistake.offset, mistake.fix) from None


def _name(text: str, start: int, end: int) -> ExpressionNode:
    if text in ("true", "false"):
        return Literal(text == "true", types.BOOL, start=start, end=end)
    return Name(text, start=start, end=end)


def _operator(text: str, start: int, end: int) -> ExpressionNode:
    return Name(text, start=start, end=end)


_LEAVES = {"INT": _whole, "REAL": _real, "QUANTITY": _quantity, "STRING": _string, "NAME": _name}
_LEAVES["OPERATOR"] = _operator


_PARTS: dict[type[ExpressionNode], Callable[[Any], tuple[ExpressionNode, ...]]] = {
    Field: lambda node: (node.target,),
    Unary: lambda node: (node.operand,),
    Index: lambda node: (node.target, node.index),
    Binary: lambda node: (node.left, node.right),
    Macro: lambda node: (node.target, node.body),
    Conditional: lambda node: (node.test, node.yes, node.no),
    Call: lambda node: node.arguments,
    ListOf: lambda node: node.items,
    Text: lambda node: node.parts,
    RecordOf: lambda node: tuple(part for _, part in node.fields),
}


def children(node: ExpressionNode) -> tuple[ExpressionNode, ...]:
    """The direct parts of a node."""
    parts = _PARTS.get(type(node))
    return parts(node) if parts is not None else ()


def free_names(node: ExpressionNode) -> frozenset[str]:
    """The names that an expression reads; those that its macros bind are not among them."""
    if isinstance(node, Name):
        return frozenset({node.name})
    if isinstance(node, Macro):
        return free_names(node.target) | (free_names(node.body) - {node.variable})
    return frozenset().union(*map(free_names, children(node)))


def with_children(
    node: ExpressionNode, change: Callable[[ExpressionNode], ExpressionNode]
) -> ExpressionNode:
    """The same node, each of its direct parts as ``change`` gives it back."""
    if isinstance(node, RecordOf):
        return replace(node, fields=tuple((name, change(part)) for name, part in node.fields))
    changes: dict[str, Any] = {}
    for name in node.__dataclass_fields__:
        part = getattr(node, name)
        if isinstance(part, ExpressionNode):
            changes[name] = change(part)
        elif isinstance(part, tuple) and part and isinstance(part[0], ExpressionNode):
            changes[name] = tuple(map(change, part))
    return replace(node, **changes) if changes else node


def to_data(node: ExpressionNode) -> Any:
    """Plain data that is equal for equal expressions: what the program's hash covers."""
    match node:
        case Literal():
            return ["literal", str(node.type), node.value]
        case Name():
            return ["name", node.name]
        case Field():
            return ["field", to_data(node.target), node.name]
        case RecordOf():
            return ["record", {key: to_data(part) for key, part in node.fields}]
        case Unary() | Binary():
            head = [node.operator]
        case Call():
            head = ["call", node.name]
        case Macro():
            head = ["macro", node.kind, node.variable]
        case Index():
            head = ["index"]
        case Conditional():
            head = ["conditional"]
        case ListOf():
            head = ["list"]
        case Text():
            head = ["text"]
        case _:
            raise ValueError(f"no part of an expression: {node}")
    return [*head, *(to_data(part) for part in children(node))]


_TIGHTNESS = {"?": 0, "||": 1, "&&": 2, "in": 3, "+": 4, "-": 4, "*": 5, "/": 5}
_ATOM = 9


def unparse(node: ExpressionNode) -> str:
    """Text that parses to the same tree again (templates aside), for messages."""
    match node:
        case Literal(value=str() as text):
            return f'"{escaped(text)}"'
        case Literal(value=list() | dict() as value):
            return json.dumps(value, ensure_ascii=False)
        case Literal():
            return as_text(node)
        case Name():
            return node.name
        case Field():
            return f"{_inside(node.target, _ATOM)}.{node.name}"
        case Index():
            return f"{_inside(node.target, _ATOM)}[{unparse(node.index)}]"
        case Unary():
            return node.operator + _inside(node.operand, 6)
        case Binary():
            tight = _tightness(node)
            level = tight + 1 if tight == 3 else tight
            return f"{_inside(node.left, level)} {node.operator} {_inside(node.right, tight + 1)}"
        case Conditional():
            return f"{_inside(node.test, 1)} ? {_inside(node.yes, 1)} : {unparse(node.no)}"
        case Macro():
            return f"{_inside(node.target, _ATOM)}.{node.kind}({node.variable}, {unparse(node.body)})"
        case Call():
            return f"{node.name}({', '.join(map(unparse, node.arguments))})"
        case RecordOf(fields=fields):
            return "{" + ", ".join(f'"{escaped(name)}": {unparse(part)}' for name, part in fields) + "}"
    return f"[{', '.join(map(unparse, children(node)))}]"


def _tightness(node: ExpressionNode) -> int:
    """How tightly the outermost operator binds; what has none binds tightest."""
    match node:
        case Conditional():
            return 0
        case Binary(operator=operator):
            return _TIGHTNESS.get(operator, 3)
        case Unary():
            return 6
        case Literal(value=int() | float() as value) if value < 0:
            return 6
    return _ATOM


def _inside(node: ExpressionNode, level: int) -> str:
    return unparse(node) if _tightness(node) >= level else f"({unparse(node)})"


def as_text(node: Literal) -> str:
    """A literal with its unit."""
    formats = {"duration": format_duration, "share": format_share, "bytes": format_bytes}
    if isinstance(node.value, bool):
        return "true" if node.value else "false"
    if node.type == types.LIFEFORCE:
        return format_lifeforce(node.value).removesuffix(".0") + "LF"
    return formats.get(node.type.name, str)(node.value)
