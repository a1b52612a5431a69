"""Documents: gathered from trees, checked for structure, instantiated, indexed by kind and name.

A document that is broken keeps its place in the index, so that nobody who
refers to it is blamed for its faults.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from nimdsl.base.canonical import Plain
from nimdsl.base.diagnostics import NOWHERE, Diagnostic, Place, error
from nimdsl.base.words import with_article
from nimdsl.expression.check import Scope, infer
from nimdsl.expression.evaluate import Fault, closure
from nimdsl.expression.syntax import Literal, SyntaxMistake
from nimdsl.expression.template import parse_template, type_of
from nimdsl.kinds import kind_names
from nimdsl.schema.structure import check_envelope, check_structure
from nimdsl.text.source import Source
from nimdsl.text.tree import ListNode, MapNode, Node, Scalar

INSTANCE_COUNT_MAX = 10_000


@dataclass(frozen=True)
class Document:
    """One document, or one instance of a document with ``for``."""

    kind: str
    name: str
    root: MapNode
    constants: Mapping[str, Literal] = field(default_factory=dict)
    broken: bool = False

    @property
    def spec(self) -> MapNode:
        """The spec; only of a document that is not broken."""
        spec = self.root.entries["spec"]
        assert isinstance(spec, MapNode)
        return spec

    @property
    def place(self) -> Place:
        """Where its name stands."""
        return self.root.place if self._name is None else self._name.place

    @property
    def template(self) -> str:
        """Its name as it is written, with ``${...}`` in it for instances."""
        return self._name.text if isinstance(self._name, Scalar) else self.name

    @property
    def _name(self) -> Node | None:
        metadata = self.root.get("metadata")
        return metadata.get("name") if isinstance(metadata, MapNode) else None


@dataclass(frozen=True)
class Documents:
    """All documents by kind and name."""

    by_kind: Mapping[str, Mapping[str, Document]]
    damaged: bool
    """Whether something was lost on the way that others may refer to."""
    sources: tuple[Source, ...] = ()
    recordings: Mapping[str, Source | Diagnostic] = field(default_factory=dict)
    """The files of arrivals that scenarios name, or why one cannot be had; by name."""
    changes: Mapping[str, Plain] = field(default_factory=dict)
    """What was changed for one run, which may explore what nobody would deploy."""

    @property
    def overridden(self) -> bool:
        """Whether anything was changed."""
        return bool(self.changes)

    def get(self, kind: str, name: str) -> Document | None:
        """The document, or None."""
        return self.by_kind[kind].get(name)

    def of(self, kind: str) -> Mapping[str, Document]:
        """Every document of a kind, sorted by name."""
        return self.by_kind[kind]


def gather(roots: Iterable[Node], lost: bool = False) -> tuple[Documents, tuple[Diagnostic, ...]]:
    """The documents in ``roots`` and everything that is wrong with their structure and names.

    ``lost`` says that there were more of them, which could not be read.
    """
    index: dict[str, dict[str, Document]] = {kind: {} for kind in kind_names()}
    found: list[Diagnostic] = []
    for root in roots:
        kind, name, diagnostics = check_envelope(root)
        found += diagnostics
        if not kind:
            lost = True
            continue
        assert isinstance(root, MapNode)
        for document in _instances(kind, name, root, found):
            lost = lost or document.broken
            _enter(index[kind], document, found)
    by_kind = {kind: dict(sorted(documents.items())) for kind, documents in index.items()}
    return Documents(by_kind, lost), tuple(found)


def _enter(known: dict[str, Document], document: Document, found: list[Diagnostic]) -> None:
    if not document.name:
        return
    other = known.get(document.name)
    if other is None:
        known[document.name] = document
        return
    where = f"{other.place.file}:{other.place.line}" if other.place.line else "above"
    message = f"{with_article(document.kind)} named `{document.name}` exists already ({where})"
    found.append(error("NIM0208", message, document.place, "give one of them another name"))


def _instances(kind: str, name: str, root: MapNode, found: list[Diagnostic]) -> list[Document]:
    problems = check_structure(kind, root)
    found += problems
    if problems or root.damaged:
        return [Document(kind, name, root, broken=True)]
    spec = root.entries["spec"]
    assert isinstance(spec, MapNode)
    variables = spec.get("for")
    if variables is None:
        if "${" not in name:
            return [Document(kind, name, root)]
        message = f"`{name}` uses `${{...}}` but the document has no `for`"
        found.append(error("NIM0209", message, Document(kind, name, root).place, "add `for:` to its spec"))
        return [Document(kind, name, root, broken=True)]
    return _expanded(kind, root, variables, found)


def _expanded(kind: str, root: MapNode, variables: Node, found: list[Diagnostic]) -> list[Document]:
    documents: list[Document] = []
    count = math.prod(
        len(n.items) for n in getattr(variables, "entries", {}).values() if isinstance(n, ListNode)
    )
    if count > INSTANCE_COUNT_MAX:
        message = f"`for` makes {count} instances; {INSTANCE_COUNT_MAX} are allowed"
        found.append(error("NIM0210", message, variables.place))
        return [Document(kind, "", root, broken=True)]
    name_node = Document(kind, "", root).root.entries["metadata"]
    assert isinstance(name_node, MapNode)
    template = name_node.entries["name"]
    assert isinstance(template, Scalar)
    for constants in combinations(variables):
        rendered = render(template, constants)
        if isinstance(rendered, Diagnostic):
            found.append(rendered)
            return [Document(kind, template.text, root, broken=True)]
        documents.append(Document(kind, rendered, root, constants))
    if repeated := _repeated(template, variables, documents):
        found.append(repeated)
        return [Document(kind, template.text, root, broken=True)]
    return documents


def _repeated(template: Scalar, variables: Node, documents: list[Document]) -> Diagnostic | None:
    """NIM0209: a name that several instances would have."""
    names = [document.name for document in documents]
    assert isinstance(variables, MapNode)
    if len({*names}) == len(names):
        return None
    missing = [
        name for name in variables.entries if not re.search(rf"\$\{{[^}}]*\b{name}\b", template.text)
    ]
    message = f"`{template.text}` would name {names.count(names[0])} instances: a name tells them apart"
    fix = "put what differs into the name"
    if missing:
        whole = "-".join([template.text, *(f"${{{name}}}" for name in missing)])
        fix = f'put the variable into the name: `"{whole}"`'
    return error("NIM0209", message, template.place, fix)


def combinations(variables: Node | None) -> list[dict[str, Literal]]:
    """Every combination of the values of a ``for``, at most 10,000; one empty one without it."""
    if not isinstance(variables, MapNode):
        return [{}]
    lists = [node.plain() for node in variables.entries.values() if isinstance(node, ListNode)]
    values = itertools.islice(itertools.product(*lists), INSTANCE_COUNT_MAX)
    return [
        {name: constant(value) for name, value in zip(variables.entries, combination, strict=True)}
        for combination in values
    ]


def constant(value: Any) -> Literal:
    """A plain value as a literal."""
    return Literal(value, type_of(value))


def render(node: Scalar, constants: Mapping[str, Literal]) -> str | Diagnostic:
    """The text of a template that uses nothing but constants."""
    text = str(node.value)
    if "${" not in text:
        return text
    scope = Scope({}, constants)
    try:
        tree = parse_template(text)
        _, mistakes = infer(tree, scope)
        if mistakes:
            return error(mistakes[0].code, mistakes[0].message, node.place, mistakes[0].fix)
        return str(closure(tree, scope)({}))
    except SyntaxMistake as mistake:
        return error("NIM0302", mistake.message, node.place, mistake.fix)
    except Fault as fault:
        return error("NIM0304", str(fault), node.place or NOWHERE)
