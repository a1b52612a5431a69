"""Constants: the variables of ``for`` and the ``parameters`` of a document, filled in before it is read.

The law: ``${...}`` over constants alone is replaced by its value first, wherever it stands, and what comes
out is read as if it had been written there: its unit, its range, its name.  A plain value with a unit
(``30s``, ``40%``, ``4LF``, ``20GiB``) is a quantity, quoted it is text; a name gets it as it was written.
``for`` makes an instance for each combination of its values; in a list whose items may have one it makes
items.

Text that also reads something else stays a template, in which constants are literals (:class:`Scope`).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from nimdsl.base.diagnostics import Diagnostic, error
from nimdsl.base.units import PARSERS, format_lifeforce, parse_lifeforce
from nimdsl.expression import types
from nimdsl.expression.check import Scope, infer
from nimdsl.expression.evaluate import Fault, closure
from nimdsl.expression.functions import as_text
from nimdsl.expression.syntax import ExpressionNode, Literal, Name, SyntaxMistake, Text, free_names
from nimdsl.expression.template import parse_template, type_of
from nimdsl.expression.types import QUANTITIES, Type
from nimdsl.text.tree import ListNode, MapNode, Node, Scalar

INSTANCE_COUNT_MAX = 10_000
"""How many instances a ``for`` makes at most, and all of those inside one document together."""


@dataclass(frozen=True, slots=True)
class NamedValue(Literal):
    """The value of a constant, and the text that was written for it."""

    written: str = field(default="", compare=False)


Constants = Mapping[str, NamedValue]


def constant_of(node: Node) -> NamedValue:
    """The constant that a node is: a plain scalar with a unit is a quantity."""
    if isinstance(node, Scalar):
        kind = "" if node.quoted or not isinstance(node.value, str) else _unit_of(node.value)
        if kind:
            return NamedValue(_PARSERS[kind](node.value), types.SCALARS[kind], written=node.text)
        return NamedValue(node.value, type_of(node.value), written=node.text)
    if isinstance(node, ListNode):
        parts = [constant_of(item) for item in node.items]
        element: Type | None = None
        for part in parts:
            element = part.type if element is None else types.join(element, part.type) or types.ANY
        return NamedValue([part.value for part in parts], types.list_of(element or types.ANY))
    assert isinstance(node, MapNode)
    named = {key: constant_of(value) for key, value in node.entries.items()}
    kinds = {key: part.type for key, part in named.items()}
    return NamedValue({key: part.value for key, part in named.items()}, types.record_of(kinds))


def _lifeforce(text: str) -> int | None:
    return parse_lifeforce(text.removesuffix("LF")) if text.endswith("LF") else None


_PARSERS: Mapping[str, Any] = {**PARSERS, "lifeforce": _lifeforce}


def _unit_of(text: str) -> str:
    """The type of a quantity that is written out; empty for any other text."""
    return next((kind for kind, parse in _PARSERS.items() if parse(text) is not None), "")


def count_of(variables: Node | None) -> int:
    """How many combinations a ``for`` has."""
    lists = getattr(variables, "entries", {}).values()
    return math.prod(len(node.items) for node in lists if isinstance(node, ListNode))


def combinations(variables: Node | None) -> Iterator[dict[str, NamedValue]]:
    """Every combination of the values of a ``for``; one empty one without it."""
    if not isinstance(variables, MapNode):
        return iter([{}])
    lists = [node.items for node in variables.entries.values() if isinstance(node, ListNode)]
    each = itertools.product(*[[constant_of(item) for item in items] for items in lists])
    return (dict(zip(variables.entries, values, strict=True)) for values in each)


@dataclass
class Filling:
    """Fills constants into nodes; what is wrong on the way is in ``found``.

    ``looped`` are the lists of a spec, by key, whose items may have a ``for``.
    """

    looped: frozenset[str] = frozenset()
    found: list[Diagnostic] = field(default_factory=list)
    _made: int = 0

    def document(self, root: MapNode, variables: Constants) -> tuple[MapNode, dict[str, NamedValue]]:
        """The document of one instance, and all of its constants: ``for`` and ``parameters``."""
        spec = root.get("spec")
        constants = dict(variables)
        if isinstance(spec, MapNode):
            constants |= self._parameters(spec, constants)
        entries = {key: self.node(value, constants) for key, value in root.entries.items() if key != "spec"}
        if isinstance(spec, MapNode):
            entries["spec"] = self._spec(spec, constants)
        elif spec is not None:
            entries["spec"] = spec
        ordered = {key: entries[key] for key in root.entries}
        return _map_like(root, ordered, root.keys), constants

    def _parameters(self, spec: MapNode, variables: Constants) -> dict[str, NamedValue]:
        """The ``parameters``; each may read the ``for`` variables and those before it."""
        node, known = spec.get("parameters"), dict(variables)
        if isinstance(node, MapNode):
            for name, value in node.entries.items():
                if name in variables:
                    message = f"`{name}` is a variable of `for` already"
                    self.found.append(
                        error("NIM0208", message, node.key_place(name), "give one of them another name")
                    )
                    continue
                known[name] = constant_of(self.node(value, known))
        return known

    def _spec(self, spec: MapNode, constants: Constants) -> MapNode:
        entries: dict[str, Node] = {}
        for key, value in spec.entries.items():
            if key in ("for", "parameters"):
                entries[key] = value
            elif key in self.looped and isinstance(value, ListNode):
                entries[key] = self._items(value, constants)
            else:
                entries[key] = self.node(value, constants)
        return _map_like(spec, entries, spec.keys)

    def _items(self, node: ListNode, constants: Constants) -> ListNode:
        listed = ListNode(node.source, node.line, node.column)
        for item in node.items:
            variables = item.get("for") if isinstance(item, MapNode) else None
            if not isinstance(item, MapNode) or not is_for(variables):
                listed.items.append(self.node(item, constants))
                continue
            self._made += (count := count_of(variables))
            if self._made > INSTANCE_COUNT_MAX:
                message = f"`for` makes {count} instances; {INSTANCE_COUNT_MAX} are allowed"
                self.found.append(error("NIM0210", message, item.key_place("for")))
                break
            entries = {key: value for key, value in item.entries.items() if key != "for"}
            bare = _map_like(item, entries, item.keys)
            for more in combinations(variables):
                filled = self._map(bare, {**constants, **more})
                made = _map_like(filled, filled.entries, filled.keys)
                made.variables = more
                listed.items.append(made)
        return listed

    def node(self, node: Node, constants: Constants) -> Node:
        """The node with constants filled in: the same one where there is nothing to fill."""
        if isinstance(node, Scalar):
            value = node.value
            return self._scalar(node, constants) if type(value) is str and "${" in value else node
        assert isinstance(node, ListNode | MapNode)
        if not node.templated:
            return node
        if isinstance(node, ListNode):
            items = [self.node(item, constants) for item in node.items]
            if all(new is old for new, old in zip(items, node.items, strict=True)):
                return node
            listed = ListNode(node.source, node.line, node.column)
            listed.items = items
            return listed
        return self._map(node, constants)

    def _map(self, node: MapNode, constants: Constants) -> MapNode:
        changed = {
            key: made
            for key, value in node.entries.items()
            if (made := self.node(value, constants)) is not value
        }
        filled = {**node.entries, **changed} if changed else node.entries
        if "${" not in "".join(filled):
            return _map_like(node, filled, node.keys) if changed else node
        entries: dict[str, Node] = {}
        keys: dict[str, Scalar] = {}
        for key, value in filled.items():
            written = node.keys.get(key)
            if written is not None and "${" in key:
                written = self._key(written, constants)
                if written.text in entries:
                    message, fix = f"`{written.text}` stands here twice", "write another key"
                    self.found.append(error("NIM0109", message, written.place, fix))
            name = key if written is None else str(written.value)
            entries[name] = value
            if written is not None:
                keys[name] = written
        return _map_like(node, entries, keys)

    def _key(self, node: Scalar, constants: Constants) -> Scalar:
        filled = self._scalar(node, constants)
        if not isinstance(filled, Scalar):
            return node
        return _scalar_like(node, filled.text, filled.text, quoted=True)

    def _scalar(self, node: Scalar, constants: Constants) -> Node:
        try:
            tree = parse_template(str(node.value))
        except SyntaxMistake:
            return node  # told where it is read, if it is read as a template there
        if not free_names(tree) <= {*constants}:
            return node
        scope = Scope({}, constants)
        kind, mistakes = infer(tree, scope)
        if mistakes:
            one = mistakes[0]
            self.found.append(error(one.code, one.message, node.place, one.fix))
            return node
        try:
            return self._filled(node, tree, kind, scope)
        except Fault as fault:
            self.found.append(error("NIM0304", str(fault), node.place))
            return node

    def _filled(self, node: Scalar, tree: ExpressionNode, kind: Type, scope: Scope) -> Node:
        if isinstance(tree, Text):
            text = "".join(part_text(part, scope) for part in tree.parts)
            return _scalar_like(node, text, text, quoted=True)
        written = _written(tree, scope)
        return as_node(node, closure(tree, scope)({}), kind, written)


def part_text(node: ExpressionNode, scope: Scope) -> str:
    """What a part of a template is as text: constants as they were written."""
    if written := _written(node, scope):
        return written
    kind, _ = infer(node, scope)
    return as_text((kind,), closure(node, scope)({}))


def _written(node: ExpressionNode, scope: Scope) -> str:
    found = scope.constants.get(node.name) if isinstance(node, Name) else None
    return found.written if isinstance(found, NamedValue) else ""


def as_node(at: Scalar, value: Any, kind: Type, written: str = "") -> Node:
    """A value as a node at the place of ``at``, as if it had been written there."""
    if isinstance(value, list):
        listed = ListNode(at.source, at.line, at.column)
        listed.items = [as_node(at, item, kind.element or types.ANY) for item in value]
        return listed
    if isinstance(value, dict):
        entries = {key: as_node(at, item, kind.field(key) or types.ANY) for key, item in value.items()}
        made = MapNode(at.source, at.line, at.column)
        made.entries = entries
        made.keys = {key: _scalar_like(at, key, key, quoted=False) for key in entries}
        return made
    if kind in QUANTITIES:
        text = written or as_text((kind,), value)
        plain: Any = text
        if kind == types.LIFEFORCE:
            plain = float(format_lifeforce(value)) if value % 1_000_000 else value // 1_000_000
            text = format_lifeforce(value)
        scalar = _scalar_like(at, plain, text, quoted=False)
        scalar.quantity = (kind.name, value)
        return scalar
    return _scalar_like(at, value, as_text((kind,), value), quoted=isinstance(value, str))


def is_for(node: Node | None) -> bool:
    """Whether a node is a ``for`` that can be taken apart; any other is for its schema to refuse."""
    return (
        isinstance(node, MapNode)
        and bool(node.entries)
        and all(isinstance(one, ListNode) and one.items for one in node.entries.values())
    )


def _scalar_like(at: Scalar, value: Any, text: str, quoted: bool) -> Scalar:
    made = Scalar(at.source, at.line, at.column, value, text, quoted, at.length)
    made.template = str(at.value)
    return made


def _map_like(at: MapNode, entries: dict[str, Node], keys: Mapping[str, Scalar]) -> MapNode:
    made = MapNode(at.source, at.line, at.column)
    made.entries, made.keys, made.damaged = entries, {**keys}, at.damaged
    return made
