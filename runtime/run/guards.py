"""What the guards of a step came to, and what the names in them were.

A guard is told as it is written, where its document's line still says so; else as it was understood.
Pure.  Not here: which step (:mod:`runtime.run.history`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from nimdsl.base.values import Value
from nimdsl.expression.check import infer
from nimdsl.expression.evaluate import Fault, closure
from nimdsl.expression.substitution import expanded
from nimdsl.expression.syntax import (
    ExpressionNode,
    Field,
    Index,
    Literal,
    Macro,
    Name,
    SyntaxMistake,
    children,
    free_names,
    parse,
    unparse,
)
from nimdsl.expression.types import Type
from nimdsl.program.expression import Expression
from nimdsl.program.flatten import Table
from runtime.kernel.kernel import LookedAt
from runtime.run.history import Looked

NAMES_MAX: Final = 8
"""Of how many names of a guard the values are told."""


@dataclass(frozen=True, slots=True)
class ValueRead:
    """What a name, or a path that begins with one, was; ``fault`` says why it had no value."""

    name: str
    type: Type
    value: Value
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Tested:
    """A condition and what it came to; ``fault`` says why it had no value, which counts as false."""

    text: str
    holds: bool
    fault: str
    place: str
    values: tuple[ValueRead, ...]


@dataclass(frozen=True, slots=True)
class TriedRow:
    """A row that was tried on an event; without a condition it takes the event."""

    event: str
    target: str
    guard: Tested | None


def tried(looked: Looked, table: Table, sequence: int | None) -> tuple[TriedRow, ...]:
    """The rows tried for the last event that the machine was offered before it left the record."""
    first = looked.records[0].sequence if looked.records else 0
    count = None if sequence is None else sequence - first
    rows = [one for one in looked.rows if count is None or one.record_count <= count]
    return tuple(_tried(one, table) for one in _last_offer(rows, table))


def _last_offer(rows: list[LookedAt], table: Table) -> list[LookedAt]:
    """The last rows in order that are of one state and one event."""
    found: list[LookedAt] = []
    for one in reversed(rows):
        row = table.rows[one.row]
        if found:
            following = table.rows[found[0].row]
            if (row.source, row.event) != (following.source, following.event) or one.row >= found[0].row:
                break
        found.insert(0, one)
    return found


def _tried(one: LookedAt, table: Table) -> TriedRow:
    row = table.rows[one.row]
    guard = None if row.guard is None else tested(row.guard, one.environment)
    return TriedRow(table.events[row.event], table.states[row.target], guard)


def tested(condition: Expression, environment: Mapping[str, object]) -> Tested:
    """What a condition comes to in an environment, with what it read."""
    holds, fault = False, ""
    try:
        holds = condition.evaluate(environment) is True
    except Fault as problem:
        fault = str(problem)
    tree = _as_written(condition)
    text = unparse(condition.node) if tree is None else _slice(condition)
    place = str(condition.place) if condition.place.line else ""
    values = _values(condition.node if tree is None else tree, condition, environment)
    return Tested(text, holds, fault, place, tuple(values))


def _slice(condition: Expression) -> str:
    place = condition.place
    return place.excerpt[place.column - 1 : place.column - 1 + place.length]


def _as_written(condition: Expression) -> ExpressionNode | None:
    """The tree of the text at its place, with names for what ``let`` names; None if it is another one."""
    try:
        tree = parse(_slice(condition))
        same = expanded(tree, condition.scope.lets) == condition.node
    except (SyntaxMistake, IndexError):
        return None
    return tree if same else None


def _values(
    tree: ExpressionNode, condition: Expression, environment: Mapping[str, object]
) -> Iterator[ValueRead]:
    scope, seen = condition.scope, set[str]()
    for part in _paths(tree, frozenset(scope.constants)):
        name = unparse(part)
        if name in seen or len(seen) == NAMES_MAX:
            continue
        seen.add(name)
        whole = expanded(part, scope.lets)
        kind, mistakes = infer(whole, scope)
        if mistakes:
            continue
        try:
            yield ValueRead(name, kind, closure(whole, scope)(environment))
        except Fault as problem:
            yield ValueRead(name, kind, None, str(problem))


def _paths(node: ExpressionNode, bound: frozenset[str]) -> Iterator[ExpressionNode]:
    """The names that it reads, each with the fields and places that follow it; no constants."""
    if _is_path(node):
        if not free_names(node) & bound:
            yield node
        return
    if isinstance(node, Macro):
        yield from _paths(node.target, bound)
        yield from _paths(node.body, bound | {node.variable})
        return
    for part in children(node):
        yield from _paths(part, bound)


def _is_path(node: ExpressionNode) -> bool:
    while isinstance(node, Field) or (isinstance(node, Index) and isinstance(node.index, Literal | Name)):
        node = node.target
    return isinstance(node, Name)
