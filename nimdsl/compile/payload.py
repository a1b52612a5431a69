"""Can a payload satisfy its schema?  What is known before the run is judged before the run.

Constant parts are validated, computed parts must have a fitting type, and what
the schema requires must be there.  What only the run can tell is left to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nimdsl.base.diagnostics import Place
from nimdsl.base.json_schema import validator_of
from nimdsl.base.suggest import misspelt, phrase
from nimdsl.base.words import JSON_TYPES
from nimdsl.compile.reader import Reader
from nimdsl.compile.value_fixes import of_computed
from nimdsl.compile.wire import schema_type
from nimdsl.expression.check import Scope, infer
from nimdsl.expression.evaluate import Fault, closure
from nimdsl.expression.syntax import ExpressionNode as Tree
from nimdsl.expression.syntax import Name, SyntaxMistake, children
from nimdsl.expression.template import is_template, parse_template
from nimdsl.expression.types import ANY, accepts
from nimdsl.program import Schema
from nimdsl.schema.remedies import of_bound, of_type
from nimdsl.schema.structure import what_is
from nimdsl.text.alignment import place_within
from nimdsl.text.tree import ListNode, MapNode, Node, Scalar

CODE = "NIM0306"


def check_payload(reader: Reader, scope: Scope, schema: Schema) -> None:
    """Reports where the payload of ``reader`` cannot satisfy ``schema``."""
    node = reader.node.get("payload")
    wanted = schema.body["properties"]["payload"]
    if node is None:
        if wanted.get("required"):
            message = f"`{schema.name}` requires a payload with {_listed(wanted['required'])}"
            reader.findings.report(CODE, message, reader.place(), "add `payload:`")
        return
    place = reader.place("payload")
    _Checker(reader, reader.scope(scope), schema.name).visit(node, wanted, place)


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


class _Checker:
    def __init__(self, reader: Reader, scope: Scope, name: str) -> None:
        self.reader = reader
        self.scope = scope
        self.name = name

    def visit(self, node: Node, schema: Mapping[str, Any], place: Place) -> None:
        """Judges one node."""
        if not isinstance(schema, Mapping) or "anyOf" in schema:
            return
        if isinstance(node, MapNode) and schema.get("type", "object") == "object":
            self._object(node, schema, place)
        elif isinstance(node, ListNode) and schema.get("type") == "array":
            for item in node.items:
                self.visit(item, schema.get("items", {}), item.place)
        elif isinstance(node, Scalar):
            self._scalar(node, schema)
        else:
            self._validate(node.plain(), schema, place)

    def _object(self, node: MapNode, schema: Mapping[str, Any], place: Place) -> None:
        known = schema.get("properties", {})
        closed = schema.get("additionalProperties") is False
        meant = misspelt(node.entries, known) if closed else ()
        for key in schema.get("required", ()):
            if key not in node.entries and key not in meant:
                message = f"`{self.name}` requires `{key}`"
                self.reader.findings.report(CODE, message, place, f"add `{key}:`")
        for key, value in node.entries.items():
            if key in known:
                self.visit(value, known[key], node.key_place(key))
            elif closed:
                message = f"`{self.name}` has no field `{key}`"
                self.reader.findings.report(CODE, message, node.key_place(key), phrase(key, known))

    def _scalar(self, node: Scalar, schema: Mapping[str, Any]) -> None:
        if not is_template(node):
            self._validate(node.value, schema, node.place, node)
            return
        try:
            tree = parse_template(str(node.value))
        except SyntaxMistake:
            return
        kind, mistakes = infer(tree, self.scope)
        if mistakes:
            return
        if _constant(tree, self.scope):
            try:
                self._validate(closure(tree, self.scope)({}), schema, node.place)
            except Fault as fault:
                self.reader.findings.report(CODE, str(fault), node.place)
        elif not accepts(wanted := schema_type(schema), kind) and ANY not in (wanted, kind):
            part, fix = of_computed(tree, kind, wanted, self.scope)
            where = node.place if part is tree else place_within(node, part.start, part.end)
            self.reader.findings.report(
                CODE, f"`{self.name}` wants {wanted} here, this is {kind}", where, fix
            )

    def _validate(
        self, value: Any, schema: Mapping[str, Any], place: Place, node: Scalar | None = None
    ) -> None:
        """Judges a value; ``node`` is the scalar that it is written as, if it is one."""
        problem = next(iter(validator_of(dict(schema)).iter_errors(value)), None)
        if problem is None:
            return
        keyword = str(problem.schema_path[-1])
        message = f"`{self.name}` does not allow this: {problem.message[:160]}"
        options, wanted = schema.get("enum"), schema.get("type")
        fix = phrase(str(value), [str(option) for option in options]) if options else ""
        if keyword == "type" and node is not None and isinstance(wanted, str):
            message = f"`{self.name}` wants {JSON_TYPES[wanted]} here, this is {what_is(node)}"
            fix = of_type("Schema", schema, "", node)
        elif keyword in schema and keyword in _BOUNDS:
            fix = of_bound("Schema", schema, keyword, "")
        self.reader.findings.report(CODE, message, place, fix)


_BOUNDS = ("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems")


def _constant(tree: Tree, scope: Scope) -> bool:
    if isinstance(tree, Name):
        return tree.name in scope.constants
    return all(_constant(child, scope) for child in children(tree))
