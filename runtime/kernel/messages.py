"""Messages against their schemas: what an actor may believe of text that came from outside.

The kernel checks the body of a message (schema name, type, status, payload);
request id and timestamp belong to the wire.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import jsonschema_rs
from jsonschema import Draft202012Validator

from nimdsl.base import canonical
from nimdsl.base.values import Fields, Value
from nimdsl.program import Schema

MESSAGE_BYTES_MAX = 1 << 20
DELTA_MAX = 1_000_000
"""LF: as much as one amount of an economy can be."""


def problem(schema: Schema, message: Fields) -> str:
    """Why ``message`` does not satisfy ``schema``, in one line; empty when it does."""
    if not _quick(schema).is_valid(message):
        reason = _explained(schema, message)
        if reason:
            return reason
    if schema.role == "reply" and message.get("status") == "ACK" and "payload" not in message:
        return "message: an ACK carries a payload"
    delta = message.get("lifeforce_delta", 0)
    if isinstance(delta, int | float) and abs(delta) > DELTA_MAX:
        return f"lifeforce_delta: beyond {DELTA_MAX} LF"
    return ""


def _explained(schema: Schema, message: Fields) -> str:
    """The first thing that is wrong, in the words of the slow validator, whose verdict counts."""
    errors = sorted(
        _validator(canonical.encode(schema.body)).iter_errors(message),
        key=lambda error: (list(map(str, error.absolute_path)), error.message),
    )
    return f"{_path(errors[0].absolute_path)}: {errors[0].message}"[:300] if errors else ""


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


@lru_cache(maxsize=4_096)
def _validator(schema: bytes) -> Draft202012Validator:
    decoded: Mapping[str, Value] = canonical.decode(schema)
    return Draft202012Validator(decoded)


_QUICK: dict[int, tuple[Schema, Any]] = {}
"""By identity: a schema is not hashable.  The schema is kept, so that no other one gets its number."""
QUICK_COUNT_MAX = 4_096


def _quick(schema: Schema) -> Any:
    """A validator that only knows yes and no, fifty times as fast."""
    known = _QUICK.get(id(schema))
    if known is None:
        if len(_QUICK) >= QUICK_COUNT_MAX:
            _QUICK.clear()
        known = _QUICK[id(schema)] = (schema, jsonschema_rs.validator_for(dict(schema.body)))
    return known[1]
