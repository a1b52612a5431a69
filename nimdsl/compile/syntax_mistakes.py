"""What to say of text that is no expression, where YAML had a hand in it."""

from __future__ import annotations

import re

from nimdsl.base.diagnostics import Place
from nimdsl.expression.syntax import SyntaxMistake, parse
from nimdsl.expression.template import parse_template
from nimdsl.text.alignment import place_within, rest_of_line
from nimdsl.text.flow_text import quoted
from nimdsl.text.invisible import INVISIBLE, message_and_fix
from nimdsl.text.tree import Scalar

_WRITTEN = re.compile(r"`[^`]*`")


def said_of_syntax(node: Scalar, mistake: SyntaxMistake) -> tuple[str, Place, str]:
    """Message, place and fix for a mistake in the expression or template of a scalar."""
    text = str(node.value)
    if INVISIBLE.match(text, mistake.offset):
        message, fix = message_and_fix(text[mistake.offset])
        return message, place_within(node, mistake.offset, mistake.offset + 1), fix
    rest = "" if node.quoted else rest_of_line(node)
    if rest.lstrip().startswith("#") and _goes_on(text, text + rest):
        place = place_within(node, len(text), len(text) + 1)
        begin = place.column + len(rest) - len(rest.lstrip())
        message = "` #` begins a comment, which cuts the expression off"
        whole = (text + rest).replace("'", "''")
        cut = node.source.place(place.line, begin)
        return message, cut, f"quote the whole: `'{whole}'`"
    place, fix = corrected(node, mistake.offset, mistake.offset + mistake.length, mistake.fix)
    return _undashed(node, place) or (mistake.message, place, fix)


def corrected(node: Scalar, start: int, end: int, fix: str) -> tuple[Place, str]:
    """The place of a part of a scalar's text, and its fix as it can be written there.

    Inside double quotes strings have single ones.  A text without quotes cannot begin with one.
    """
    lines, text = node.source.lines, str(node.value)
    sign = lines[node.line - 1][node.column - 1 : node.column] if 0 < node.line <= len(lines) else ""
    if node.quoted and sign == '"':
        fix = _WRITTEN.sub(lambda one: one[0] if "'" in one[0] else one[0].replace('"', "'"), fix)
    elif not node.quoted and start == 0 and (new := _WRITTEN.search(fix)) and new[0].startswith('`"'):
        whole = f"{new[0][1:-1]}{text[end:]}"
        return node.place, f"{fix.removesuffix(new[0])}`{quoted(whole)}`"
    return place_within(node, start, end), fix


def _undashed(node: Scalar, place: Place) -> tuple[str, Place, str] | None:
    """An item without its dash is, to YAML, more of the item above."""
    line = node.source.lines[place.line - 1]
    begin = len(line) - len(line.lstrip())
    above = node.source.lines[node.line - 1][: node.column - 1]
    if node.quoted or place.line == node.line or not above.endswith("- ") or place.column != begin + 1:
        return None
    first = re.match(r"\w+|.", line[begin:])
    word = first[0] if first else ""
    dash = len(above) - len("- ")
    where = node.source.place(place.line, dash + 1, begin - dash + len(word))
    message = f"a `- ` is missing before `{word}`: this goes on with the line above"
    return message, where, f"write `- {word}`"


def _goes_on(text: str, whole: str) -> bool:
    """Whether a text that is no expression is one with the comment behind it, or an open string."""
    try:
        parse_template(whole) if "${" in whole else parse(whole)
    except SyntaxMistake:
        return text.count('"') % 2 == 1 or text.count("'") % 2 == 1
    return True
