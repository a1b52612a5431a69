"""Canonical bytes: a round trip, one order, one form of every number."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nimdsl.base.canonical import decode, encode, sha256

TEXT = st.text()
"""Without surrogates, which UTF-8 cannot hold."""
FLOATS = st.floats(allow_nan=False, allow_infinity=False).filter(
    lambda x: math.copysign(1, x) > 0 or x != 0
)
LEAVES = st.none() | st.booleans() | st.integers() | FLOATS | TEXT
PLAIN: st.SearchStrategy[Any] = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=20
)


@given(PLAIN)
def test_round_trip(value: Any) -> None:
    assert decode(encode(value)) == value
    assert encode(decode(encode(value))) == encode(value)


@given(st.dictionaries(TEXT, st.integers()))
def test_the_order_of_keys_does_not_matter(value: dict[str, int]) -> None:
    turned = dict(reversed(value.items()))
    assert encode(turned) == encode(value)
    assert sha256(turned) == sha256(value)


@pytest.mark.parametrize(
    "data",
    [b"NaN", b"-Infinity", b"[1e400]", b'{"a":-1e400}', b'"\\ud800"', b'{"\\udfff":1}', b"\xff", b"{"],
)
def test_what_cannot_be_encoded_is_not_decoded(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  all of it is a ValueError, some of it json's own
        decode(data)


def test_escapes_are_read() -> None:
    assert decode(b'"\\ud83d\\ude00\\u0000\\n"') == "\U0001f600\x00\n"


@given(FLOATS)
def test_floats_keep_every_bit_and_stay_floats(value: float) -> None:
    back = decode(encode(value))
    assert type(back) is float
    assert back.hex() == value.hex()


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ({"b": 1, "a": [1.0, 1, True, None]}, b'{"a":[1.0,1,true,null],"b":1}'),
        (0.1, b"0.1"),
        (1e16, b"1e+16"),
        (2**63 - 1, b"9223372036854775807"),
        ("Ünïcödé \u2028\n", '"Ünïcödé \u2028\\n"'.encode()),
    ],
)
def test_the_bytes_are_these(value: Any, written: bytes) -> None:
    assert encode(value) == written


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode({"x": [value]})


def test_the_hash_is_of_the_bytes() -> None:
    assert sha256({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
