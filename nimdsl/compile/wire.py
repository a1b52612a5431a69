"""Compiles ``Schema``: the payload's JSON Schema becomes a message's, and a type for expressions.

Only keywords that constrained generation can honour are let in; what else
JSON Schema has is refused with its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema_rs

from nimdsl.base.json_schema import FORMATS, is_pattern, why_no_pattern
from nimdsl.base.suggest import phrase
from nimdsl.compile.reader import Findings, Reader
from nimdsl.expression import types
from nimdsl.expression.types import Type, list_of, record_of
from nimdsl.program import Schema
from nimdsl.schema.remedies import items_of, unseparated, written
from nimdsl.text.scalars import shortened
from nimdsl.text.tree import ListNode, MapNode, Node, Scalar

STATUSES = ("ACK", "NACK", "RETRY")
"""What a reply can say that became of its request."""
KEYWORDS = (
    "type",
    "description",
    "title",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "enum",
    "const",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "pattern",
    "format",
    "anyOf",
)
_JSON_TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")
_TYPES = {"integer": types.INT, "number": types.REAL, "string": types.STRING, "boolean": types.BOOL}


def compile_schema(findings: Findings, reader: Reader) -> Schema | None:
    """The message's schema, or None when it is wrong."""
    payload = reader.sub("payload")
    assert payload is not None
    _check_keywords(findings, payload.node)
    if findings.failed:
        return None
    plain = payload.node.plain()
    if not jsonschema_rs.meta.is_valid(plain):
        _report_schema(findings, payload.node, plain)
        return None
    name, role = findings.document.name, reader.text("role")
    body = _body(name, role, reader.text("type"), _without_prose(plain))
    full = _body(name, role, reader.text("type"), plain)
    wire_fields = {"request_id": {"type": "string"}, "timestamp": {"type": "string"}}
    wire = {
        **full,
        "properties": {**full["properties"], **wire_fields},
        "required": [*full["required"], *wire_fields],
    }
    return Schema(name, role, reader.text("type"), schema_type(plain, name), body, wire)


def _report_schema(findings: Findings, node: Any, plain: Mapping[str, Any]) -> None:
    """Says where a payload is no JSON Schema."""
    from jsonschema import Draft202012Validator  # slow to import, and wanted only for mistakes
    from jsonschema.exceptions import best_match

    meta = Draft202012Validator(Draft202012Validator.META_SCHEMA)
    problem: Any = best_match(meta.iter_errors(plain))
    place = node.place
    for key in problem.absolute_path if problem else ():
        place = node.key_place(key) if isinstance(node, MapNode) else place
        node = node.entries[key] if isinstance(node, MapNode) else node.items[key]
    reason = problem.message[:160] if problem else "jsonschema-rs refuses it"
    wanted, fix = getattr(problem, "validator_value", None), ""
    if isinstance(node, Scalar) and wanted == "array" and (items := items_of(node)):
        place, fix = node.place, f"write `{written(items)}`"
    findings.report("NIM0305", f"not a JSON Schema: {reason}", place, fix)


def _without_prose(schema: Any) -> Any:
    """A JSON Schema without what constrains nothing, so that no word of it changes a hash."""
    if not isinstance(schema, dict):
        return schema
    kept = {key: value for key, value in schema.items() if key not in ("description", "title")}
    if "properties" in kept:
        kept["properties"] = {name: _without_prose(part) for name, part in kept["properties"].items()}
    for key in ("items", "additionalProperties"):
        if key in kept:
            kept[key] = _without_prose(kept[key])
    if "anyOf" in kept:
        kept["anyOf"] = [_without_prose(part) for part in kept["anyOf"]]
    return kept


def _body(name: str, role: str, type_: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "$schema": {"const": name},
        "type": {"const": type_},
        "payload": dict(payload),
    }
    required = ["$schema", "type"]
    if role == "reply":
        properties["status"] = {"enum": [*STATUSES]}
        properties["reason"] = {"type": "string", "maxLength": 1_000}
        properties["lifeforce_delta"] = {"type": "number"}
        required.append("status")
    else:
        required.append("payload")
    return {"type": "object", "additionalProperties": False, "required": required, "properties": properties}


def _check_keywords(findings: Findings, schema: MapNode) -> None:
    for key in schema.entries:
        if key not in KEYWORDS:
            message, fix = unseparated(key, KEYWORDS)
            message = message or f"`{key}` is not among the keywords that every garden can honour"
            findings.report("NIM0305", message, schema.key_place(key), fix or phrase(key, KEYWORDS))
    _check_type(findings, schema.get("type"))
    _check_pattern(findings, schema.get("pattern"))
    form = schema.get("format")
    if isinstance(form, Scalar) and isinstance(form.value, str) and form.value not in FORMATS:
        message = f"the format `{form.value}` is not among those that are checked"
        findings.report("NIM0305", message, form.place, phrase(form.value, FORMATS))
    for inner in _inner(schema):
        _check_keywords(findings, inner)


def _check_type(findings: Findings, kind: Node | None) -> None:
    for node in kind.items if isinstance(kind, ListNode) else (kind,):
        if isinstance(node, Scalar) and node.value not in _JSON_TYPES:
            message = f"`{shortened(node.text)}` is no type of JSON Schema"
            findings.report("NIM0305", message, node.place, phrase(node.text, _JSON_TYPES))


def _check_pattern(findings: Findings, pattern: Node | None) -> None:
    if isinstance(pattern, Scalar) and isinstance(pattern.value, str) and not is_pattern(pattern.value):
        reason, fix = why_no_pattern(pattern.value)
        message = "not a regular expression that a run can match" + (f": {reason}" if reason else "")
        findings.report("NIM0305", message, pattern.place, fix)


def _inner(schema: MapNode) -> Iterator[MapNode]:
    properties = schema.get("properties")
    if isinstance(properties, MapNode):
        yield from (node for node in properties.entries.values() if isinstance(node, MapNode))
    for key in ("items", "additionalProperties"):
        node = schema.get(key)
        if isinstance(node, MapNode):
            yield node
    any_of = schema.get("anyOf")
    yield from (node for node in getattr(any_of, "items", ()) if isinstance(node, MapNode))


def schema_type(schema: Mapping[str, Any] | bool, source: str = "") -> Type:
    """The type of the values that a JSON Schema describes; ``any`` where it leaves them open."""
    if isinstance(schema, bool):
        return types.ANY
    kind = schema.get("type")
    if kind == "object":
        if "properties" not in schema:
            return types.RECORD
        fields = {key: schema_type(part, source) for key, part in schema["properties"].items()}
        return record_of(fields, source)
    if kind == "array":
        return list_of(schema_type(schema.get("items", {}), source))
    if isinstance(kind, str) and kind in _TYPES:
        return _TYPES[kind]
    values = schema.get("enum", [schema["const"]] if "const" in schema else [])
    kinds = {types.STRING if isinstance(v, str) else _number(v) for v in values}
    return kinds.pop() if len(kinds) == 1 else types.ANY


def _number(value: Any) -> Type:
    if isinstance(value, bool):
        return types.BOOL
    return {int: types.INT, float: types.REAL}.get(type(value), types.ANY)
