"""The numbers of messages: JSON has one type of them, expressions have two."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nimdsl
from nimdsl.expression import types
from runtime.kernel import messages
from runtime.kernel.messages import read, taken

SCHEMA = nimdsl.load_text(
    """
apiVersion: nimdsl.dev/v1
kind: Schema
metadata: {name: count}
spec:
  role: request
  type: COUNT
  payload:
    type: object
    properties:
      whole: {type: integer}
      size: {type: number}
      flag: {type: boolean}
      list: {type: array, items: {type: object, properties: {whole: {type: integer}, size: {type: number}}}}
      free: {anyOf: [{type: number}, {type: string}]}
"""
).schemas["count"]
FIELDS = {
    "whole": st.integers(-9, 9) | st.integers(-9, 9).map(float),
    "size": st.integers(-9, 9) | st.floats(-9, 9),
}
PAYLOADS = st.fixed_dictionaries(
    {},
    optional={
        **FIELDS,
        "flag": st.booleans(),
        "list": st.lists(st.fixed_dictionaries({}, optional=FIELDS), max_size=2),
        "free": st.integers(0, 3) | st.just("x"),
    },
)


def message(payload: Any) -> dict[str, Any]:
    return {"$schema": "count", "type": "COUNT", "payload": payload}


def a_message_has_the_types_of_its_schema(payload: dict[str, Any]) -> None:
    found, reason = taken(SCHEMA, message(payload))
    assert not reason
    inside: Any = found["payload"]
    assert inside == payload
    for one in (inside, *inside.get("list", ())):
        assert type(one.get("whole", 0)) is int
        assert type(one.get("size", 0.0)) is float
    assert type(inside.get("flag", True)) is bool
    assert type(inside.get("free", 1)) is type(payload.get("free", 1))


def test_it_has() -> None:
    given(PAYLOADS)(a_message_has_the_types_of_its_schema)()


def test_the_law_kills_a_message_as_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "_numbers", lambda kind: None)
    with pytest.raises((AssertionError, ExceptionGroup)):
        given(PAYLOADS)(a_message_has_the_types_of_its_schema)()


def test_what_no_type_holds_is_malformed() -> None:
    for value in ("1" + "0" * 30, "1e30"):
        text = f'{{"$schema":"count","type":"COUNT","payload":{{"whole":{value}}}}}'
        assert read(SCHEMA, text) == ({}, "payload: an integer does not fit into 64 bits")
    assert taken(SCHEMA, message({"size": 2**53 + 1}))[1].startswith("payload: this integer is too large")
    assert SCHEMA.payload_type.field("whole") == types.INT
