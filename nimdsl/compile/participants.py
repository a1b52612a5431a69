"""Who takes part in a scenario that does not say so.

The rule: the cells that its protocol's phases ask, that its stimuli address, that it
mentions in ``expect`` and ``set`` (or its protocol in a criterion), those that use an
economy or a resource that it mentions, those that its gates and nerves hear and command,
those that they and its attention send to or hear, and so on; without protocol, attention
and stimuli every cell.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress

from nimdsl.compile.families import matched, names_of
from nimdsl.compile.reader import Reader
from nimdsl.expression.syntax import (
    ExpressionNode,
    Field,
    Index,
    Literal,
    Name,
    SyntaxMistake,
    children,
    parse,
)
from nimdsl.program import Protocol, Work
from nimdsl.program.address import members_of
from nimdsl.program.machine import Send, State, every_action
from nimdsl.text.tree import ListNode, MapNode

Sends = Mapping[str, frozenset[str]]
"""The cells that an actor sends to, by its id; an actor that is wrong itself is missing."""


def receivers_of(root: State, works: Mapping[str, Work]) -> frozenset[str]:
    """The cells that a machine sends to, asks or commands."""
    found = [action.to for action in every_action(root) if isinstance(action, Send)]
    found += [work.ask.to for work in works.values() if work.ask is not None]
    found += [work.command.to for work in works.values() if work.command is not None]
    return frozenset(to.removeprefix("cell/") for one in found for to in members_of(one))


Uses = Mapping[str, Mapping[str, frozenset[str]]]
"""Which ``economies`` and ``resources`` cells name, by the cell."""


def concerned(
    reader: Reader,
    known: Iterable[str],
    protocol: Protocol | None,
    attention: str,
    sends: Sends,
    uses: Uses,
    near: Iterable[str] = (),
) -> list[str]:
    """The cells that a scenario concerns, sorted; ``known`` are all that there are.

    ``near`` are those without which actors of other kinds could do nothing.
    """
    known = sorted(known)
    if not ("protocol" in reader or attention or reader.items("stimuli")):
        return known
    written = [item.text("to") for item in reader.items("stimuli") if "to" in item]
    written += [*_expected(reader), *_changed(reader)]
    documents = reader.findings.documents
    named = {name for text in written for name in names_of(documents, "Cell", text)}
    named |= {*near}
    named |= {*sends.get(f"attention/{attention}", ()), *_using(reader, uses)}
    if protocol is not None:
        named |= {phase.cell for phase in protocol.phases}
        named |= {cell for one in protocol.criteria for cell in mentioned(one.holds.node)}
    found: set[str] = set()
    while waiting := (named & {*known}) - found:
        found |= waiting
        named = {to for cell in waiting for to in sends.get(f"cell/{cell}", ())}
    return sorted(found)


def _using(reader: Reader, uses: Uses) -> Iterator[str]:
    """The cells that use an economy or a resource which the scenario mentions in ``expect``."""
    documents = reader.findings.documents
    for whole, kind in (("economies", "Economy"), ("resources", "Resource"), ("organs", "Organ")):
        texts = {text for tree in expectations(reader) for text in mentioned(tree, whole)}
        told = {name for text in texts for name in names_of(documents, kind, text)}
        yield from (cell for cell, named in uses.get(whole, {}).items() if told & named)


def _expected(reader: Reader) -> Iterator[str]:
    for tree in expectations(reader):
        yield from mentioned(tree)


def expectations(reader: Reader) -> Iterator[ExpressionNode]:
    """The trees of a scenario's expectations, and of the names that they may use for expressions.

    What is no expression is told where they are compiled.
    """
    node, lets = reader.node.get("expect"), reader.node.get("let")
    written = [*(node.items if isinstance(node, ListNode) else ())]
    written += lets.entries.values() if isinstance(lets, MapNode) else ()
    for item in written:
        with suppress(SyntaxMistake):
            yield parse(str(item.plain()))


def _changed(reader: Reader) -> Iterator[str]:
    """The cells whose documents the scenario changes."""
    for path in reader.keys("set"):
        kind, _, rest = path.partition("/")
        if kind.lower() == "cell":
            yield from matched(reader.findings.documents, "Cell", rest)[0]


def mentioned(tree: ExpressionNode, whole: str = "cells") -> Iterator[str]:
    """The names after ``cells``, or after another ``whole``."""
    match tree:
        case Field(target=Name(root), name=name) if root == whole:
            yield name
        case Index(target=Name(root), index=Literal(value=str(name))) if root == whole:
            yield name
    for child in children(tree):
        yield from mentioned(child, whole)
