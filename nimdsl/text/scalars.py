"""Plain scalars: what an unquoted word of YAML is.

The law: YAML 1.2's core schema, and only where YAML 1.1 reads the same; a word
that the two read differently is refused ("quote it"), so a document means one
thing to every tool.  The judge of YAML 1.1 is PyYAML's own table of resolvers,
with ``y`` and ``n`` added: booleans by the letter of YAML 1.1, not to PyYAML.
``0o17`` is taken although PyYAML sees text there.  Quoted scalars are text
and never come here; the tree is built in :mod:`nimdsl.text.tree`.
"""

from __future__ import annotations

import math
import re
from typing import NamedTuple

import yaml.resolver

Value = str | int | float | bool | None

INT64_MAX = 2**63 - 1
INT64_MIN = -(2**63)


class Reading(NamedTuple):
    """What a plain scalar is; ``code`` is empty, or the rule that it breaks, with message and fix."""

    value: Value
    code: str = ""
    message: str = ""
    fix: str = ""


def read_plain(text: str) -> Reading:
    """The value of the plain scalar ``text``, and what is wrong with it, if anything."""
    word = WORDS.get(text)
    if word is not None:
        return word
    if text[:1] not in NUMBER_STARTS:
        return Reading(text)
    return _read_number(text)


def shortened(text: str) -> str:
    """``text`` as a message can hold it."""
    return text if len(text) <= 40 else text[:39] + "…"


NUMBER_STARTS = frozenset("+-.0123456789")
_DECIMAL = re.compile(r"(?:0|[1-9][0-9]{0,17})(\.[0-9]+)?")
"""What most numbers look like, and every version of YAML reads alike."""
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_RESOLVERS_1_1 = yaml.resolver.Resolver.yaml_implicit_resolvers
_KINDS_1_1 = {"int": "a number", "float": "a number", "timestamp": "a date", "str": "text"}
_DIGITS_MAX = 400


def _ambiguous(
    text: str, there: str, here: str, instead: str = "", version: str = "YAML 1.1 (PyYAML)"
) -> Reading:
    message = f"`{shortened(text)}` is {there} in {version} and {here} in YAML 1.2"
    quote = f'quote it: "{shortened(text)}"'
    fix = f"{quote}, or write {instead} if that is meant" if instead else quote
    if instead and text[0] in "+-.0123456789":
        fix = f"write {instead}, or if text is meant {quote}"
    return Reading(text, "NIM0110", message, fix)


def _words() -> dict[str, Reading]:
    words = {"": Reading(None), "~": Reading(None), "null": Reading(None)}
    words |= {"true": Reading(True), "false": Reading(False)}
    for lower, meaning in {
        "y": "true",
        "yes": "true",
        "on": "true",
        "n": "false",
        "no": "false",
        "off": "false",
    }.items():
        for text in (lower, lower.capitalize(), lower.upper()):
            version = "the text of YAML 1.1" if lower in ("y", "n") else "YAML 1.1 (PyYAML)"
            words[text] = _ambiguous(text, f"the boolean `{meaning}`", "text", f"`{meaning}`", version)
    for lower in ("true", "false", "null"):
        for text in (lower.capitalize(), lower.upper()):
            fix = f'write `{lower}`, or quote it: "{text}"'
            words[text] = Reading(words[lower].value, "NIM0110", f"`{text}` is not in lower case", fix)
    words["="] = _ambiguous("=", "a default value", "text")
    words["<<"] = _ambiguous("<<", "a merge key", "text")
    return words


WORDS = _words()


def _kind_1_1(text: str) -> str:
    for tag, pattern in _RESOLVERS_1_1.get(text[0], ()):
        if pattern.match(text):
            return str(tag).rpartition(":")[2]
    return "str"


def _read_number(text: str) -> Reading:
    if decimal := _DECIMAL.fullmatch(text):
        return Reading(float(text) if decimal[1] else int(text))
    if _NOT_FINITE.fullmatch(text):
        message = f"`{text}` is not a finite number"
        return Reading(text, "NIM0110", message, f'write a number, or quote it: "{text}"')
    there = _kind_1_1(text)
    if _INT.fullmatch(text):
        return _read_int(text, there)
    if _FLOAT.fullmatch(text):
        return _read_float(text, there)
    if there == "str":
        return Reading(text)
    return _ambiguous(text, _KINDS_1_1.get(there, f"of type {there}"), "text", _without_underscores(text))


def _without_underscores(text: str) -> str:
    plain = text.replace("_", "")
    usable = (
        plain != text and (_INT.fullmatch(plain) or _FLOAT.fullmatch(plain)) and not read_plain(plain).code
    )
    return f"`{shortened(plain)}`" if usable else ""


def _read_int(text: str, there: str) -> Reading:
    digits = text.lstrip("+-")
    if len(digits) > _DIGITS_MAX:
        return _too_large(text, INT64_MIN if text.startswith("-") else INT64_MAX)
    base = {"0o": 8, "0x": 16}.get(digits[:2], 10)
    value = int(text, base)
    if base == 10 and len(digits) > 1 and digits.startswith("0"):
        octal = f"`0o{digits.lstrip('0') or '0'}` (octal) or " if there == "int" else ""
        meaning = "an octal number" if there == "int" else "text"
        return _ambiguous(text, meaning, "a decimal number", f"{octal}`{value}`")._replace(value=value)
    if not INT64_MIN <= value <= INT64_MAX:
        return _too_large(text, INT64_MIN if value < 0 else INT64_MAX)
    return Reading(value)


def _too_large(text: str, nearest: int) -> Reading:
    message = f"`{shortened(text)}` does not fit into 64 bits ({INT64_MIN} to {INT64_MAX})"
    return Reading(nearest, "NIM0116", message, "write a number in this range; in quotes it is text")


def _read_float(text: str, there: str) -> Reading:
    value = float(text)
    if not math.isfinite(value):
        message = f"`{shortened(text)}` does not fit into a 64-bit real (-1.79e+308 to 1.79e+308)"
        return Reading(text, "NIM0116", message, "write a number in this range; in quotes it is text")
    if there == "float":
        return Reading(value)
    reading = _ambiguous(text, _KINDS_1_1.get(there, there), "a number", f"`{both_float(value)}`")
    return reading._replace(value=value)


def both_float(value: float) -> str:
    """``value`` in the form that both versions read as a real: with a point, and a sign in the exponent."""
    text = repr(value)
    return text.replace("e", ".0e") if "e" in text and "." not in text else text
