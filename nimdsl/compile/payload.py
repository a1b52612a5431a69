"""Can a payload satisfy its schema?  What is known before the run is judged before the run.

Constant parts are validated, computed parts must have a fitting type, and what
the schema requires must be there.  What only the run can tell is left to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nimdsl.base.diagnostics import Place
from nimdsl.base.json_schema import validator_of
from nimdsl.base.suggest import phrase
from nimdsl.compile.reader import Reader
from nimdsl.compile.wire import schema_type
from nimdsl.expression.check import Scope, infer
from nimdsl.expression.evaluate import Fault, closure
from nimdsl.expression.syntax import ExpressionNode as Tree
from nimdsl.expression.syntax import Name, SyntaxMistake, children
from nimdsl.expression.template import is_template, parse_template
from nimdsl.expression.types import ANY, accepts
from nimdsl.program import Schema
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
        for key in schema.get("required", ()):
            if key not in node.entries:
                message = f"`{self.name}` requires `{key}`"
                self.reader.findings.report(CODE, message, place, f"add `{key}:`")
        for key, value in node.entries.items():
            if key in known:
                self.visit(value, known[key], node.key_place(key))
            elif schema.get("additionalProperties") is False:
                message = f"`{self.name}` has no field `{key}`"
                self.reader.findings.report(CODE, message, node.key_place(key), phrase(key, known))

    def _scalar(self, node: Scalar, schema: Mapping[str, Any]) -> None:
        if not is_template(node):
            self._validate(node.value, schema, node.place)
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
            self.reader.findings.report(
                CODE, f"`{self.name}` wants {wanted} here, this is {kind}", node.place
            )

    def _validate(self, value: Any, schema: Mapping[str, Any], place: Place) -> None:
        problem = next(iter(validator_of(dict(schema)).iter_errors(value)), None)
        if problem is not None:
            message = f"`{self.name}` does not allow this: {problem.message[:160]}"
            options = schema.get("enum")
            fix = phrase(str(value), [str(option) for option in options]) if options else ""
            self.reader.findings.report(CODE, message, place, fix)


def _constant(tree: Tree, scope: Scope) -> bool:
    if isinstance(tree, Name):
        return tree.name in scope.constants
    return all(_constant(child, scope) for child in children(tree))
