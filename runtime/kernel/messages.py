"""Messages against their schemas: what an actor may believe of text that came from outside.

The kernel checks the body of a message (schema name, type, status, payload);
request id and timestamp belong to the wire.
"""

from __future__ import annotations

from collections.abc import Iterable

import jsonschema_rs

from nimdsl.base import canonical
from nimdsl.base.json_schema import validator_of
from nimdsl.base.values import Fields, Value
from nimdsl.program import Schema

MESSAGE_BYTES_MAX = 1 << 20
DELTA_MAX = 1_000_000
"""LF: as much as one amount of an economy can be."""


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
    reason = problem(schema, message)
    return (message, "") if not reason else ({}, reason)


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
