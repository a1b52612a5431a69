"""Lines of a journal: what is written is read again, and what is no line says which and why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gardens.stores.memory import MemoryJournal
from nimdsl.base.errors import PermanentPortError
from runtime.kernel.events import BEGIN, AnyEvent
from runtime.ledger.accounts import Entry
from runtime.ports.journal import RESTORE, JournalEntry
from runtime.run.lines import (
    CLASSES,
    FORMAT,
    JOURNAL_FORMAT,
    LEDGER,
    Accepted,
    AnyLine,
    Booked,
    DamagedLine,
    Outcome,
    Said,
    Started,
    check_format,
    entries_in,
    latest_ns,
    line_of,
    processes_in,
    read,
    write,
)
from tests.support.effort import examples
from tests.support.structs import values_of

ENTRY = Entry(0, 0, "transfer", "@opening", "opening", "pool", 5, "", "opening")


def test_every_kind_of_line_has_its_class() -> None:
    kinds = ["accepted", "outcome", "records", "entry", "loan", "answer", "heard"]
    assert list(CLASSES) == [*kinds, "clock", "incident", "stimulus"]


@pytest.mark.parametrize("kind", CLASSES)
def test_a_line_comes_back(kind: str) -> None:
    @given(st.lists(values_of(CLASSES[kind]), max_size=3))
    @settings(max_examples=examples(60))
    def written(lines: list[AnyLine]) -> None:
        journal = MemoryJournal()
        assert [write(journal, "x", line) for line in lines] == list(range(len(lines)))
        assert list(read(journal, "x")) == list(enumerate(lines))
        assert all(entry.kind == kind and "kind" not in entry.body for entry in journal.read("x"))

    written()


@given(values_of(AnyEvent))
@settings(max_examples=examples(100))
def test_an_event_comes_back_as_what_it_was(event: AnyEvent) -> None:
    journal = MemoryJournal()
    write(journal, "cell/c", Accepted(event, 3, "p"))
    ((_, line),) = read(journal, "cell/c")
    assert isinstance(line, Accepted)
    assert (type(line.event), line.event) == (type(event), event)


def test_the_bodies_are_these() -> None:
    journal = MemoryJournal()
    write(journal, "a", Accepted(BEGIN, 0, "p"))
    write(journal, "a", Outcome(True, 7))
    write(journal, "a", Booked(ENTRY))
    write(journal, "a", Said("cell/c", (3, 0), False, 7))
    assert [(entry.kind, entry.body) for entry in journal.read("a")] == [
        ("accepted", {"event": {"kind": "begin"}, "time_ns": 0, "program": "p"}),
        ("outcome", {"granted": True, "balance": 7}),
        ("entry", {"entry": ENTRY.to_data()}),
        ("answer", {"actor": "cell/c", "item": [3, 0], "granted": False, "balance": 7}),
    ]


# Damage

GOOD: dict[str, Any] = {"event": {"kind": "begin"}, "time_ns": 3, "program": "p"}


def event(**fields: Any) -> dict[str, Any]:
    return {**GOOD, "event": fields}


@pytest.mark.parametrize(
    ("kind", "body", "said"),
    [
        (
            "accepted",
            {**GOOD, "time_ns": "3"},
            "`time_ns`: a whole number is wanted, this is text",
        ),
        (
            "accepted",
            {**GOOD, "time_ns": 3.5},
            "`time_ns`: a whole number is wanted, this is a number with a fraction",
        ),
        (
            "accepted",
            {**GOOD, "time_ns": True},
            "`time_ns`: a whole number is wanted, this is true or false",
        ),
        ("accepted", {**GOOD, "time_ns": -1}, "`time_ns`: at least 0 is wanted"),
        ("accepted", {**GOOD, "time_ns": 1 << 63}, f"`time_ns`: at most {2**63 - 1} is wanted"),
        ("stimulus", {"number": 0, "time_ns": 0}, "`number`: at least 1 is wanted"),
        ("accepted", {**GOOD, "more": 1}, "`more` is no field of it"),
        ("accepted", {"time_ns": 3, "program": "p"}, "`event` is missing"),
        (
            "accepted",
            {**GOOD, "event": 5},
            "`event`: an object is wanted, this is a whole number",
        ),
        ("accepted", event(), "`event.kind` is missing"),
        ("accepted", event(kind="dream"), "`event.kind`: there is no 'dream'"),
        ("accepted", event(kind="timer", timer=1), "`event.generation` is missing"),
        (
            "accepted",
            event(kind="reply", request=["a"], message={}),
            "`event.request`: a list of 2 is wanted, this is one of 1",
        ),
        (
            "accepted",
            event(kind="reply", request=["a", "b"], message={}),
            "`event.request[1]`: a whole number is wanted, this is text",
        ),
        (
            "accepted",
            event(kind="message", name=None),
            "`event.name`: text is wanted, this is nothing",
        ),
        (
            "outcome",
            {"granted": 1, "balance": 7},
            "`granted`: true or false is wanted, this is a whole number",
        ),
        ("records", {"records": {}}, "`records`: a list is wanted, this is an object"),
        (
            "records",
            {"records": [1]},
            "`records[0]`: an object is wanted, this is a whole number",
        ),
        (
            "entry",
            {"entry": {**ENTRY.to_data(), "kind": "gift"}},
            "`entry.kind`: there is no 'gift'",
        ),
        (
            "entry",
            {"entry": {**ENTRY.to_data(), "detail": {}}},
            "`entry.detail` is no field of it",
        ),
        (
            "entry",
            {"entry": {**ENTRY.to_data(), "balance": "7"}},
            "`entry.balance`: a whole number or nothing is wanted, this is text",
        ),
    ],
)
def test_a_damaged_line_says_where_and_what_is_wrong(kind: str, body: Any, said: str) -> None:
    check_damage(kind, body, f"`{kind}`: {said}")


@pytest.mark.parametrize(
    ("kind", "body", "said"),
    [
        ("thought", {}, "no line is called 'thought'"),
        ("accepted", [], "the body of a line is an object, this is a list"),
        ("outcome", None, "the body of a line is an object, this is nothing"),
    ],
)
def test_so_does_what_is_no_line_at_all(kind: str, body: Any, said: str) -> None:
    check_damage(kind, body, said)


def check_damage(kind: str, body: Any, said: str) -> None:
    with pytest.raises(DamagedLine) as alone:
        line_of(JournalEntry("cell/c", 1, kind, body))
    assert str(alone.value) == said
    journal = MemoryJournal()
    write(journal, "cell/c", Outcome(True, 0))
    journal.append("cell/c", kind, body)
    lines = read(journal, "cell/c")
    assert next(lines) == (0, Outcome(True, 0))
    with pytest.raises(DamagedLine) as placed:
        next(lines)
    assert str(placed.value) == f"a journal in memory: cell/c, line 1: a damaged line: {said}: {RESTORE}"


class Gapped(MemoryJournal):
    """Lacks the line before the last, or cannot read it."""

    broken = False

    def read(self, actor: str, start: int = 0) -> Iterator[JournalEntry]:
        entries = list(super().read(actor, start))
        yield from entries[:-2]
        if self.broken:
            raise ValueError("Expecting value")
        yield entries[-1]


def test_a_gap_and_bytes_that_cannot_be_read_are_damage() -> None:
    journal = Gapped()
    for balance in range(4):
        write(journal, "a", Outcome(True, balance))
    for broken, said in (
        (False, "a, line 2: a damaged line: number 3 stands there"),
        (True, "a, line 2: a damaged line: Expecting value"),
    ):
        journal.broken = broken
        lines = read(journal, "a")
        assert [next(lines)[0], next(lines)[0]] == [0, 1]
        with pytest.raises(DamagedLine) as found:
            next(lines)
        assert str(found.value) == f"a journal in memory: {said}: {RESTORE}"


def test_each_reader_takes_what_is_its_own() -> None:
    journal = MemoryJournal()
    write(journal, LEDGER, Booked(ENTRY))
    write(journal, LEDGER, Said("cell/c", (0, 0), True, 5))
    clock = Started(0, 1, "1.0", 0)
    write(journal, "garden/cells", clock)
    write(journal, "cell/c", Accepted(BEGIN, 3, "p"))
    write(journal, "cell/c", Outcome(True, 1))
    assert list(entries_in(journal)) == [ENTRY]
    assert list(processes_in(journal)) == [("garden/cells", clock)]
    assert latest_ns(journal.read("cell/c")) == 3
    assert latest_ns(journal.read("cell/nobody")) == 0


# The version


@pytest.mark.parametrize(
    ("version", "advice"),
    [
        (None, "journal format 1, and this nimdsl reads 2: replay it with the nimdsl that wrote it"),
        (1, "journal format 1, and this nimdsl reads 2: replay it with the nimdsl that wrote it"),
        (3, "journal format 3, and this nimdsl reads 2: a newer nimdsl wrote it; install that one"),
        ("two", "journal format two, and this nimdsl reads 2: replay it with the nimdsl that wrote it"),
    ],
)
def test_another_version_is_refused_in_one_line(version: Any, advice: str) -> None:
    journal = MemoryJournal()
    journal.set_meta(FORMAT, version)
    with pytest.raises(PermanentPortError) as refused:
        check_format(journal)
    assert str(refused.value) == f"a journal in memory: {advice}"


def test_this_version_is_read() -> None:
    journal = MemoryJournal()
    journal.set_meta(FORMAT, JOURNAL_FORMAT)
    check_format(journal)
    assert JOURNAL_FORMAT == 2
