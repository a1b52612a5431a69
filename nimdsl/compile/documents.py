"""Documents: gathered from trees, checked for structure, instantiated, indexed by kind and name.

A document that is broken keeps its place in the index, so that nobody who
refers to it is blamed for its faults.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from nimdsl.base.canonical import Plain
from nimdsl.base.diagnostics import NOWHERE, Diagnostic, Place, Severity, error
from nimdsl.base.words import with_article
from nimdsl.compile.constants import (
    INSTANCE_COUNT_MAX,
    Filling,
    NamedValue,
    combinations,
    count_of,
    is_for,
)
from nimdsl.kinds import kind_names, kinds
from nimdsl.schema.structure import check_envelope, check_structure
from nimdsl.text.source import Source
from nimdsl.text.tree import MapNode, Node, Scalar


@dataclass(frozen=True)
class Document:
    """One document, or one instance of a document with ``for``."""

    kind: str
    name: str
    root: MapNode
    """With its constants filled in."""
    written: MapNode
    """As it was written; all instances of one document share it."""
    variables: Mapping[str, NamedValue] = field(default_factory=dict)
    """The values of its ``for``."""
    constants: Mapping[str, NamedValue] = field(default_factory=dict)
    """These and its ``parameters``."""
    broken: bool = False
    number: int = 0
    """Its place among the instances."""

    @property
    def spec(self) -> MapNode:
        """The spec; of a broken document that has none, or one that is no map, an empty map."""
        spec = self.root.entries.get("spec")
        if isinstance(spec, MapNode):
            return spec
        assert self.broken
        return MapNode(self.root.source, self.root.line, self.root.column)

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
        metadata = self.written.get("metadata")
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
    families: dict[str, Any] = field(init=False, default_factory=dict, compare=False, repr=False)
    """The families of each kind, once somebody asked (:mod:`nimdsl.compile.families`)."""

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
    """The document, or one for each combination of its ``for``."""
    spec = root.get("spec")
    variables = spec.get("for") if isinstance(spec, MapNode) and _may_loop(kind) else None
    if isinstance(variables, MapNode) and not is_for(variables):
        return [_unknowable(kind, name, root, variables, found)]
    if not is_for(variables):
        return [instance(kind, name, root, {}, found)]
    if (count := count_of(variables)) > INSTANCE_COUNT_MAX:
        message = f"`for` makes {count} instances; {INSTANCE_COUNT_MAX} are allowed"
        found.append(error("NIM0210", message, variables.place if variables else NOWHERE))
        return [Document(kind, "", root, root, broken=True)]
    if count == 1 and variables is not None:
        message, fix = "this `for` makes one instance", "say `parameters:`, each with its value"
        found.append(Diagnostic("NIM0213", Severity.NOTE, message, variables.place, fix))
    documents: list[Document] = []
    told: set[Diagnostic] = set()
    for constants in combinations(variables):
        own: list[Diagnostic] = []
        made = instance(kind, name, root, constants, own)
        documents.append(replace(made, number=len(documents)))
        found += [one for one in own if one not in told]
        told |= {*own}
    if len({one.name for one in documents}) == len(documents):
        return documents
    if "${" not in documents[0].name:  # else it has no value, which is told
        found.append(_repeated(documents))
    return [replace(documents[0], broken=True)]


def _unknowable(
    kind: str, name: str, root: MapNode, variables: MapNode, found: list[Diagnostic]
) -> Document:
    """A document whose ``for`` is wrong: only that is told, for all else hangs on its values."""
    known = {one.place for one in (*variables.keys.values(), *variables.entries.values())}
    problems = check_structure(kind, root)
    found += [one for one in problems if one.place in known] or problems
    return Document(kind, name, root, root, broken=True)


def _repeated(documents: list[Document]) -> Diagnostic:
    """NIM0209: a name that several instances would have."""
    names = [document.name for document in documents]
    first = documents[0]
    missing = [one for one in first.variables if not re.search(rf"\$\{{[^}}]*\b{one}\b", first.template)]
    message = f"`{first.template}` would name {names.count(names[0])} instances: a name tells them apart"
    fix = "put what differs into the name"
    if missing:
        whole = "-".join([first.template, *(f"${{{name}}}" for name in missing)])
        fix = f'put the variable into the name: `"{whole}"`'
    return error("NIM0209", message, first.place, fix)


def instance(
    kind: str, name: str, root: MapNode, variables: Mapping[str, NamedValue], found: list[Diagnostic]
) -> Document:
    """One document with its constants filled in; what is wrong with its structure goes to ``found``."""
    filling = Filling(_looped(kind))
    filled, constants = filling.document(root, variables)
    problems = filling.found or check_structure(kind, filled, constants)
    found += problems
    named = _name_of(filled) or name
    return Document(kind, named, filled, root, variables, constants, bool(problems) or root.damaged)


def _name_of(root: MapNode) -> str:
    metadata = root.get("metadata")
    name = metadata.get("name") if isinstance(metadata, MapNode) else None
    return str(name.value) if isinstance(name, Scalar) and isinstance(name.value, str) else ""


def _may_loop(kind: str) -> bool:
    return "for" in kinds()[kind].spec()["properties"]


@cache
def _looped(kind: str) -> frozenset[str]:
    """The lists in a spec whose items may have a ``for`` of their own."""
    fields = kinds()[kind].spec()["properties"].items()
    return frozenset(key for key, one in fields if "for" in one.get("items", {}).get("properties", {}))
