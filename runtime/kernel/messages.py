"""Messages against their schemas: what an actor may believe of text that came from outside.

The kernel checks the body of a message (schema name, type, status, payload);
request id and timestamp belong to the wire.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

import jsonschema_rs

from nimdsl.base import canonical
from nimdsl.base.json_schema import validator_of
from nimdsl.base.units import INT64_MAX
from nimdsl.base.values import Fields, Value
from nimdsl.expression.functions import real_of
from nimdsl.expression.types import Type, element_of
from nimdsl.program import Schema

MESSAGE_BYTES_MAX = 1 << 20
DELTA_MAX = 1_000_000
"""LF: as much as one amount of an economy can be."""


def taken(schema: Schema, message: Fields) -> tuple[Fields, str]:
    """The message with its numbers in the types of ``schema``, and why it does not satisfy that.

    JSON knows one type of numbers: ``3.0`` is an integer and ``3`` a number, and each becomes what
    expressions take it for.
    """
    reason = problem(schema, message)
    convert = _numbers(schema.payload_type)
    if reason or convert is None or "payload" not in message:
        return message, reason
    try:
        payload = convert(message["payload"])
    except ValueError as wrong:
        return message, f"payload: {wrong}"
    return ({**message, "payload": payload}, "")


@lru_cache(maxsize=4_096)
def _numbers(kind: Type) -> Callable[[Value], Value] | None:
    """What puts the numbers of a valid value into its type; None where there are none."""
    if kind.name in ("int", "real"):
        return _whole if kind.name == "int" else _real
    if kind.name == "list":
        item = _numbers(element_of(kind))
        return None if item is None else lambda value: _listed(item, value)
    parts = {name: part for name, one in kind.fields or () if (part := _numbers(one)) is not None}
    return (lambda value: _fields(parts, value)) if parts else None


def _whole(value: Value) -> Value:
    if isinstance(value, float):
        value = int(value)
    if isinstance(value, int) and not -INT64_MAX - 1 <= value <= INT64_MAX:
        raise ValueError("an integer does not fit into 64 bits")
    return value


def _real(value: Value) -> Value:
    return real_of(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _listed(item: Callable[[Value], Value], value: Value) -> Value:
    return [item(one) for one in value] if isinstance(value, list) else value


def _fields(parts: Mapping[str, Callable[[Value], Value]], value: Value) -> Value:
    if not isinstance(value, dict):
        return value
    return {name: parts[name](one) if name in parts else one for name, one in value.items()}


def problem(schema: Schema, message: Fields) -> str:
    """Why ``message`` does not satisfy ``schema``, in one line; empty when it does."""
    validator = _validator(schema)
    if not validator.is_valid(message):
        return _explained(validator, message)
    if schema.role == "reply" and message.get("status") == "ACK" and "payload" not in message:
        return "message: an ACK carries a payload"
    delta = message.get("lifeforce_delta", 0)
    if isinstance(delta, int | float) and abs(delta) > DELTA_MAX:
        return f"lifeforce_delta: beyond {DELTA_MAX} LF"
    return ""


def _explained(validator: jsonschema_rs.Validator, message: Fields) -> str:
    """The first thing that is wrong, in an order of its own: that of the engine is nobody's promise."""
    errors = sorted(
        validator.iter_errors(message),
        key=lambda error: (list(map(str, error.instance_path)), error.message),
    )
    return f"{_path(errors[0].instance_path)}: {errors[0].message}"[:300]


def read(schema: Schema, text: Value) -> tuple[Value, str]:
    """The message in ``text`` (JSON) and why it is not one; the message is ``{}`` then."""
    if not isinstance(text, str) or len(text) > MESSAGE_BYTES_MAX:
        return {}, "not a text of at most 1 MiB"
    try:
        message = canonical.decode(text.encode())
        canonical.encode(message)
    except (ValueError, RecursionError) as error:
        return {}, f"not JSON: {error}"[:300]
    found, reason = taken(schema, message)
    return (dict(found), "") if not reason else ({}, reason)


def _path(path: Iterable[object]) -> str:
    return ".".join(map(str, path)) or "message"


_KNOWN: dict[int, tuple[Schema, jsonschema_rs.Validator]] = {}
"""By identity: a schema is not hashable.  The schema is kept, so that no other one gets its number."""
KNOWN_COUNT_MAX = 4_096


def _validator(schema: Schema) -> jsonschema_rs.Validator:
    known = _KNOWN.get(id(schema))
    if known is None:
        if len(_KNOWN) >= KNOWN_COUNT_MAX:
            _KNOWN.clear()
        known = _KNOWN[id(schema)] = (schema, validator_of(dict(schema.body)))
    return known[1]
