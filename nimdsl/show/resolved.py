"""Resolved documents: constants put in, handshakes written out, defaults filled.

The law: a resolved document put in the place of the one that it came from
does the same.  What is only implied (a perfect bus) stays
implied; a default is filled in wherever its map is, or may be left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import yaml

from nimdsl.base.canonical import Plain
from nimdsl.base.printable import is_visible
from nimdsl.compile.documents import Document
from nimdsl.expression.check import Scope
from nimdsl.expression.evaluate import Fault, closure
from nimdsl.expression.functions import as_text
from nimdsl.expression.syntax import (
    ExpressionNode,
    Field,
    Index,
    ListOf,
    Literal,
    Macro,
    Name,
    SyntaxMistake,
    Text,
    children,
    parse,
    unparse,
    with_children,
)
from nimdsl.expression.template import parse_template, type_of
from nimdsl.kinds.schemas import document_schema, resolve
from nimdsl.text.scalars import read_plain
from nimdsl.text.tree import ListNode, MapNode, Scalar
from nimdsl.text.tree import Node as Tree

Constants = Mapping[str, Literal]


def resolve_document(document: Document) -> dict[str, Plain]:
    """The whole document as plain data."""
    schema = document_schema(document.kind)
    return _map(document.kind, document.root, schema, document.constants)


def _node(kind: str, node: Tree, schema: Mapping[str, Any], constants: Constants) -> Plain:
    schema = resolve(kind, schema)
    if isinstance(node, MapNode):
        return _map(kind, node, schema, constants)
    if isinstance(node, ListNode):
        return _list(kind, node, schema.get("items", {}), constants)
    assert isinstance(node, Scalar)
    if not constants or not isinstance(node.value, str):
        return node.value
    if schema.get("x-type") == "expression":
        return put_in_expression(node.value, constants)
    return put_in_template(node.value, constants)


def _map(kind: str, node: MapNode, schema: Mapping[str, Any], constants: Constants) -> dict[str, Plain]:
    known, free = schema.get("properties", {}), schema.get("additionalProperties")
    looped = ("for", "parameters") if "for" in known else ()
    found: dict[str, Plain] = {}
    for key, value in node.entries.items():
        if key not in looped:
            part = known.get(key, free if isinstance(free, Mapping) else {})
            found[key] = _node(kind, value, part, constants)
    return {**found, **_defaults(kind, schema, found)}


def _list(kind: str, node: ListNode, schema: Mapping[str, Any], constants: Constants) -> list[Plain]:
    more = [item.variables if isinstance(item, MapNode) else {} for item in node.items]
    return [
        _node(kind, item, schema, {**constants, **own}) for item, own in zip(node.items, more, strict=True)
    ]


def _defaults(kind: str, schema: Mapping[str, Any], found: Mapping[str, Plain]) -> dict[str, Plain]:
    if schema.get("maxProperties") == 1:
        return {}
    filled: dict[str, Plain] = {}
    for key, part in schema.get("properties", {}).items():
        if key in found:
            continue
        part = resolve(kind, part)
        if "default" in part and not {*part.get("x-not-beside", ())} & {*found}:
            filled[key] = part["default"]
        elif _may_be_implied(part):
            inner = _defaults(kind, part, {})
            filled |= {key: inner} if inner else {}
    return filled


def _may_be_implied(part: Mapping[str, Any]) -> bool:
    """Whether leaving a map out means the same as writing its defaults."""
    plain = part.get("type") == "object" and part.get("properties")
    return bool(plain) and not part.get("required") and not part.get("x-optional")


# Constants


def put_in_expression(text: str, constants: Constants) -> str:
    """An expression with the constants' values in place of their names."""
    try:
        return unparse(substituted(parse(text), constants))
    except SyntaxMistake:
        return text


def put_in_template(text: str, constants: Constants) -> Plain:
    """A template with the constants' values; one that is nothing but constants becomes its value."""
    if "${" not in text:
        return text
    try:
        tree = parse_template(text)
        if _is_constant(tree, constants):
            return closure(tree, Scope({}, constants))({})
    except (SyntaxMistake, Fault):
        return text
    parts = tree.parts if isinstance(tree, Text) else (tree,)
    return "".join(_written(substituted(part, constants), isinstance(part, Literal)) for part in parts)


def _written(part: ExpressionNode, literal: bool) -> str:
    if isinstance(part, Literal) and (literal or isinstance(part.value, int | float | str | bool)):
        return as_text((part.type,), part.value)
    return "${" + unparse(part) + "}"


def substituted(node: ExpressionNode, constants: Constants) -> ExpressionNode:
    """The tree with what is constant replaced by its value, where expressions can write that value."""
    if isinstance(node, Name | Field | Index) and _is_constant(node, constants):
        try:
            value = _tree(closure(node, Scope({}, constants))({}))
        except Fault:
            value = None
        if value is not None:
            return value
    if isinstance(node, Macro):
        inside = {name: value for name, value in constants.items() if name != node.variable}
        target, body = substituted(node.target, constants), substituted(node.body, inside)
        return replace(node, target=target, body=body)
    return with_children(node, lambda part: substituted(part, constants))


def _is_constant(node: ExpressionNode, constants: Constants) -> bool:
    if isinstance(node, Name):
        return node.name in constants
    if isinstance(node, Macro):
        return False
    return all(_is_constant(child, constants) for child in children(node))


def _tree(value: Plain) -> ExpressionNode | None:
    """A value as an expression writes it; None where it cannot."""
    if isinstance(value, list):
        items = [_tree(item) for item in value]
        return None if None in items else ListOf(tuple(item for item in items if item is not None))
    return None if isinstance(value, dict) or value is None else Literal(value, type_of(value))


# YAML


class _Dumper(yaml.SafeDumper):
    """Writes text in quotes wherever the language would read it differently without."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    reading = read_plain(value)
    style = '"' if reading.code or reading.value != value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def to_yaml(data: Plain) -> str:
    """Plain data as YAML that the language reads as the same data; what cannot be seen is escaped."""
    text = _dumped(data, allow_unicode=True)
    return text if is_visible(text.replace("\n", "")) else _dumped(data, allow_unicode=False)


def _dumped(data: Plain, allow_unicode: bool) -> str:
    return str(
        yaml.dump(
            data,
            Dumper=_Dumper,
            sort_keys=False,
            default_flow_style=None,
            width=110,
            allow_unicode=allow_unicode,
        )
    )
