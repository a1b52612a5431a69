"""Families: the instances of one document with ``for``, and the addresses that fit their names.

The law: an address is a family's name in which each ``${...}`` stands as what an instance has there, as
an expression of that type, or as ``*``.  It is matched part by part with the name as it was written,
never as a pattern over finished names.  What the run makes of it is in :mod:`nimdsl.program.address`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from nimdsl.base.diagnostics import Place
from nimdsl.compile.constants import part_text
from nimdsl.compile.documents import Document, Documents
from nimdsl.expression.check import Scope, infer
from nimdsl.expression.evaluate import Fault, closure
from nimdsl.expression.syntax import ExpressionNode, Literal, SyntaxMistake, Text
from nimdsl.expression.template import parse_template
from nimdsl.expression.types import STRING, Type
from nimdsl.program.address import EVERY, Hole


@dataclass(frozen=True)
class Instance:
    """A member: its document, and what stands in each hole of its name, as a value and as text."""

    document: Document
    values: tuple[Hole, ...]
    texts: tuple[str, ...]


@dataclass(frozen=True)
class DocumentFamily:
    """The instances of one document.

    ``literals`` is what stands around the holes of their name, one more than there are holes.
    """

    name: str
    literals: tuple[str, ...]
    types: tuple[Type, ...]
    instances: tuple[Instance, ...]


@dataclass(frozen=True)
class Fixed:
    """A hole in which an address has the text of a value."""

    text: str


Filled = Fixed | ExpressionNode | str
"""What an address has in a hole: a value, an expression, or :data:`EVERY`."""


@dataclass(frozen=True)
class Match:
    """How an address fits a family: what it has in each hole, and whom it can reach."""

    family: DocumentFamily
    holes: tuple[Filled, ...]
    instances: tuple[Instance, ...]


def families_of(documents: Documents, kind: str) -> tuple[DocumentFamily, ...]:
    """The families among the documents of a kind."""
    known = documents.families.get(kind)
    if known is None:
        grouped: dict[Place, list[Document]] = {}
        for one in documents.of(kind).values():
            if one.variables:
                grouped.setdefault(one.written.place, []).append(one)
        known = documents.families[kind] = tuple(filter(None, map(_family, grouped.values())))
    found: tuple[DocumentFamily, ...] = known
    return found


def _family(documents: list[Document]) -> DocumentFamily | None:
    """The family; None where the name has no value, which has been said of its document."""
    try:
        return _made(documents[0].template, sorted(documents, key=lambda one: one.number))
    except (SyntaxMistake, Fault):
        return None


def _made(name: str, documents: list[Document]) -> DocumentFamily | None:
    """The family; None where its name reads what is no constant, or what does not fit.

    Raises SyntaxMistake and Fault.
    """
    literals, holes = [""], []
    for part in _parts(name):
        if isinstance(part, str):
            literals[-1] += part
        else:
            holes.append(part)
            literals.append("")
    scopes = [Scope({}, one.constants) for one in documents if one.broken]
    if any(infer(hole, scope)[1] for scope in scopes for hole in holes):
        return None
    types = tuple(infer(hole, Scope({}, documents[0].constants))[0] for hole in holes)
    return DocumentFamily(name, tuple(literals), types, tuple(_instance(one, holes) for one in documents))


def _instance(document: Document, holes: list[ExpressionNode]) -> Instance:
    scope = Scope({}, document.constants)
    values = tuple(closure(hole, scope)({}) for hole in holes)
    return Instance(document, values, tuple(part_text(hole, scope) for hole in holes))


def _parts(text: str) -> list[str | ExpressionNode]:
    """The parts of a template: text, and the expressions in ``${...}``."""
    tree = parse_template(text)
    parts = tree.parts if isinstance(tree, Text) else (tree,)
    return [
        str(one.value) if isinstance(one, Literal) and one.type == STRING and not one.end else one
        for one in parts
    ]


def is_open(text: str) -> bool:
    """Whether text is more than a name: it has something in it that the run or the family fills."""
    return "${" in text or EVERY in text


def matches(families: Iterable[DocumentFamily], text: str) -> list[Match]:
    """Every way in which an address fits one of the families.  Raises SyntaxMistake."""
    tokens = list(_tokens(text))
    found = []
    for family in families:
        for holes in _fits(family, 0, tokens):
            chosen = tuple(one for one in family.instances if _fills(holes, one))
            found += [Match(family, holes, chosen)] if chosen else []
    return found


def names_of(documents: Documents, kind: str, text: str) -> tuple[str, ...]:
    """The names that one with ``*`` stands for, in the order of instances; one without is itself."""
    if EVERY not in text:
        return (text,)
    found = [] if "${" in text else matches(families_of(documents, kind), text)
    return tuple(one.document.name for one in found[0].instances) if len(found) == 1 else ()


def matched(documents: Documents, kind: str, path: str) -> tuple[tuple[str, ...], str]:
    """The documents whose field ``path`` is (``robot-*.data.count``), and the path within them.

    No document where none has that name.
    """
    parts = path.split(".")
    for count in range(len(parts), 0, -1):
        name = ".".join(parts[:count])
        names = names_of(documents, kind, name)
        if names and all(one in documents.of(kind) for one in names):
            return names, ".".join(parts[count:])
    return (), path


def _tokens(text: str) -> Iterator[str | ExpressionNode]:
    """Text, expressions and ``*``, in their order."""
    for part in _parts(text):
        if not isinstance(part, str):
            yield part
            continue
        for number, piece in enumerate(part.split(EVERY)):
            if number:
                yield EVERY
            if piece:
                yield piece


def _fits(
    family: DocumentFamily, hole: int, tokens: list[str | ExpressionNode]
) -> Iterator[tuple[Filled, ...]]:
    """What can stand in the holes from this one on, when the literal before it comes next."""
    rest = _without(family.literals[hole], tokens)
    if rest is None:
        return
    if hole == len(family.types):
        if not rest:
            yield ()
        return
    if rest and (rest[0] == EVERY or not isinstance(rest[0], str)):
        for others in _fits(family, hole + 1, rest[1:]):
            yield (rest[0], *others)
        return
    for text in dict.fromkeys(one.texts[hole] for one in family.instances):
        after = _without(text, rest)
        if after is not None:
            for others in _fits(family, hole + 1, after):
                yield (Fixed(text), *others)


def _without(literal: str, tokens: list[str | ExpressionNode]) -> list[str | ExpressionNode] | None:
    """The tokens behind a literal; None where it does not come next."""
    if not literal:
        return tokens
    first = tokens[0] if tokens else EVERY
    if not isinstance(first, str) or first == EVERY or not first.startswith(literal):
        return None
    left = first.removeprefix(literal)
    return [left, *tokens[1:]] if left else tokens[1:]


def _fills(holes: tuple[Filled, ...], instance: Instance) -> bool:
    return all(
        not isinstance(one, Fixed) or one.text == text
        for one, text in zip(holes, instance.texts, strict=True)
    )
