"""Overrides: ``kind/name.field.path`` changed to a value, for one run.

``economy/lifeforce.opening: 1`` changes the field ``opening`` of the spec of
the Economy named ``lifeforce``.  List items go by their position.  The changed
documents are checked and compiled like any others.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal

from nimdsl.base.canonical import Plain
from nimdsl.base.diagnostics import NOWHERE, Diagnostic, Place, error
from nimdsl.base.suggest import did_you_mean, phrase
from nimdsl.base.words import counted
from nimdsl.compile.documents import Document, Documents, instance
from nimdsl.compile.families import matched
from nimdsl.kinds import by_prefix
from nimdsl.text.scalars import shortened
from nimdsl.text.source import Source
from nimdsl.text.tree import ListNode, MapNode, Node, Scalar, parse

CODE = "NIM0507"
_SUGGESTED = re.compile(r"(did you mean |write )`([^`]+)`(\??)")
_POSITION = re.compile(r"\[(\d+)\]")


def override(
    documents: Documents, overrides: Mapping[str, Plain | Node]
) -> tuple[Documents, tuple[Diagnostic, ...]]:
    """The documents with every override made, and what was wrong with them.

    What is wrong in a value that is a node has its place there.
    """
    by_kind = {kind: dict(found) for kind, found in documents.by_kind.items()}
    problems: list[Diagnostic] = []
    for path, value in overrides.items():
        problems += _apply(documents, by_kind, path, value)
    plain = {path: one.plain() if isinstance(one, Node) else one for path, one in overrides.items()}
    changes = {**documents.changes, **plain}
    return replace(documents, by_kind=by_kind, changes=changes), tuple(problems)


def _apply(
    documents: Documents, by_kind: dict[str, dict[str, Document]], path: str, value: Plain | Node
) -> list[Diagnostic]:
    """Changes documents as they were written, and fills their constants in again."""
    found = _meant(documents, path)
    if isinstance(found, Diagnostic):
        return [found]
    problems: list[Diagnostic] = []
    kind, names, fields = found
    for name in names:
        document = by_kind[kind][name]
        root = _copied(document.written, ["spec", *fields.split(".")], value, path)
        if isinstance(root, Diagnostic):
            return [root]
        assert isinstance(root, MapNode)
        own: list[Diagnostic] = []
        changed = instance(kind, name, root, document.variables, own)
        by_kind[kind][name] = replace(changed, number=document.number)
        here = {*_places(value)} if isinstance(value, Node) else set()
        told = (_told(one, path, here) for one in own)
        problems += [one for one in told if one not in problems]
    return problems


def _told(found: Diagnostic, path: str, here: Container[Place]) -> Diagnostic:
    """What is wrong with a changed document, said of its path."""
    place, fix, last = found.place, found.fix, path.rpartition(".")[2]
    if place not in here:
        place = NOWHERE
        if found.code == "NIM0203" and (meant := _SUGGESTED.fullmatch(fix)):
            fix = f"{meant[1]}`{path.removesuffix(last)}{meant[2]}`{meant[3]}"
    return replace(found, message=f"`{path}`: {found.message}", place=place, fix=fix)


def _path_with(path: str, after: int, word: str, known: Iterable[str], prefix: str = "") -> str:
    """A suggestion: the path, and in the part before the last ``after`` ones what was meant; or empty."""
    likely = did_you_mean(word, known)
    parts = path.split(".")
    parts[len(parts) - 1 - after] = f"{prefix}{likely}"
    return f"did you mean `{'.'.join(parts)}`?" if likely else ""


def _meant(documents: Documents, path: str) -> tuple[str, tuple[str, ...], str] | Diagnostic:
    """The kind and the names of the documents that a path leads into, and the path within them."""
    kind_text, _, rest = path.partition("/")
    kinds = by_prefix()
    kind = kinds.get(kind_text.lower())
    if kind is None or not rest:
        fix = "write `kind/name.field.path`, for example `economy/lifeforce.opening`"
        first, dot, after = path.partition(".")
        if dot and first.lower() in kinds:
            fix = f"write `{first}/{after}`"
        return error(CODE, f"`{path}` does not say whose field it is", fix=fix)
    if _POSITION.search(path):
        fix = f"write `{_POSITION.sub(_dotted, path)}`"
        return error(CODE, f"`{path}`: an item of a list is named by its position, counted from 0", fix=fix)
    names, fields = matched(documents, kind, rest)
    if not names:
        name = rest.partition(".")[0]
        known = documents.of(kind)
        fix = _path_with(path, rest.count("."), name, known, f"{kind_text}/") or phrase(name, known)
        return error(CODE, f"`{path}`: there is no {kind} named `{name}`", fix=fix)
    return kind, names, fields


def _places(node: Node) -> Iterator[Place]:
    """The places of a node and of everything below it."""
    yield node.place
    if isinstance(node, MapNode):
        yield from (node.key_place(key) for key in node.entries)
    inner = node.entries.values() if isinstance(node, MapNode) else getattr(node, "items", ())
    for part in inner:
        yield from _places(part)


def _copied(node: Node, fields: list[str], value: Plain | Node, path: str) -> Node | Diagnostic:
    """A copy of ``node`` along ``fields`` with the value at their end."""
    if not fields or fields == [""]:
        return _as_node(value, Source(f"--set {path}", ""))
    head, *rest = fields
    if isinstance(node, MapNode):
        inner = node.get(head)
        if inner is None and rest:
            fix = _path_with(path, len(rest), head, node.entries) or phrase(head, node.entries)
            return error(CODE, f"`{path}`: there is no `{head}`", fix=fix)
        changed = _copied(inner if inner is not None else node, rest, value, path)
        if isinstance(changed, Diagnostic):
            return changed
        copy = MapNode(node.source, node.line, node.column)
        copy.entries, copy.keys = {**node.entries, head: changed}, dict(node.keys)
        return copy
    if isinstance(node, ListNode) and head.isdecimal() and int(head) < len(node.items):
        changed = _copied(node.items[int(head)], rest, value, path)
        if isinstance(changed, Diagnostic):
            return changed
        listed = ListNode(node.source, node.line, node.column)
        listed.items = [*node.items[: int(head)], changed, *node.items[int(head) + 1 :]]
        return listed
    return _nowhere(node, head, path)


def _nowhere(node: Node, head: str, path: str) -> Diagnostic:
    """NIM0507: below a list there are only its items, below a single value nothing."""
    if not isinstance(node, ListNode):
        return error(CODE, f"`{path}`: there is nothing below a single value", fix=f"leave out `.{head}`")
    count = len(node.items)
    message = f"`{path}`: the list has {counted(count, 'item')}, counted from 0"
    fix = f"write `{count - 1}` instead of `{head}` for the last one; to add one, set the whole list"
    return error(CODE, message, fix=fix if count else "set the whole list")


def _dotted(found: re.Match[str]) -> str:
    return f".{found[1]}"


def _as_node(value: Plain | Node, source: Source) -> Node:
    """A plain value as if it had been written in a document."""
    if isinstance(value, Node):
        return value
    if isinstance(value, dict):
        made = MapNode(source, 1, 1)
        made.entries = {str(key): _as_node(item, source) for key, item in value.items()}
        made.keys = {key: Scalar(source, 1, 1, key, key, False, len(key)) for key in made.entries}
        return made
    if isinstance(value, list):
        listed = ListNode(source, 1, 1)
        listed.items = [_as_node(item, source) for item in value]
        return listed
    text = format(Decimal(repr(value)), "f") if isinstance(value, float) else str(value)
    return Scalar(source, 1, 1, value, text, False, len(text))


def parse_assignment(text: str) -> tuple[str, Plain] | Diagnostic:
    """``path=value`` from a command line; the value is YAML."""
    path, equals, value = text.partition("=")
    if not equals or not path:
        fix = "write `kind/name.field.path=value`"
        return error(CODE, f"{shortened(text)!r} is no assignment", fix=fix)
    if not value.strip():
        fix = f'write a value behind `=`; an empty text is `{path}=""`'
        return error(CODE, f"`{path}` is given no value", fix=fix)
    trees, problems = parse(Source(f"--set {path}", value))
    if problems or len(trees) != 1:
        return problems[0] if problems else error(CODE, f"{shortened(text)!r} has no value")
    return path.strip(), trees[0].plain()
