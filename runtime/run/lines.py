"""The lines of a journal: one class a kind, and the one reader of them.

A line is written under the tag that stands beside its class, by the names of its fields, but for those
at their default (``docs/formats.md`` is generated from here).  Whose journals hold which lines:

* an actor's, under its id: :class:`Accepted`, then what the economy said, then the records of its step;
* the economy's, under ``economy``: :class:`Booked` entries, those of the lender, and in real gardens
  what it answered and who heard what it told;
* a process's, under ``garden/<name>``: its starts and what it noticed;
* the scenario's, under ``scenario/<name>``: the stimuli that were sent.

The version stands in the journal's own value ``format``.  A journal of another version is refused
in one line that says so (:func:`check_format`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Final
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from nimdsl.base.errors import NimdslError, PermanentPortError
from nimdsl.base.values import MicroLF, TimeNs, Value
from runtime.kernel.events import AnyEvent
from runtime.ledger.accounts import Entry
from runtime.ledger.bookkeeper import AnyEntry
from runtime.ledger.lender import LoanEntry
from runtime.ports.journal import RESTORE, Appender, Journal, JournalEntry

JOURNAL_FORMAT: Final = 2
"""The version of lines, records, effects and commands; it grows when an old one could be misread."""
FORMAT: Final = "format"
"""The name of the journal's own value that holds the version."""
LEDGER: Final = "economy"
"""The name of the ledger's own journal."""
PROCESS: Final = "garden/"
"""How the names of the processes of a real garden begin in a journal."""
STIMULI: Final = "scenario/"
"""What the name of a scenario's own journal begins with."""


class Line(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The root of every line; its tag is the journal's ``kind``."""


class Accepted(Line, frozen=True, tag_field="kind", tag="accepted"):
    """An actor took an event, at ``time_ns`` of garden time, as a part of this program."""

    event: AnyEvent
    time_ns: TimeNs
    program: str


class Outcome(Line, frozen=True, tag_field="kind", tag="outcome"):
    """What the economy said to the step of the last event; ``balance`` is the pool's, micro-LF.

    Of a refusal it is that of the ``purse`` that could not pay.
    """

    granted: bool
    balance: MicroLF
    purse: str = ""


class Witness(Line, frozen=True, tag_field="kind", tag="records"):
    """What the run itself had as the records of the step of the last event."""

    records: list[dict[str, Value]]


class Booked(Line, frozen=True, tag_field="kind", tag="entry"):
    """An entry of the ledger."""

    entry: Entry


class LoanBooked(Line, frozen=True, tag_field="kind", tag="loan"):
    """A line of the lender: what became of a request for units of a resource."""

    entry: LoanEntry


class Said(Line, frozen=True, tag_field="kind", tag="answer"):
    """What the economy answered an actor: to its event at ``item[0]``, the question ``item[1]``."""

    actor: str
    item: tuple[int, int]
    granted: bool
    balance: MicroLF
    purse: str = ""


class ToldHeard(Line, frozen=True, tag_field="kind", tag="heard"):
    """An actor has taken what the ledger told it: the event of this ``sender`` and ``number``."""

    actor: str
    sender: str
    number: int


class Started(Line, frozen=True, tag_field="kind", tag="clock"):
    """A process started: garden time beside the wall clock; no monotonic one outlives its host."""

    time_ns: TimeNs
    wall_ns: TimeNs
    rate: Annotated[str, Meta(pattern=r"^[0-9]+([.][0-9]+)?(e[+-]?[0-9]+)?$")]
    start: Annotated[int, Meta(ge=0)]


class Noticed(Line, frozen=True, tag_field="kind", tag="incident"):
    """A process noticed something about an actor."""

    time_ns: TimeNs
    actor: str
    what: str


class StimulusSent(Line, frozen=True, tag_field="kind", tag="stimulus"):
    """The scenario's stimulus of this number is about to be sent."""

    number: Annotated[int, Meta(ge=1)]
    time_ns: TimeNs


ActorLine = Accepted | Outcome | Witness
LedgerLine = Booked | LoanBooked | Said | ToldHeard
ProcessLine = Started | Noticed
AnyLine = ActorLine | LedgerLine | ProcessLine | StimulusSent

CLASSES: Final[Mapping[str, type[AnyLine]]] = {
    str(one.__struct_config__.tag): one
    for one in (
        Accepted,
        Outcome,
        Witness,
        Booked,
        LoanBooked,
        Said,
        ToldHeard,
        Started,
        Noticed,
        StimulusSent,
    )
}


_NOT_PLAIN: Final = (bytes, bytearray, Decimal, UUID, date, datetime, time, timedelta)
"""What msgspec would write as text; left as it is, so that the journal refuses it."""


class DamagedLine(NimdslError):  # noqa: N818
    """A line that no run of this version wrote; says which and why."""


def write(journal: Appender, name: str, line: AnyLine) -> int:
    """Appends a line; returns its position."""
    kind = str(line.__struct_config__.tag)
    body = msgspec.to_builtins(line, builtin_types=_NOT_PLAIN)
    del body["kind"]
    return journal.append(name, kind, body)


def line_of(entry: JournalEntry) -> AnyLine:
    """The line in a journal's entry.  Raises DamagedLine."""
    kind = CLASSES.get(entry.kind)
    if kind is None:
        raise DamagedLine(f"no line is called {entry.kind!r}")
    if not isinstance(entry.body, dict):
        raise DamagedLine(f"the body of a line is an object, this is {_KIND_OF[type(entry.body)]}")
    try:
        line: AnyLine = msgspec.convert({**entry.body, "kind": entry.kind}, kind)
    except (ValueError, RecursionError) as problem:
        raise DamagedLine(f"`{entry.kind}`: {in_plain_words(problem)}") from None
    return line


def readable(journal: Journal, name: str) -> Iterator[JournalEntry]:
    """The entries under a name, each in its place.  Raises DamagedLine for one that is no entry at all."""
    entries, position = journal.read(name), 0
    while True:
        try:
            entry = next(entries, None)
        except (ValueError, RecursionError) as problem:
            raise _damaged(journal, name, position, in_plain_words(problem)) from None
        if entry is None:
            return
        if entry.position != position:
            raise _damaged(journal, name, position, f"number {entry.position} stands there")
        yield entry
        position += 1


def _damaged(journal: Journal, name: str, position: int, why: str) -> DamagedLine:
    return DamagedLine(f"{journal.place}: {name}, line {position}: a damaged line: {why}: {RESTORE}")


def read(journal: Journal, name: str) -> Iterator[tuple[int, AnyLine]]:
    """The lines under a name with their positions.  Raises DamagedLine for the first that is none."""
    for entry in readable(journal, name):
        try:
            line = line_of(entry)
        except DamagedLine as damage:
            raise _damaged(journal, name, entry.position, str(damage)) from None
        yield entry.position, line


_PLACE = re.compile(r" - at `\$\.?(.*)`$")
_NO_JSON: Final = ("JSON is malformed: ", "Input data was truncated")
_KINDS: Final[Mapping[str, str]] = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "nothing",
}


_BOUNDS: Final = {">=": "at least", "<=": "at most", ">": "more than"}
_KIND_OF: Final[Mapping[type, str]] = {
    type(None): "nothing",
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "text",
    list: "a list",
}


def in_plain_words(problem: Exception) -> str:
    """What is said of data that has another shape, for people: the field first, then what is wrong."""
    if isinstance(problem, json.JSONDecodeError):
        return f"no JSON: {problem.msg[:1].lower()}{problem.msg[1:]}, at character {problem.pos + 1}"
    if isinstance(problem, UnicodeDecodeError):
        return f"no JSON: no text in UTF-8, at byte {problem.start + 1}"
    if isinstance(problem, RecursionError):
        return "it is nested too deeply"
    text = str(problem) or type(problem).__name__
    found = _PLACE.search(text)
    place, text = (found[1], text[: found.start()]) if found else ("", text)
    where = f"`{place}`: " if place else ""
    inside = f"{place}." if place else ""
    if field := re.fullmatch(r"Object missing required field `(.*)`", text):
        return f"`{inside}{field[1]}` is missing"
    if field := re.fullmatch(r"Object contains unknown field `(.*)`", text):
        return f"`{inside}{field[1]}` is no field of it"
    if wrong := re.fullmatch(r"Invalid (?:enum )?value (.*)", text):
        return f"{where}there is no {wrong[1]}"
    if many := re.fullmatch(r"Expected `array` of length (\d+)(?:, got (\d+))?", text):
        return f"{where}a list of {many[1]} is wanted" + (f", this is one of {many[2]}" if many[2] else "")
    if bound := re.fullmatch(r"Expected `(?:int|float)` (>=|<=|>) (\S+)", text):
        return f"{where}{_BOUNDS[bound[1]]} {bound[2]} is wanted"
    if kinds := re.fullmatch(r"Expected `(.*)`, got `(.*)`", text):
        wanted = " or ".join(_KINDS.get(kind, kind) for kind in kinds[1].split(" | "))
        given = "a number with a fraction" if kinds[2] == "float" else _KINDS.get(kinds[2], kinds[2])
        return f"{where}{wanted} is wanted, this is {given}"
    if text.startswith(_NO_JSON):
        return f"{where}no JSON: {text.removeprefix(_NO_JSON[0])}"
    return f"{where}{text}"


def booked(entry: AnyEntry) -> Booked | LoanBooked:
    """The line for an entry."""
    return Booked(entry) if isinstance(entry, Entry) else LoanBooked(entry)


def entries_in(journal: Journal) -> Iterator[AnyEntry]:
    """The entries of the ledger and the lender.  Raises DamagedLine."""
    return (line.entry for _, line in read(journal, LEDGER) if isinstance(line, Booked | LoanBooked))


def readable_entries(journal: Journal) -> Iterator[AnyEntry]:
    """The entries of the ledger and the lender, as far as they can be read."""
    try:
        yield from entries_in(journal)
    except DamagedLine:
        return


def processes_in(journal: Journal) -> Iterator[tuple[str, AnyLine]]:
    """The lines of all processes, each with the name of its process.  Raises DamagedLine."""
    for name in journal.actors():
        if name.startswith(PROCESS):
            for _, line in read(journal, name):
                yield name, line


def latest_ns(entries: Iterable[JournalEntry]) -> int:
    """Garden time of the newest event in an actor's lines; 0 when there is none.  Raises DamagedLine."""
    return max((line.time_ns for line in map(line_of, entries) if isinstance(line, Accepted)), default=0)


def value_of(journal: Journal, name: str) -> Value:
    """A journal's own value; None when there is none.  Raises PermanentPortError for a damaged one."""
    try:
        return journal.meta(name)
    except (ValueError, RecursionError) as problem:
        raise damaged_value(journal, name, problem) from None


def damaged_value(journal: Journal, name: str, problem: Exception) -> PermanentPortError:
    """The error for a journal's own value that no run of this version wrote."""
    return PermanentPortError(
        f"{journal.place}: its `{name}` is damaged: {in_plain_words(problem)}: {RESTORE}"
    )


def check_format(journal: Journal) -> None:
    """Raises PermanentPortError for a journal of another version."""
    found = value_of(journal, FORMAT)
    version = 1 if found is None else found
    if version != JOURNAL_FORMAT:
        raise PermanentPortError(
            f"{journal.place}: journal format {version}, and this nimdsl reads {JOURNAL_FORMAT}: "
            + (
                "replay it with the nimdsl that wrote it"
                if version == 1 or not isinstance(version, int) or version < JOURNAL_FORMAT
                else "a newer nimdsl wrote it; install that one"
            )
        )
