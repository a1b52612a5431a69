"""What would mend a text that is no YAML: the one edit, on one line, that makes documents of it again.

A parser notices an open quote, a missing colon or a line in the wrong column only where the text no
longer makes sense, which can be far below.  So what people do wrong is undone on each line that may be
to blame, and the first edit is told with which the document has the structure of its kind.

The law: what is told makes a document of the text.  Bounded: so many edits that `LINES_READ_MAX` lines
are read again; where none helps, the parser's own words stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import NamedTuple

from nimdsl.base.diagnostics import Diagnostic, Place, Severity, error
from nimdsl.base.words import counted
from nimdsl.compile.constants import count_of
from nimdsl.compile.documents import gather
from nimdsl.schema.structure import ENVELOPE
from nimdsl.text.flow_text import end_of_text, quoted
from nimdsl.text.source import Source
from nimdsl.text.tree import ListNode, MapNode, Node, parse
from nimdsl.text.yaml_errors import INDENT_WITH_SPACES, is_cut, is_guess

TWICE = "NIM0109"
"""A key that stands twice: often it begins another item."""
LINES_READ_MAX = 30_000
LINE_LENGTH_MAX = 1_000
"""Longer lines are not looked at."""
INSTANCE_COUNT_MAX = 50
"""A document that makes more of them, or of items of a list, is not read again and again."""
STEP = 2
"""By how much what is inside is usually indented."""
ABOVE_MAX = 200
"""How many lines above the error are looked at."""
_KEY = r"[A-Za-z_][\w./-]*"
_NO_COLON = re.compile(rf"((?:\s*-)*\s*)({_KEY})\s+(\S.*)")
_NO_SPACE = re.compile(rf"((?:\s*-)*\s*)({_KEY}:)([^\s:]\S*)")
_ITEM = re.compile(rf" *(  {_KEY})(?=:\s|:$)")
_KEY_INSIDE = re.compile(rf"(?<=[{{,])(\s*)({_KEY})(:?)(\s*)(?=[\[{{\"'])")
_NEXT_KEY = re.compile(rf",\s*{_KEY}:\s")
_CLOSING = {"[": "]", "{": "}"}
_VALUE = re.compile(r"(?:(?<=:) +|(?:^|(?<=- )|(?<=[\[{,])) *(?:- +)?)")
_COLON_TEXT = re.compile(r"(?<=[\w\"']: )\s*((?!\s)[^\[\]{}\"',#]*: [^\[\]{}\"'#]*)")
_BLOCK_VALUE = re.compile(rf"\s*(?:- +)*{_KEY}: +(?=[^\s\[{{\"'|>&*!#])")
_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'[^']*'")
_GOES_ON = re.compile(r"\s*[^\s,:\]}#\"']")
"""Behind a quoted text: more text."""
_TEMPLATE = re.compile(r"\$\{[^{}]*\}")
_PARTING = re.compile(r"-{2}|-{4,9}|={2,9}|\u2014{1,3}|\*{3}")
_BEFORE_QUOTE = re.compile(r"(?:^|[:,\[{-])\s*\Z")


class _Edit(NamedTuple):
    """A line as it may have been meant; where it is wrong (columns from 0), what to say and to write."""

    line: int
    new: str
    column: int
    length: int
    message: str
    fix: str


def mended(source: Source, problems: Sequence[Diagnostic]) -> list[Diagnostic]:
    """The problems of a text; of the one that ended its reading, what would mend it, if one edit does."""
    doubled = next((one for one in problems if one.code == TWICE), None)
    last = doubled or (problems[-1] if problems else None)
    if last is None or not 0 < last.place.line <= len(source.lines):
        return [*problems]
    if (parting := _parting(source, last)) is not None:
        return [*(one for one in problems if one is not last), parting]
    piece = _Piece(source, last)
    if doubled and (ends := piece.undivided(doubled)):
        rest = [one for one in problems if one.place.line not in piece]
        return [*rest, *(_divided(source, line) for line in ends)]
    usable = piece.lines and (doubled or is_guess(last))
    found = piece.mend(piece.edits_after(last)) if usable else None
    if found is None:
        return [*problems]
    place = source.place(found.line, found.column + 1, found.length)
    rest = [
        one
        for one in problems
        if one is not last and not (doubled and one.place.line in piece) and not _covers(place, one.place)
    ]
    return [*rest, error(TWICE if doubled else last.code, found.message, place, found.fix)]


def _parting(source: Source, said: Diagnostic) -> Diagnostic | None:
    """A line of signs that is meant to part two documents."""
    for line in range(said.place.line, max(said.place.line - 2, 0), -1):
        signs = source.lines[line - 1].rstrip()
        if not _PARTING.fullmatch(signs):
            continue
        text = "\n".join([*source.lines[: line - 1], "---", *source.lines[line:]])
        if not any(one.severity is Severity.ERROR for one in parse(Source(source.name, text))[1]):
            message = f"`{signs}` parts no documents"
            return error(said.code, message, source.place(line, 1, len(signs)), "write `---`")
    return None


def _divided(source: Source, line: int) -> Diagnostic:
    """A document begins on a line, and nothing ends the one above."""
    key = source.lines[line - 1].partition(":")[0]
    message = f"a `---` is missing before line {line}, where another document begins"
    return error(
        TWICE, message, source.place(line, 1, len(key)), "write `---` on a line of its own above it"
    )


def _covers(whole: Place, part: Place) -> bool:
    """Whether what an edit writes anew holds another place."""
    return whole.line == part.line and 0 <= part.column - whole.column < whole.length


class _Piece:
    """The one document of a text in which the reading ended."""

    def __init__(self, source: Source, said: Diagnostic) -> None:
        lines = source.lines
        at = said.place.line - 1
        while at > 0 and (lines[at].startswith("---") or not lines[at].strip()):
            at -= 1
        first = next((n + 1 for n in range(at, -1, -1) if lines[n].startswith("---")), 0)
        end = next((n for n in range(at + 1, len(lines)) if lines[n].startswith("---")), len(lines))
        self.name, self.first, self.lines = source.name, first, lines[first:end]
        self.error = max(at - first, 0)
        """The line at which the reading ended, from 0."""
        opened = re.search(r"(?:opened|begins) on line (\d+)", said.message)
        self.opened = int(opened[1]) - 1 - first if opened else self.error
        """The line of the quote, the bracket, the map or the list that was open then."""

    def __contains__(self, line: int) -> bool:
        return self.first < line <= self.first + len(self.lines)

    def undivided(self, doubled: Diagnostic) -> list[int]:
        """The lines of a file before which a `---` is missing, if that is why keys stand twice."""
        key = self.lines[self.error].partition(":")[0]
        if doubled.place.column != 1 or key not in ENVELOPE:
            return []
        begins = [n for n, line in enumerate(self.lines) if line.startswith(f"{key}:")][1:]
        text = "\n".join(f"---\n{line}" if n in begins else line for n, line in enumerate(self.lines))
        roots, problems = parse(Source(self.name, text))
        whole = all(isinstance(one, MapNode) and {"kind", "spec"} <= {*one.entries} for one in roots)
        sound = whole and not any(one.code == TWICE for one in problems)
        return [self.first + n + 1 for n in begins] if sound else []

    def edits_after(self, said: Diagnostic) -> Iterator[_Edit]:
        """The edits that may be meant after what the parser said."""
        if said.code == TWICE:
            return _dashed(self.error, self.lines[self.error])
        if said.fix == INDENT_WITH_SPACES:
            return self._reindented([self.error])
        if is_cut(said):
            at, line = self.error, self.lines[self.error]
            if len(line) > LINE_LENGTH_MAX:
                return iter(())
            return chain(
                _quoted_whole(at, line),
                _separated_inside(at, line),
                _quoted(at, line),
                _bracketed(at, line),
            )
        return self._edits()

    def mend(self, edits: Iterator[_Edit]) -> _Edit | None:
        """The first edit that makes a document of it."""
        for edit in islice(edits, LINES_READ_MAX // len(self.lines)):
            if self._reads(edit):
                return edit._replace(line=self.first + edit.line + 1)
        return None

    def _reads(self, edit: _Edit) -> bool:
        text = "\n".join([*self.lines[: edit.line], edit.new, *self.lines[edit.line + 1 :]])
        roots, problems = parse(Source(self.name, text))
        if any(one.severity is Severity.ERROR for one in problems) or len(roots) != 1:
            return False
        if _counted(roots[0]) > INSTANCE_COUNT_MAX:
            return False
        return not any(one.severity is Severity.ERROR for one in gather(roots)[1])

    def _edits(self) -> Iterator[_Edit]:
        near = list(dict.fromkeys([self.error, self.opened, *self._before(self.error)]))
        near = [n for n in near if n >= 0 and len(self.lines[n]) <= LINE_LENGTH_MAX]
        for number in near[:3]:
            yield from _quoted_whole(number, self.lines[number])
        for number in near:
            yield from _quoted(number, self.lines[number])
        for number in near:
            yield from _bracketed(number, self.lines[number])
        for number in near[:3]:
            yield from _text_quoted(number, self.lines[number])
        for number in near[:4]:
            yield from _separated(number, self.lines[number])
            yield from _separated_inside(number, self.lines[number])
        for number in (*near[:4], self.opened + 1):
            if 0 <= number < len(self.lines):
                yield from _dashed(number, self.lines[number])
        for number in near[:4]:
            yield from _dashed_before(number, self.lines[number])
        yield from self._reindented(self._around())

    def _before(self, number: int) -> list[int]:
        """The lines above with something on them, the nearest first."""
        above = range(number - 1, max(number - ABOVE_MAX, -1), -1)
        return [n for n in above if self._indent(n) >= 0]

    def _indent(self, number: int) -> int:
        """The column in which a line begins; -1 for one that says nothing."""
        line = self.lines[number]
        bare = line.lstrip(" \t")
        return -1 if not bare or bare.startswith("#") else len(line) - len(bare)

    def _around(self) -> list[int]:
        """The lines whose column may be wrong: that of the error, the one above, those that hold it."""
        above = self._before(self.error)
        found, least = [self.error, *above[:1]], self._indent(self.error)
        for number in above:
            if self._indent(number) < least:
                found.append(number)
                least = self._indent(number)
        return list(dict.fromkeys(found))[:6]

    def _reindented(self, numbers: Sequence[int]) -> Iterator[_Edit]:
        moves = []
        for rank, number in enumerate(numbers):
            line = self.lines[number]
            old, tab = self._indent(number), line.lstrip(" ").startswith("\t")
            for likely, new in enumerate(self._likely(number)):
                if new != old or tab:
                    odd = self._odd(number, new)
                    moves.append(((odd, likely if tab else abs(new - old), rank), number, new, tab))
        for _, number, new, tab in sorted(moves):
            line = self.lines[number]
            bare = line.lstrip(" \t")
            message = "a tab is used as indentation" if tab else "this line begins in the wrong column"
            fix = f"indent it by {counted(new, 'space')}" if new else "indent it by 0 spaces"
            width = len(line) - len(bare) if tab else len(bare)
            begin = 0 if tab else len(line) - len(bare)
            yield _Edit(number, " " * new + bare, begin, max(width, 1), message, fix)

    def _odd(self, number: int, column: int) -> int:
        """How many lines around would begin neither where one above does nor a step to the right of it."""
        columns: list[int] = []
        count = 0
        for n in range(max(number - ABOVE_MAX, 0), min(number + 20, len(self.lines))):
            here = column if n == number else self._indent(n)
            if here < 0:
                continue
            while columns and columns[-1] > here:
                columns.pop()
            count += bool(columns) and here not in (columns[-1], columns[-1] + STEP)
            columns.append(here)
            dashes = re.match(r"(?:- +)+", self.lines[n].lstrip(" \t"))
            columns += [here + dashes.end()] if dashes else []
        return count

    def _likely(self, number: int) -> list[int]:
        """The columns in which a line can begin: those of the lines around, the likeliest first."""
        above = [self._indent(n) for n in self._before(number)[:60]]
        below = [self._indent(n) for n in range(number + 1, min(number + 20, len(self.lines)))]
        nearest = above[0] if above else 0
        clean = [n for n in [*below[:1], nearest, nearest + 2, *above, *below] if n >= 0]
        return list(dict.fromkeys(clean))[:8]


def _counted(root: Node) -> int:
    """How many instances and items the ``for`` of a document and of its lists make."""
    spec = root.get("spec") if isinstance(root, MapNode) else None
    inner = [*spec.entries.values()] if isinstance(spec, MapNode) else []
    items = [item for one in inner if isinstance(one, ListNode) for item in one.items]
    looped = [one for one in (spec, *items) if isinstance(one, MapNode) and "for" in one.entries]
    return sum(count_of(one.get("for")) for one in looped)


def _end(line: str) -> int:
    """Where what is said on a line ends."""
    return len(line.rstrip())


def _quoted(number: int, line: str) -> Iterator[_Edit]:
    """A quote that is opened and not closed: closed at the end, or before a sign that ends a value."""
    for quote in "\"'":
        if line.count(quote) % 2 == 0:
            continue
        marks = [n for n, sign in enumerate(line) if sign == quote]
        for begin in (n for n in marks if _BEFORE_QUOTE.search(line[:n])):
            end = next((n for n in marks if n > begin), _end(line))
            last = {_end(line), _comment(line)}
            ends = [
                n for n in range(end, begin, -1) if n in last or line[n] in ",]}" or line[n : n + 2] == ": "
            ]
            before_keys = [n for n in reversed(ends) if _NEXT_KEY.match(line, n)]
            closing = [n for one in before_keys for n in _closers_before(line, one)]
            template = [n for n in ends if _TEMPLATE.fullmatch(line, begin + 1, n)]
            for at in dict.fromkeys([*template, *before_keys, *closing, *ends]):
                message = f"the quote opened in column {begin + 1} is never closed"
                new = line[:at] + quote + line[at:]
                yield _Edit(number, new, at, 1, message, f"close it with `{quote}`")

    for stray in _stray_quotes(line):
        begins = [found.end() for found in _VALUE.finditer(line, 0, stray) if found.end() < stray]
        for at in reversed(begins):
            quote = line[stray]
            message = f"the quote closed in column {stray + 1} is never opened"
            new = line[:at] + quote + line[at:]
            yield _Edit(number, new, at, 1, message, f"open it with `{quote}`")


def _quoted_whole(number: int, line: str) -> Iterator[_Edit]:
    """A text that begins with a quoted part and goes on behind it: in quotes as a whole."""
    for begin in [found.end() for found in _VALUE.finditer(line)]:
        part = _QUOTED.match(line, begin)
        if part is None or line.count(part[0][0]) % 2 or not _GOES_ON.match(line, part.end()):
            continue
        ends = [_comment(line), *(end_of_text(line, begin, listed) for listed in (False, True))]
        for end in dict.fromkeys(ends):
            text = line[begin:end].rstrip()
            message = "a text that begins with a quote ends with it, and this one goes on"
            yield _Edit(
                number, *_requoted(line, begin, text), message, f"quote the whole: `{quoted(text)}`"
            )


def _requoted(line: str, begin: int, text: str) -> tuple[str, int, int]:
    """A line with a text of it in quotes, and where it stands."""
    return f"{line[:begin]}{quoted(text)}{line[begin + len(text) :]}", begin, len(text)


def _stray_quotes(line: str) -> list[int]:
    """The columns of quotes that close nothing, if there is one too many."""
    found: list[int] = []
    quote = ""
    for column, sign in enumerate(line):
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "\"'" and _BEFORE_QUOTE.search(line[:column]):
            quote = sign
        elif sign in "\"'" and line.count(sign) % 2:
            found.append(column)
    return found


def _text_quoted(number: int, line: str) -> Iterator[_Edit]:
    """Text with a colon in it, in quotes."""
    message = "`: ` in a text makes a key of what stands before it"
    for found in _COLON_TEXT.finditer(line):
        inside = end_of_text(line, found.start(1), False) - found.start(1)
        for whole in dict.fromkeys((found[1][:inside].rstrip(), found[1].rstrip())):
            if ": " in whole:
                where = _requoted(line, found.start(1), whole)
                yield _Edit(number, *where, message, f"quote it: `{quoted(whole)}`")
    if (value := _BLOCK_VALUE.match(line)) and ": " in line[value.end() : _comment(line)]:
        whole = line[value.end() : _comment(line)]
        where = _requoted(line, value.end(), whole)
        yield _Edit(number, *where, message, f"quote it: `{quoted(whole)}`")


def _closers_before(line: str, column: int) -> list[int]:
    """The columns of the brackets that close directly before a column, the nearest first."""
    return [*range(column - 1, len(line[:column].rstrip("]}")) - 1, -1)]


def _bracketed(number: int, line: str) -> Iterator[_Edit]:
    """A bracket without its partner.

    Where there are too many that close, one is removed, or one is opened where a value begins; where there
    are too few, one is closed at the end, or before another bracket or a comma.
    """
    signs = _signs(line)
    for opening, closing in _CLOSING.items():
        begins = [at for at in signs if line[at] == opening]
        ends = [at for at in signs if line[at] == closing]
        if len(ends) > len(begins):
            yield from _too_many(number, line, ends)
        for begin in reversed(begins if len(begins) > len(ends) else []):
            message = f"the `{opening}` in column {begin + 1} is never closed"
            after = (at for at in signs if at > begin and line[at] in ",]}")
            for at in sorted({_comment(line), *after}, reverse=True):
                new = line[:at] + closing + line[at:]
                yield _Edit(number, new, at, 1, message, f"close it with `{closing}`")


def _too_many(number: int, line: str, ends: Sequence[int]) -> Iterator[_Edit]:
    """Of these closing brackets one has no partner."""
    closing = line[ends[0]]
    opening = next(one for one, other in _CLOSING.items() if other == closing)
    for at in (at for at in ends if at - 1 not in ends):
        message = f"this `{closing}` closes nothing"
        yield _Edit(number, line[:at] + line[at + 1 :], at, 1, message, f"remove the `{closing}`")
    for at in (found.end() for found in _VALUE.finditer(line, 0, ends[-1]) if found.end() < ends[-1]):
        message = f"the `{closing}` in column {ends[-1] + 1} is never opened"
        yield _Edit(number, line[:at] + opening + line[at:], at, 1, message, f"open it with `{opening}`")


def _signs(line: str) -> list[int]:
    """The columns of brackets and commas that stand in no quotes and no comment."""
    found: list[int] = []
    quote = ""
    for column, sign in enumerate(line[: _comment(line)]):
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "\"'" and _BEFORE_QUOTE.search(line[:column]):
            quote = sign
        elif sign in "[]{},":
            found.append(column)
    return found


def _comment(line: str) -> int:
    """Where a comment begins, or the line ends."""
    found = re.search(r"\s+#(?=[^\"']*$)", line)
    return found.start() if found else _end(line)


def _separated(number: int, line: str) -> Iterator[_Edit]:
    """A key without its colon, or without the space behind it."""
    if found := _NO_COLON.fullmatch(line.rstrip()):
        before, key, rest = found.groups()
        message = f"a `:` is missing after `{key}`"
        yield _Edit(number, f"{before}{key}: {rest}", len(before), len(key), message, f"write `{key}:`")
    if (found := _NO_SPACE.match(line)) and "{" not in found[1]:
        before, key, word = found.groups()
        message = f"a space is missing after `{key}`"
        new = f"{before}{key} {word}{line[found.end() :]}"
        yield _Edit(number, new, len(before), len(key + word), message, f"write `{key} {word}`")


def _dashed(number: int, line: str) -> Iterator[_Edit]:
    """An item of a list without its dash."""
    if found := _ITEM.match(line):
        at, key = found.start(1), found[1].strip()
        new = f"{line[:at]}- {line[at + 2 :]}"
        message = f"a `-` is missing before `{key}`"
        yield _Edit(number, new, at, found.end() - at, message, f"write `- {key}`")


def _dashed_before(number: int, line: str) -> Iterator[_Edit]:
    """The same where what is left of the item has moved, or begins with no key."""
    begin = len(line) - len(line.lstrip(" "))
    sign = re.match(r"[\w.]+|.", line[begin:])
    if sign is None or line.startswith(("- ", "#"), begin):
        return
    for at in (begin, begin - STEP):
        if at < 0:
            continue
        message = f"a `- ` is missing before `{sign[0]}`"
        fix = f"write `- {sign[0]}`"
        new = f"{line[:at]}- {line[begin:]}"
        yield _Edit(number, new, at, begin + len(sign[0]) - at, message, fix)


def _separated_inside(number: int, line: str) -> Iterator[_Edit]:
    """The same inside brackets, where a list, a map or a quote begins behind the key."""
    for found in _KEY_INSIDE.finditer(line):
        _, key, colon, space = found.groups()
        if colon and space:
            continue
        new = f"{line[: found.start(2)]}{key}: {line[found.end() :]}"
        what = "a space" if colon else "a `:`"
        message = f"{what} is missing after `{key}{colon}`"
        sign = line[found.end()]
        fix = f"write `{key}: {sign}`"
        yield _Edit(number, new, found.start(2), found.end() + 1 - found.start(2), message, fix)
