"""Canonical bytes: the one serialisation that hashes, journals and snapshots share.

JSON with sorted keys, no spaces, UTF-8, Python's ``repr`` for floats, and
neither NaN nor infinity nor negative zero (SEMANTICS 2.3).  Equal values give
equal bytes on every machine, and ``decode(encode(value)) == value`` for plain
data: None, bool, int, float, str, list, and dict with string keys.
"""

from __future__ import annotations

import hashlib
import json
import math
from json import encoder
from typing import Any, NoReturn

Plain = Any
"""None, bool, int, finite float, str, list of Plain, dict of str to Plain."""

_ENCODER = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, check_circular=False
)


# What the encoder makes anew for each value, made once; where Python has it in C.
_make: Any = getattr(encoder, "c_make_encoder", None)
_PARTS: Any = (
    _make(None, _ENCODER.default, encoder.encode_basestring, None, ":", ",", True, False, False)
    if _make
    else lambda value, _: _ENCODER.iterencode(value)
)


def encode(value: Plain) -> bytes:
    """Canonical bytes of plain data.  Raises ValueError for NaN and infinity."""
    return "".join(_PARTS(value, 0)).encode()


def decode(data: bytes) -> Plain:
    """The plain data that ``encode`` wrote; a negative zero from outside is read as zero.

    Raises ValueError for what is no JSON, and for what ``encode`` would not write again: NaN, infinity,
    numbers beyond a float, halves of characters.
    """
    value = json.loads(data, parse_float=_real, parse_constant=_refused)
    if b"\\u" in data:
        encode(value)  # only an escape can stand for half a character
    return value


def _real(text: str) -> float:
    value = float(text) + 0.0
    return value if math.isfinite(value) else _refused(text)


def _refused(text: str) -> NoReturn:
    raise ValueError(f"no JSON: {text} is no finite number")


def sha256(value: Plain) -> str:
    """Hexadecimal SHA-256 of the canonical bytes of ``value``."""
    return hashlib.sha256(encode(value)).hexdigest()
