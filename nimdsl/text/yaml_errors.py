"""Syntax errors in words: what the YAML scanner found, said to a person.

Takes an error of PyYAML (either loader) and gives a diagnostic: NIM0113 for a
tab used as indentation, NIM0112 for a tag, NIM0106 for everything else.  An
error that has no sentence here keeps the scanner's own.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import yaml

from nimdsl.base.diagnostics import Diagnostic, Place, error
from nimdsl.text.flow_text import CUT, cut_text, missing_comma
from nimdsl.text.invisible import INVISIBLE, message_and_fix
from nimdsl.text.scalars import shortened
from nimdsl.text.source import Source


class _Sentence(NamedTuple):
    needle: str
    message: str
    fix: str


_KEY_FIX = "align it with the other keys; quote text that holds `: ` or that begins with a quote or bracket"
_SENTENCES = (
    _Sentence(
        "mapping values are not allowed",
        "a `:` where no key can stand",
        "quote text that holds `: `, or correct the indentation (also of the line above)",
    ),
    _Sentence(
        "sequence entries are not allowed",
        "a list cannot begin on the line of its key",
        "put each `- item` on a line of its own, or write `[item, item]`",
    ),
    _Sentence(
        "expected ',' or ']'",
        "the list opened by `[`{opened} goes on without `,` or `]`",
        "close it with `]`",
    ),
    _Sentence(
        "expected ',' or '}'",
        "the map opened by `{{`{opened} goes on without `,` or `}}`",
        "close it with `}`",
    ),
    _Sentence(
        "found unexpected end of stream", "the quote opened{opened} is never closed", "close the quote"
    ),
    _Sentence(
        "found unexpected document indicator", "the quote opened{opened} is never closed", "close the quote"
    ),
    _Sentence("cannot start any token", "a value cannot begin with `{char}`", "quote it"),
    _Sentence(
        "unknown escape character",
        "inside double quotes `\\` begins an escape, and this one does not exist",
        "write `\\\\`, or use single quotes",
    ),
    _Sentence(
        "invalid Unicode character escape code",
        "this escape is no character: half of a pair, or beyond `\\U0010ffff`",
        "write the character itself",
    ),
    _Sentence("escape sequence", "this escape is not complete", "write `\\\\`, or use single quotes"),
    _Sentence(
        "could not find expected ':'", "expected `key: value`, found no `:`{opened}", "write `key: value`"
    ),
    _Sentence(
        "expected '-' indicator",
        "expected another `- item` of the list that begins{opened}",
        "align the items",
    ),
    _Sentence("expected key", "expected another `key: value` of the map that begins{opened}", _KEY_FIX),
    _Sentence("<block end>", "this does not belong to the map or list that begins{opened}", _KEY_FIX),
    _Sentence("node content", "expected a value, found `{char}`", "write a value, or quote the text"),
    _Sentence(
        "alphabetic or numeric character",
        "`&` and `*` mark anchors and aliases, and a name must follow",
        'quote the text: "*"',
    ),
    _Sentence("<document start>", "the document ended before this line", "begin the next one with `---`"),
    _Sentence("chomping or indentation", "after `|` or `>` the line must end", "begin the text below"),
    _Sentence(
        "comment or line break", "after `|` or `>` the line must end", "begin the text on the next line"
    ),
    _Sentence("incompatible YAML document", "this version of YAML is not known", "remove the `%YAML` line"),
    _Sentence(
        "directive", "a line that begins with `%` is a directive, and this one is not known", "quote it"
    ),
)
QUOTE_THE_WHOLE = "put the whole text into quotes"
INDENT_WITH_SPACES = "indent with spaces"
_GUESSES = frozenset(
    one.fix
    for one in _SENTENCES
    if re.search(
        r"^(?:align|close|quote text that|put each|write `key|write a value|quote the text)", one.fix
    )
) | {INDENT_WITH_SPACES, QUOTE_THE_WHOLE}
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def explain(problem: yaml.YAMLError | UnicodeError, source: Source) -> Diagnostic:
    """The diagnostic for ``problem``, which the parser raised while reading ``source``."""
    if not isinstance(problem, yaml.MarkedYAMLError) or problem.problem_mark is None:
        return _forbidden_character(source)
    mark = problem.problem_mark
    place = source.place(mark.line + 1, mark.column + 1)
    said = problem.problem or problem.context or "this is not YAML"
    if hidden := _invisible_near(source, place):
        return hidden
    if "\t" in source.lines[place.line - 1] and not source.lines[place.line - 1].strip():
        return error("NIM0113", "this line holds nothing but a tab", place, "empty it")
    if _indented_by_tab(source, place):
        return error("NIM0113", "a tab is used as indentation", place, INDENT_WITH_SPACES)
    if "tag" in said or "tag" in (problem.context or ""):
        return error(
            "NIM0112", "tags (`!name`) are not part of the language", place, "remove it, or quote the text"
        )
    sentence = next((each for each in _SENTENCES if each.needle in said), None)
    if sentence is None:
        return error("NIM0106", said, place)
    if "expected ','" in sentence.needle and (found := _in_flow(problem, source, place)):
        return found
    message = sentence.message.format(opened=_opened(problem, place), char=_char_at(source, place))
    return error("NIM0106", message, place, sentence.fix)


def is_guess(found: Diagnostic) -> bool:
    """Whether a diagnostic of here only says what the parser met, so that the mistake may be elsewhere."""
    if found.code not in ("NIM0106", "NIM0113"):
        return False
    return not found.fix or found.fix in _GUESSES or is_cut(found)


def is_cut(found: Diagnostic) -> bool:
    """Whether it says of a plain text that a bracket cuts it."""
    return found.message == CUT


def _invisible_near(source: Source, place: Place) -> Diagnostic | None:
    """An invisible character that passes for a space, on the line of an error or the one above."""
    for line in range(place.line, max(place.line - 2, 0), -1):
        for found in INVISIBLE.finditer(source.lines[line - 1]):
            before = source.lines[line - 1][: found.start()]
            if before.count('"') % 2 == 0 and before.count("'") % 2 == 0 and "#" not in before:
                message, fix = message_and_fix(found.group())
                return error("NIM0106", message, source.place(line, found.start() + 1), fix)
    return None


def _in_flow(problem: yaml.MarkedYAMLError, source: Source, place: Place) -> Diagnostic | None:
    """What was probably meant where text inside brackets goes on without a comma."""
    cut = _cut_by_comment(problem, source, place)
    if cut is not None:
        message = "` #` begins a comment here, and a quote before it is left open"
        return error("NIM0106", message, cut, QUOTE_THE_WHOLE)
    line = source.lines[place.line - 1]
    in_list = "sequence" in (problem.context or "")
    guess = missing_comma(line, place.column - 1) or cut_text(line, place.column - 1, in_list)
    if guess is None:
        return None
    where = source.place(place.line, guess.column + 1, guess.length)
    return error("NIM0106", guess.message, where, guess.fix)


def _cut_by_comment(problem: yaml.MarkedYAMLError, source: Source, place: Place) -> Place | None:
    """Where a comment begins inside a quote, between the opening bracket and the error."""
    first = problem.context_mark.line if problem.context_mark is not None else place.line - 1
    for number in range(first, place.line):
        for found in re.finditer(r"\s#", source.lines[number]):
            before = source.lines[number][: found.start()]
            if before.count('"') % 2 or before.count("'") % 2:
                return source.place(number + 1, found.start() + 2)
    return None


def _opened(problem: yaml.MarkedYAMLError, place: Place) -> str:
    mark = problem.context_mark
    if mark is None:
        return ""
    return f" on line {mark.line + 1}" if mark.line + 1 != place.line else f" in column {mark.column + 1}"


def _char_at(source: Source, place: Place) -> str:
    char = source.lines[place.line - 1][place.column - 1 : place.column]
    return shortened(char) or "the end of the line"


def _indented_by_tab(source: Source, place: Place) -> bool:
    line = source.lines[place.line - 1]
    return "\t" in line[: len(line) - len(line.lstrip(" \t"))]


def _forbidden_character(source: Source) -> Diagnostic:
    found = _FORBIDDEN.search(source.text)
    if found is None:
        return error("NIM0106", "this is not YAML", Place(source.name))
    before = Source(source.name, source.text[: found.start()]).lines
    place = source.place(len(before), len(before[-1]) + 1)
    message = f"the control character U+{ord(found.group()):04X} cannot stand in YAML"
    return error(
        "NIM0106", message, place, f'remove it, or write "\\u{ord(found.group()):04x}" inside double quotes'
    )
