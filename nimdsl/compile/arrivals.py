"""Compiles recordings: CSV files of arrivals, one row each.

The first row names the columns.  ``at`` is when (a duration with its unit, or a
plain number of seconds), ``takes`` what an item takes (the same); every other
column is a field of the payload.  Blanks around a value do not count, rows of
blanks are left out.  Rows may come in any order; those of one instant keep
theirs.  Values are exact: what is finer than a nanosecond is refused.

At most ROW_COUNT_MAX rows are read, and reading ends with MISTAKE_COUNT_MAX
mistakes.  Not here: how the file is read (:mod:`nimdsl.compile.recordings`).
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise

from nimdsl.base.canonical import Plain
from nimdsl.base.diagnostics import Place, Severity
from nimdsl.base.suggest import phrase
from nimdsl.base.units import (
    INT64_MAX,
    SECOND_NS,
    parse_bytes,
    parse_duration,
    parse_lifeforce,
    parse_share,
)
from nimdsl.base.words import with_article
from nimdsl.compile.reader import Findings, Reader
from nimdsl.compile.recordings import recording_name
from nimdsl.expression.types import ANY, STRING, Type
from nimdsl.program import Level, Recorded
from nimdsl.schema.quantities import UNIT_WRITTEN, off_grid
from nimdsl.text.source import Source

ROW_COUNT_MAX = 1_000_000
COLUMN_COUNT_MAX = 1_000
MISTAKE_COUNT_MAX = 20
AT, TAKES = "at", "takes"
EXACT_MAX = 2**53

_SECONDS = re.compile(r"(\d{1,10})(?:\.(\d{1,9})0*)?", re.ASCII)
_NUMBER = re.compile(r"\d{1,20}(\.\d{1,40})?([eE][+-]?\d{1,2})?", re.ASCII)
_TIME = re.compile(r"\d+(\.\d+)?([eE][+-]?\d+)?\s?(ns|us|ms|s|min|h|d)?", re.ASCII)
_INT = re.compile(r"-?(0|[1-9]\d{0,18})", re.ASCII)
_REAL = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_OPENING = re.compile(r'(?<![^,\r\n])"')
_LINE_END = re.compile(r"\r\n|\r|\n")
_TIME_FIX = "write for example `2.5s`, or `2.5` for seconds"

Convert = Callable[[str], Plain]
"""From the text of a cell to its value; None for text that has none."""


@dataclass(frozen=True)
class Wanted:
    """What the rows are for.

    ``fields`` are those that the event has, with their types; None: any.  With a ``level`` rows are
    items, which take ``takes_ns`` if they do not say (0: what the level says, if it does).
    """

    fields: Mapping[str, Type] | None = None
    level: Level | None = None
    takes_ns: int = 0


def compile_recording(reader: Reader, wanted: Wanted) -> Recorded | None:
    """The arrivals of the file that ``reader`` names; None when its columns make no sense."""
    findings = reader.findings
    file = str(reader.value("file"))
    name = recording_name(findings.document, file)
    found = findings.documents.recordings.get(name)
    if isinstance(found, Source):
        return _Table(findings, found, wanted).read()
    code, message, fix = (
        (found.code, found.message, found.fix) if found else ("NIM0101", f"no such file: `{name}`", "")
    )
    inside = found is not None and (found.place.line or code == "NIM0102")
    fix = fix or "a path counts from the folder of its document"
    findings.report(code, message, found.place if found and inside else reader.place("file"), fix)
    return None


def read_time(text: str) -> int | None:
    """Nanoseconds of a duration with its unit or of a number of seconds; None for anything else."""
    match = _SECONDS.fullmatch(text)
    if match:
        value = int(match[1]) * SECOND_NS + int((match[2] or "0").ljust(9, "0"))
        return value if value <= INT64_MAX else None
    return parse_duration(f"{Decimal(text):f}s" if _NUMBER.fullmatch(text) else text)


def read_int(text: str) -> int | None:
    """A whole number of 64 bits; None for anything else."""
    value = int(text) if _INT.fullmatch(text) else None
    return value if value is not None and -INT64_MAX - 1 <= value <= INT64_MAX else None


def read_real(text: str) -> float | None:
    """A finite number; None for anything else, and for a whole one beyond 2^53, which would be rounded."""
    value = float(text) + 0.0 if _REAL.fullmatch(text) else math.inf
    if not math.isfinite(value):
        return None
    whole = text.lstrip("-").isdecimal()
    return None if whole and (len(text) > 17 or abs(int(text)) > EXACT_MAX) else value


def _read_bytes(text: str) -> int | None:
    return parse_bytes(f"{text}B" if text.isdecimal() else text)


def _read_bool(text: str) -> bool | None:
    return {"true": True, "false": False}.get(text.lower())


_CONVERTERS: Mapping[str, tuple[Convert, str, str]] = {
    "int": (read_int, "a whole number", ""),
    "real": (read_real, "a number", ""),
    "duration": (read_time, "a duration", _TIME_FIX),
    "lifeforce": (parse_lifeforce, "lifeforce as a plain decimal number", "write for example `0.4`"),
    "share": (parse_share, "a share in percent", "write for example `40%`"),
    "bytes": (_read_bytes, "a size in bytes", "write for example `20GiB`, or a number of bytes"),
    "bool": (_read_bool, "true or false", ""),
    "string": (str, "text", ""),
    "any": (str, "a value", ""),
}


@dataclass(frozen=True)
class _Column:
    """A column that is a field of the payload, and its values so far."""

    index: int
    name: str
    type: Type
    convert: Convert
    values: list[Plain]

    def finished(self) -> Sequence[Plain]:
        """Of any type: numbers if all are, else text."""
        if self.type != ANY:
            return self.values
        for convert in (read_int, read_real):
            numbers = list(map(convert, self.values))
            if None not in numbers:
                return numbers
        return self.values


class _Lines:
    """The lines of a text, for a reader of rows; the last one read, and its number, are kept."""

    def __init__(self, text: str) -> None:
        self._lines = io.StringIO(text, newline="")
        self.number = 0
        self.last = ""

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.number += 1
            self.last = line
            yield line


class _Table:
    def __init__(self, findings: Findings, source: Source, wanted: Wanted) -> None:
        self._findings = findings
        self._name = source.name
        self._wanted = wanted
        self._text = source.text
        self._lines = _Lines(source.text)
        self._rows = csv.reader(self._lines, strict=True)
        self._row: list[str] = []
        self._mistake_count = 0

    def read(self) -> Recorded | None:
        """The arrivals; None when the columns make no sense."""
        try:
            header = self._header()
            return None if header is None else self._recorded(*header)
        except csv.Error as problem:
            self._report_unreadable(problem)
        return None

    # Mistakes

    def _report(
        self, code: str, message: str, index: int | None = None, fix: str = "", place: Place | None = None
    ) -> None:
        if self._mistake_count < MISTAKE_COUNT_MAX:
            self._findings.report(code, message, place or self._place(index), fix)
            self._mistake_count += 1

    def _report_unreadable(self, problem: csv.Error) -> None:
        """Where a quote is never closed, that is the mistake, wherever reading ended."""
        place = _unclosed(self._name, self._text)
        if place is None:
            fix = 'double a quote that is meant inside quotes: `""`'
            self._report("NIM0117", f"this row cannot be read: {problem}", fix=fix)
        else:
            fix = 'close it, or double a quote that is meant inside quotes: `""`'
            self._report("NIM0117", "this quote is never closed", fix=fix, place=place)

    def _place(self, index: int | None) -> Place:
        """Of a value of this row, where it can be told, else of its last line."""
        text = self._lines.last.rstrip("\r\n")
        column, length = 1, 0
        if index is not None and ",".join(self._row) == text:
            before = sum(len(value) + 1 for value in self._row[:index])
            value = self._row[index]
            column = 1 + before + len(value) - len(value.lstrip())
            length = len(value.strip()) or 1
        return replace(Source(self._name, text).place(1, column, length), line=max(1, self._lines.number))

    # Columns

    def _header(self) -> tuple[int, int | None, list[_Column]] | None:
        """Where ``at`` and ``takes`` stand, and the other columns."""
        if not self._next():
            self._report("NIM0117", "the recording is empty", fix="begin it with the names of its columns")
            return None
        names = [name.strip() for name in self._row]
        known = self._mistake_count
        if len(names) > COLUMN_COUNT_MAX:
            self._report("NIM0104", f"{len(names):,} columns; at most {COLUMN_COUNT_MAX:,} are read")
            return None
        for index, name in enumerate(names):
            if not name or name in names[:index]:
                problem = f"there are two columns `{name}`" if name else "a column has no name"
                self._report("NIM0117", problem, index, "give each a name of its own")
        self._check_known(names)
        if self._mistake_count > known:
            return None
        takes = names.index(TAKES) if TAKES in names and self._wanted.level else None
        level = self._wanted.level
        if takes is not None and level is not None and level.policy == "each":
            message = f"each item of `{level.name}` takes the same: a recording cannot say what"
            self._report("NIM0203", message, takes, "remove the column")
        own = [index for index, name in enumerate(names) if name != AT and index != takes]
        return names.index(AT), takes, [self._column(index, names[index]) for index in own]

    def _check_known(self, names: list[str]) -> None:
        """Whether ``at`` is there, and ``takes`` as well if something is called nearly so."""
        for wanted in (AT, TAKES) if self._wanted.level else (AT,):
            near = [index for index, name in enumerate(names) if name.lower() == wanted]
            if wanted in names or (wanted == TAKES and not near):
                continue
            divided = len(names) == 1 and re.search(r"[;\t]", names[0])
            fix = "divide columns by commas" if divided else f"name the column of the times `{wanted}`"
            if near:
                fix = f"names of columns are lower case: write `{wanted}`"
            self._report("NIM0117", f"there is no column `{wanted}`", near[0] if near else None, fix)

    def _column(self, index: int, name: str) -> _Column:
        fields = self._wanted.fields
        kind = ANY if fields is None else fields.get(name, STRING)
        if fields is not None and name not in fields:
            self._report("NIM0303", f"the event has no field `{name}`", index, phrase(name, fields))
        if kind.name not in _CONVERTERS:
            message = f"`{name}` is {with_article(str(kind))}: a recording cannot say one"
            self._report("NIM0304", message, index)
            kind = STRING
        return _Column(index, name, kind, _CONVERTERS[kind.name][0], [])

    # Rows

    def _next(self) -> bool:
        """Goes on to the next row that holds anything; not when enough is wrong already."""
        for row in self._rows:
            if any(map(str.strip, row)):
                self._row = row
                return self._mistake_count < MISTAKE_COUNT_MAX
        return False

    def _recorded(self, at: int, takes: int | None, columns: list[_Column]) -> Recorded:
        width = len(self._row)
        times: list[int] = []
        demands: list[int] = []
        while self._next():
            row = self._row
            if len(times) >= ROW_COUNT_MAX:
                message = f"more than {ROW_COUNT_MAX:,} rows"
                self._report("NIM0104", message, fix="split it into several recordings")
                break
            if len(row) != width:
                fix = (
                    "put values with commas into quotes; decimals have a point"
                    if len(row) > width
                    else "give every column a value"
                )
                self._report("NIM0117", f"{width} columns, and {len(row)} values in this row", fix=fix)
                continue
            times.append(self._time(at))
            if takes is not None:
                demands.append(self._takes(takes))
            for column in columns:
                value = column.convert(row[column.index].strip())
                if value is None:
                    self._wrong(column)
                column.values.append(value)
        if not times and not self._mistake_count:
            message = "the recording has no rows: nothing ever comes"
            fix = "add a row for each time"
            self._findings.report("NIM0508", message, self._place(None), fix, Severity.WARNING)
        return _sorted(times, demands, {column.name: column.finished() for column in columns})

    def _time(self, index: int) -> int:
        text = self._row[index].strip()
        value = read_time(text)
        if value is None:
            self._report("NIM0117", _why_no_time(text), index, _with_point(text) or _TIME_FIX)
        return value or 0

    def _takes(self, index: int) -> int:
        wanted = self._wanted
        if not self._row[index].strip():
            if not wanted.takes_ns and wanted.level is not None and not wanted.level.takes_ns:
                message = f"`{wanted.level.name}` does not say what its items take, nor does this row"
                self._report("NIM0117", message, index, "say it here, or with `takes:`")
            return wanted.takes_ns
        takes_ns = self._time(index)
        if not takes_ns and read_time(self._row[index].strip()) == 0:
            self._report("NIM0117", "an item that takes no time", index, "remove the row")
        return takes_ns

    def _wrong(self, column: _Column) -> None:
        _, wanted, fix = _CONVERTERS[column.type.name]
        text = self._row[column.index].strip()
        shown = text[:40]
        beyond, instead = _out_of_range(column.type.name, text)
        if beyond:
            message = f"`{column.name}`: {shown!r} {beyond}"
            self._report("NIM0210", message, column.index, instead)
            return
        self._report(
            "NIM0304",
            f"`{column.name}` wants {wanted}, this is {shown!r}",
            column.index,
            _with_point(shown) or fix,
        )


def _unclosed(name: str, text: str) -> Place | None:
    """Where the quote opens that is never closed; None if each is."""
    at = 0
    while opening := _OPENING.search(text, at):
        at = opening.end()
        while (closing := text.find('"', at)) >= 0 and text.startswith('""', closing):
            at = closing + 2
        if closing < 0:
            before = _LINE_END.split(text[: opening.start()])
            rest = _LINE_END.split(text[opening.start() :], maxsplit=1)[0]
            place = Source(name, before[-1] + rest).place(1, len(before[-1]) + 1)
            return replace(place, line=len(before))
        at = closing + 1
    return None


def _with_point(text: str) -> str:
    """What to write instead of a decimal comma; empty where there is none."""
    decimal = re.fullmatch(r"-?\d+,\d+\s?[a-z%]*", text)
    return f"decimals have a point: `{text.replace(',', '.')}`" if decimal else ""


def _out_of_range(kind: str, text: str) -> tuple[str, str]:
    """What is wrong with a number that has the right shape, with its range, and what to write instead."""
    whole = re.fullmatch(r"-?(0|[1-9]\d*)", text, re.ASCII)
    if kind == "int" and whole:
        return (
            f"does not fit into 64 bits ({-INT64_MAX - 1} to {INT64_MAX})",
            "write a number in this range",
        )
    if kind == "real" and whole:
        instead = f"to have it rounded, write a point: `{text[:40]}.0`" if len(text) <= 40 else ""
        return f"is no whole number that a real holds exactly ({-EXACT_MAX} to {EXACT_MAX})", instead
    if kind == "real" and _REAL.fullmatch(text):
        return "does not fit into a 64-bit real (-1.79e+308 to 1.79e+308)", "write a number in this range"
    if kind in UNIT_WRITTEN and re.fullmatch(r"\d+(\.\d+)?" + UNIT_WRITTEN[kind], text, re.ASCII):
        wrong, instead = off_grid(kind, text)
        return f"is {wrong}", instead
    return "", ""


def _why_no_time(text: str) -> str:
    if text.startswith("-") and _TIME.fullmatch(text[1:]):
        return f"{text[:40]!r} is negative: time begins at 0"
    if _TIME.fullmatch(text):
        return f"{text[:40]!r} is finer than a nanosecond, or too large"
    return f"a time wanted here, this is {text[:40]!r}"


def _sorted(times: list[int], demands: list[int], fields: Mapping[str, Sequence[Plain]]) -> Recorded:
    """By time; what is at the same time keeps its order."""
    order: Sequence[int] = range(len(times))
    if any(later < earlier for earlier, later in pairwise(times)):
        order = sorted(order, key=times.__getitem__)
    return Recorded(
        at_ns=tuple(times[index] for index in order),
        fields={name: tuple(values[index] for index in order) for name, values in fields.items()},
        takes_ns=tuple(demands[index] for index in order) if demands else (),
    )
