"""Why a text is no expression, in words: what was meant, from what stands around the first wrong sign.

Words of other languages are in :mod:`nimdsl.expression.habits`; what has no explanation here "is not
expected".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from nimdsl.base.meant_units import meant_duration, meant_lifeforce
from nimdsl.base.units import meant_bytes
from nimdsl.expression import habits


class Explanation(NamedTuple):
    """What is wrong, where (an offset and a length), and what to write there."""

    message: str
    offset: int
    fix: str = ""
    length: int = 1


_NUMBER = re.compile(r"(?<![\w.$])(\d+(?:\.\d+)?)\s*\Z")
_UNIT = re.compile(
    r"\s*((?:[A-Za-z\xb5\u03bc]+(?:\s*\d+(?:\.\d+)?\s*[A-Za-z\xb5\u03bc]+)*)|[$\u20ac\xa3\xa5])(?!\w)"
)
_MONEY = re.compile(r"[$\u20ac\xa3\xa5]\s*\d+(?:\.\d+)?(?![\w.])")
_DECIMALS = re.compile(r",(\d+)(?![\w.])")
_QUOTES = "\u201c\u201d\u201e\xab\xbb\u2018\u2019\u201a\u2039\u203a"
_CURLY = re.compile(rf"[{_QUOTES}]([^{_QUOTES}\"'`]*)[{_QUOTES}]")
_STARRED = re.compile(r"\b([A-Za-z_]\w*)\.([A-Za-z_][\w-]*-\*(?:-[\w*]+)*|\*)")
_ORDERS = ("<", "<=", ">", ">=")
_COMPARISONS = (*_ORDERS, "==", "!=")
_PARTING = ("&&", "||", "?", ":", ",")
_SIGN = re.compile(r"""\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|&&|\|\||==|!=|<=|>=|[()\[\]{}?:,<>]""")


def explained(text: str, offset: int | None) -> Explanation:
    """What is wrong with ``text``, of which ``offset`` is the first character that fits no more.

    None where something is missing at the end.
    """
    if offset is None:
        return Explanation("the expression ends too early", max(0, len(text) - 1))
    if text.lstrip().startswith("${"):
        return Explanation("this is an expression already", offset, "write it without `${` and `}`")
    start, word, meant = habits.word(text, offset)
    if meant:
        return Explanation(f"`{word}` is no operator here", start, f"write `{meant}`", len(word))
    rest = text[offset:]
    found = _unit(text, offset) or _decimal(text, offset) or _quotes(text, offset) or _starred(text, offset)
    if found is not None:
        return found
    if rest.startswith(":") and (fix := habits.sliced(text, offset)):
        return Explanation("a list is not cut with `:`", offset, fix)
    start, signs, meant = habits.operator(text, offset)
    if meant:
        why = " to compare" if meant == "==" else ""
        return Explanation(f"`{signs}` is no operator", start, f"write `{meant}`{why}", len(signs))
    if rest.startswith("%"):
        message = "`%` is no operator (a share is written `40%`)"
        return Explanation(message, offset, habits.remainder(text, offset))
    word = rest.split()[0] if rest.split() else rest
    return _chained(text, offset) or Explanation(f"`{word[:20]}` is not expected here", offset)


def _unit(text: str, offset: int) -> Explanation | None:
    """A number with a unit that there is not, or with one that stands apart; an amount of money."""
    if money := _MONEY.match(text, offset):
        message = f"`{money[0][0]}` is no unit: amounts are in lifeforce"
        return Explanation(message, offset, f"write `{meant_lifeforce(money[0])}LF`", len(money[0]))
    number, unit = _NUMBER.search(text[:offset]), _UNIT.match(text, offset)
    if number is None or unit is None:
        return None
    begin, whole = number.start(1), text[number.start(1) : unit.end()]
    message = f"`{unit[1]}` is no unit"
    likely = meant_duration(whole)
    if not likely and (bytes_unit := meant_bytes(unit[1])):
        likely = f"`{number[1]}{bytes_unit}`"
    if not likely and (unit[1].upper() == "LF" or meant_lifeforce(whole)):
        likely = f"`{number[1]}LF`"
    if likely.startswith(f"`{number[1]}{unit[1]}`"):
        message = f"a unit stands right behind its number: `{unit[1]}` stands alone here"
    return Explanation(message, begin, f"write {likely}", len(whole)) if likely else None


def _decimal(text: str, offset: int) -> Explanation | None:
    """A number with a comma for its point."""
    number, rest = _NUMBER.search(text[:offset]), _DECIMALS.match(text, offset)
    if number is None or rest is None or not text[:offset].endswith(number[1]):
        return None
    whole = f"{number[1]}{rest[0]}"
    return Explanation(
        "a number has a point", number.start(1), f"write `{number[1]}.{rest[1]}`", len(whole)
    )


def _quotes(text: str, offset: int) -> Explanation | None:
    """A quote of a word processor."""
    if text[offset] not in _QUOTES:
        return None
    message = f"`{text[offset]}` is no quote here"
    found = _CURLY.match(text, offset)
    if found is None:
        return Explanation(message, offset, 'write `"`')
    return Explanation(message, offset, f'write `"{found[1]}"`', len(found[0]))


def _starred(text: str, offset: int) -> Explanation | None:
    """The name of a family, read as a field."""
    for found in _STARRED.finditer(text):
        if found.start() < offset <= found.end() and "*" in text[offset - 1 : offset + 1]:
            message = f"`*` multiplies here: a name that holds one is no field of `{found[1]}`"
            fix = f'read it by an index: `{found[1]}["{found[2]}"]`'
            return Explanation(message, found.start(), fix, len(found[0]))
    return None


def _chained(text: str, offset: int) -> Explanation | None:
    """``0 < x < 9``: two comparisons in a row."""
    signs = [*_signs(text)]
    second = next((one for one in signs if one.start == offset and one.text in _COMPARISONS), None)
    if second is None:
        return None
    before, after = ([one for one in signs if part(one.start)] for part in (offset.__gt__, offset.__lt__))
    begin = max((one.end for one in before if one.parts(second.depth, "([{")), default=0)
    end = min((one.start for one in after if one.parts(second.depth, ")]}")), default=len(text))
    inside = (one for one in before if one.start >= begin and one.depth == second.depth)
    first = next((one for one in inside if one.text in _COMPARISONS), None)
    if first is None:
        return None
    spans = ((begin, first.start), (first.end, offset), (second.end, end))
    left, middle, right = (text[one:other].strip() for one, other in spans)
    begin = text.index(left, begin)
    meant = f"({left} {first.text} {middle}) {second.text} {right}"
    alike = (first.text in _ORDERS) == (second.text in _ORDERS) and "!=" not in (first.text, second.text)
    if alike:
        meant = f"{left} {first.text} {middle} && {middle} {second.text} {right}"
    length = len(text[begin:end].rstrip())
    sound = left and middle and right
    message = "comparisons do not stand in a row"
    return Explanation(message, begin, f"write `{meant}`", length) if sound else None


class _Sign(NamedTuple):
    """A sign outside strings; a bracket is as deep as what it stands in."""

    start: int
    end: int
    text: str
    depth: int

    def parts(self, depth: int, brackets: str) -> bool:
        """Whether a comparison of that depth ends at it, or at one of the ``brackets`` around it."""
        around = self.text in brackets and self.depth == depth - 1
        return around or (self.depth == depth and self.text in _PARTING)


def _signs(text: str) -> Iterator[_Sign]:
    depth = 0
    for found in _SIGN.finditer(text):
        sign = found[0]
        if sign[0] in "\"'":
            continue
        depth -= sign in ")]}"
        yield _Sign(found.start(), found.end(), sign, depth)
        depth += sign in "([{"
