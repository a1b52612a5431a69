"""JSON Schemas of messages: one engine decides, before a run and in it.

The engine is jsonschema-rs with the regular expressions of Rust's `regex`, which
match in linear time and read ``\\d``, ``\\w`` and ``\\s`` as ASCII.  Formats are checked.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import jsonschema_rs

FORMATS = (
    "date",
    "date-time",
    "duration",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "json-pointer",
    "time",
    "uri",
    "uri-reference",
    "uuid",
)
"""The formats that are checked, and so the ones that may be asked for."""
_LINEAR = jsonschema_rs.RegexOptions()


def validator_of(schema: dict[str, Any]) -> jsonschema_rs.Validator:
    """The validator of ``schema``.  Raises jsonschema_rs.ValidationError when it is none."""
    return jsonschema_rs.validator_for(
        schema, pattern_options=_LINEAR, validate_formats=True, ignore_unknown_formats=False
    )


@lru_cache(maxsize=4_096)
def _matcher(pattern: str) -> jsonschema_rs.Validator:
    return validator_of({"pattern": pattern})


def is_pattern(pattern: str) -> bool:
    """Whether the engine takes ``pattern``."""
    try:
        _matcher(pattern)
    except jsonschema_rs.ValidationError:
        return False
    return True


def matches(pattern: str, text: str) -> bool:
    """Whether ``pattern`` is found in ``text``, as the engine reads it."""
    return bool(_matcher(pattern).is_valid(text))


_REPAIRS = (
    (r"\A", "^"),
    (r"\Z", "$"),
    ("(?>", "(?:"),
    ("{,", "{0,"),
    (r"[\b]", r"\x08"),
    (r"\e", r"\x1b"),
    (r"\h", r"[ \t]"),
    (r"\0", r"\x00"),
)
_COMMENT = re.compile(r"\(\?#[^)]*\)")
_LONE_BRACE = re.compile(r"(?<!\\)\{(?![0-9]+(?:,[0-9]*)?\})")
_ABSENT = (
    (re.compile(r"\(\?<?[=!]"), "it cannot look ahead or behind", "say what the whole text looks like"),
    (
        re.compile(r"\(\?P=|\\[1-9]|\\k<"),
        "it cannot refer back to a group",
        "write out what may stand there",
    ),
)


def why_no_pattern(pattern: str) -> tuple[str, str]:
    """What the engine does not take of ``pattern``, and what to write instead; both may be empty."""
    instead = _repaired(pattern)
    if instead:
        return "", f"write `{instead}`"
    for absent, message, fix in _ABSENT:
        if absent.search(pattern):
            return message, fix
    if re.search(r"\{[0-9,]+\}", pattern) and is_pattern(re.sub(r"\{[0-9,]+\}", "*", pattern)):
        return "its repetitions are too large", "repeat less often, or use `maxLength`"
    return "", r"close every bracket, and write `\` before a sign that stands for itself, as in `\{`"


def _repaired(pattern: str) -> str:
    """The pattern with other dialects' words for the same replaced, if the engine takes that."""
    repaired = _COMMENT.sub("", pattern)
    for foreign, own in _REPAIRS:
        repaired = repaired.replace(foreign, own)
    for instead in (repaired, _LONE_BRACE.sub(r"\\{", repaired)):
        if is_pattern(instead):
            return instead
    return ""
