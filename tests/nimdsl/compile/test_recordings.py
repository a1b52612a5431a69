"""Recordings: what their rows mean, every mistake in them, and that they travel with what was compiled."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nimdsl
from nimdsl.base import canonical
from nimdsl.base.diagnostics import Diagnostic, Severity
from nimdsl.base.units import INT64_MAX, format_duration
from nimdsl.compile import arrivals as reading
from nimdsl.compile.arrivals import read_int, read_real, read_time
from nimdsl.loading import check_sources, provenance, rebuilt, with_overrides
from nimdsl.program import Program, Recorded
from nimdsl.text.source import Source
from tests.nimdsl.checks.building import YOUNG

SPEC = (
    f"{YOUNG}---"
    + """
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: lamp}
spec:
  accepts:
    push: {count: int, size: real, why: string, wait: duration, lf: lifeforce, part: share, sure: bool}
    bare: {}
    tell: {names: list<string>}
  machine:
    initial: a
    states: {a: {transitions: [{event: push, to: a}, {event: bare, to: a}, {event: tell, to: a}]}}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: s}
spec: {horizon: 60s, stimuli: [STIMULUS]}
"""
)
LEVEL = "{recording: {file: arrivals.csv}, level: dialogue, item: speech}"
THINKING = "{recording: {file: arrivals.csv}, level: thinking}"
BARE = "{recording: {file: arrivals.csv}, to: lamp, event: bare}"
SECOND = 1_000_000_000


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def checked(csv: str, stimulus: str = LEVEL) -> nimdsl.Report:
    """Through files, as a user has them."""
    Path("arrivals.csv").write_text(csv, encoding="utf-8", newline="")
    Path("garden.yaml").write_text(SPEC.replace("STIMULUS", stimulus), encoding="utf-8")
    return nimdsl.check(["garden.yaml"])


def recorded(csv: str, stimulus: str = LEVEL) -> Recorded:
    report = checked(csv, stimulus)
    assert report.program is not None, [str(one) for one in report.diagnostics]
    return arrivals(report.program)


def arrivals(program: Program) -> Recorded:
    found = program.scenarios["s"].stimuli[0].arrivals
    assert isinstance(found, Recorded)
    return found


def mistake(csv: str, stimulus: str = LEVEL) -> Diagnostic:
    report = checked(csv, stimulus)
    assert report.program is None
    (found,) = report.diagnostics
    return found


def warning(csv: str, stimulus: str = LEVEL) -> Diagnostic:
    report = checked(csv, stimulus)
    assert report.program is not None
    (found,) = report.diagnostics
    assert found.severity is Severity.WARNING
    return found


# Rows


def test_times_demands_and_fields_of_each_row() -> None:
    found = recorded("at,takes,words,loud,who\n2.5s,900ms,3,0.5,ann\n31,4s,12,1,bob\n")
    assert found.at_ns == (2_500_000_000, 31 * SECOND)
    assert found.takes_ns == (900_000_000, 4 * SECOND)
    assert found.fields == {"words": (3, 12), "loud": (0.5, 1.0), "who": ("ann", "bob")}


def test_rows_may_come_in_any_order_and_those_of_one_instant_keep_theirs() -> None:
    found = recorded("who,at,takes\nc,3,1\na,1,1\nd,3s,1\nb,2000ms,1\ne,3,1\n")
    assert found.at_ns == (SECOND, 2 * SECOND, 3 * SECOND, 3 * SECOND, 3 * SECOND)
    assert found.fields["who"] == ("a", "b", "c", "d", "e")


@given(st.lists(st.integers(0, 5), max_size=20))
def test_sorting_is_stable(seconds: list[int]) -> None:
    rows = "".join(f"{at},1,{number}\n" for number, at in enumerate(seconds))
    source = Source("garden.yaml", SPEC.replace("STIMULUS", LEVEL))
    report = check_sources([source], recordings=[Source("arrivals.csv", "at,takes,n\n" + rows)])
    assert report.program is not None
    found = arrivals(report.program)
    order = sorted(range(len(seconds)), key=lambda number: seconds[number])
    assert found.at_ns == tuple(seconds[number] * SECOND for number in order)
    assert found.fields["n"] == tuple(order)


def test_blanks_quotes_line_ends_and_a_byte_order_mark() -> None:
    csv = '\ufeff at , takes, said\r\n\r\n 1 , 2s ,"well, yes"\r\n,,\r\n"2","3s"," no\nmore "\r\n'
    found = recorded(csv)
    assert (found.at_ns, found.takes_ns) == ((SECOND, 2 * SECOND), (2 * SECOND, 3 * SECOND))
    assert found.fields["said"] == ("well, yes", "no\nmore")


def test_a_recording_of_nothing_is_a_warning() -> None:
    assert recorded("at,takes\n") == Recorded((), {}, ())
    found = warning("at,takes\n\n")
    assert (found.code, str(found.place)) == ("NIM0508", "arrivals.csv:2:1")
    assert found.message == "the recording has no rows: nothing ever comes"


def test_a_recording_beyond_the_horizon_is_a_warning() -> None:
    found = warning("at,takes\n2min,1\n60,1\n")
    assert (found.code, found.place.file) == ("NIM0508", "garden.yaml")
    assert found.message == "this stimulus never comes: it begins at 1min, the run ends before 1min"
    assert not checked("at,takes\n2min,1\n59.9,1\n").diagnostics


def test_a_row_that_no_beat_can_finish_is_a_warning() -> None:
    found = warning("at,takes\n1,29.7\n2,29.8\n")
    assert (found.code, found.place.file) == ("NIM0606", "garden.yaml")
    assert "an item of `dialogue` that takes 29.8s can never be done" in found.message
    assert not checked("at,takes\n1,29.7\n").diagnostics


def test_a_long_text_after_a_quote_is_no_long_field() -> None:
    found = mistake('at,takes,x\n1,1,"a\n' + "1,1,b\n" * 30_000)
    assert (found.message, str(found.place)) == ("this quote is never closed", "arrivals.csv:2:5")


def test_names_of_columns_are_lower_case() -> None:
    assert mistake("AT,takes\n1,1\n").fix == "names of columns are lower case: write `at`"
    assert mistake("at,Takes\n1,1\n").fix == "names of columns are lower case: write `takes`"
    assert recorded("at,Takes,takes\n1,7,1\n").fields == {"Takes": (7,)}


def test_a_quote_inside_quotes_is_doubled() -> None:
    assert "double a quote" in mistake('at,takes\n1,"2"3\n').fix


def test_a_level_that_says_what_items_take_needs_no_column() -> None:
    assert recorded("at\n1\n", THINKING).takes_ns == ()


def test_where_a_row_does_not_say_the_stimulus_does_or_the_level() -> None:
    csv = "at,takes\n1,\n2,5s\n"
    assert recorded(csv, THINKING).takes_ns == (0, 5 * SECOND)
    said = LEVEL.replace("item: speech", "takes: 3s")
    assert recorded(csv, said).takes_ns == (3 * SECOND, 5 * SECOND)


def test_fields_of_a_cells_event_have_the_types_that_it_accepts() -> None:
    stimulus = "{recording: {file: arrivals.csv}, to: lamp, event: push, payload: {why: '7'}}"
    csv = "at,count,size,wait,lf,part,sure\n1,2,3,4,0.5,40%,True\n2,-1,1e3,5ms,1,100%,false\n"
    assert recorded(csv, stimulus).fields == {
        "count": (2, -1),
        "size": (3.0, 1000.0),
        "wait": (4 * SECOND, 5_000_000),
        "lf": (500_000, 1_000_000),
        "part": (400_000, 1_000_000),
        "sure": (True, False),
    }


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        (["1", "-2"], (1, -2)),
        (["1", "2.5", "1e2"], (1.0, 2.5, 100.0)),
        (["-0.0"], (0.0,)),
        (["1", "x"], ("1", "x")),
        (["1", ""], ("1", "")),
        (["007"], ("007",)),
        (["+1"], ("+1",)),
        (["nan"], ("nan",)),
        (["1e999"], ("1e999",)),
        (["true"], ("true",)),
        (["9223372036854775807"], (INT64_MAX,)),
        (["9223372036854775808"], ("9223372036854775808",)),
        (["9007199254740993", "0.5"], ("9007199254740993", "0.5")),
        (["-9007199254740992", "0.5"], (-9007199254740992.0, 0.5)),
    ],
)
def test_a_column_is_numbers_if_all_its_values_are(values: list[str], wanted: tuple[object, ...]) -> None:
    csv = "at,takes,v\n" + "".join(f"1,1,{value}\n" for value in values)
    found = recorded(csv).fields["v"]
    assert canonical.encode(list(found)) == canonical.encode(list(wanted))


@given(st.integers(0, INT64_MAX))
def test_times_are_exact_however_they_are_written(value_ns: int) -> None:
    seconds = f"{value_ns // SECOND}.{value_ns % SECOND:09d}"
    forms = (format_duration(value_ns), f"{value_ns}ns", seconds, f"{seconds}000", f"{value_ns}e-9")
    assert {form: read_time(form) for form in forms} == dict.fromkeys(forms, value_ns)


@given(st.text("0123456789.eE+-nums hd", max_size=12))
def test_no_text_breaks_the_readers(text: str) -> None:
    for value in (read_time(text), read_int(text), read_real(text)):
        assert value is None or -INT64_MAX - 1 <= value <= INT64_MAX or isinstance(value, float)
    assert canonical.encode([read_time(text), read_int(text), read_real(text)])


# Mistakes


@pytest.mark.parametrize(
    ("csv", "stimulus", "code", "place", "message"),
    [
        ("", LEVEL, "NIM0117", (1, 1), "the recording is empty"),
        ("\n \n", LEVEL, "NIM0117", (2, 1), "the recording is empty"),
        ("when,takes\n1,1\n", LEVEL, "NIM0117", (1, 1), "no column `at`"),
        ("at;takes\n1;1\n", LEVEL, "NIM0117", (1, 1), "no column `at`"),
        ("at,takes,at\n", LEVEL, "NIM0117", (1, 10), "two columns `at`"),
        ("at,takes,,x\n", LEVEL, "NIM0117", (1, 10), "a column has no name"),
        ("at,takes\n1,1\n2\n", LEVEL, "NIM0117", (3, 1), "2 columns, and 1 values in this row"),
        ("at,takes\n1,1,1\n", LEVEL, "NIM0117", (2, 1), "2 columns, and 3 values in this row"),
        ("at,takes\n-1s,1\n", LEVEL, "NIM0117", (2, 1), "'-1s' is negative"),
        ("at,takes\n\n 1, -3\n", LEVEL, "NIM0117", (3, 5), "'-3' is negative"),
        ("at,takes\nsoon,1\n", LEVEL, "NIM0117", (2, 1), "a time wanted here, this is 'soon'"),
        ("takes,at\n1,\n", LEVEL, "NIM0117", (2, 3), "a time wanted here, this is ''"),
        ("at,takes\n1,2 weeks\n", LEVEL, "NIM0117", (2, 3), "a time wanted here, this is '2 weeks'"),
        ("at,takes\n0.1234567891,1\n", LEVEL, "NIM0117", (2, 1), "finer than a nanosecond"),
        ("at,takes\n1.5ns,1\n", LEVEL, "NIM0117", (2, 1), "finer than a nanosecond"),
        ("at,takes\n9223372037,1\n", LEVEL, "NIM0117", (2, 1), "or too large"),
        ("at,takes\n1e20,1\n", LEVEL, "NIM0117", (2, 1), "or too large"),
        ("at,takes\n1,0s\n", LEVEL, "NIM0117", (2, 3), "takes no time"),
        ("at,takes\n1,\n", LEVEL, "NIM0117", (2, 3), "`dialogue` does not say what its items take"),
        ('at,takes\n1,"2\n', LEVEL, "NIM0117", (2, 3), "this quote is never closed"),
        ('at,takes\n1,"2\n3,4\n5,6\n', LEVEL, "NIM0117", (2, 3), "this quote is never closed"),
        (
            'at,takes,x\r\n1,2,"a""\r\n"\r\n1,2,"b\r\n',
            LEVEL,
            "NIM0117",
            (4, 5),
            "this quote is never closed",
        ),
        ("At,takes\n1,1\n", LEVEL, "NIM0117", (1, 1), "no column `at`"),
        ("at,Takes\n1,1\n", LEVEL, "NIM0117", (1, 4), "no column `takes`"),
        ('at,takes\n1,"2"3\n', LEVEL, "NIM0117", (2, 1), "cannot be read"),
        ("at\n1\n", LEVEL, "NIM0204", None, "nobody says what an item of `dialogue` takes"),
        ("at,x\n1,2\n", BARE, "NIM0303", (1, 4), "the event has no field `x`"),
        ("at,takes\n1,2\n", BARE, "NIM0303", (1, 4), "the event has no field `takes`"),
    ],
)
def test_a_mistake_has_its_place_in_the_file(
    csv: str, stimulus: str, code: str, place: tuple[int, int] | None, message: str
) -> None:
    found = mistake(csv, stimulus)
    assert found.code == code
    assert message in found.message
    if place is None:
        assert found.place.file == "garden.yaml"
    else:
        assert (found.place.file, found.place.line, found.place.column) == ("arrivals.csv", *place)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("count", "2.5", "`count` wants a whole number, this is '2.5'"),
        ("size", "big", "`size` wants a number"),
        ("wait", "long", "`wait` wants a duration"),
        ("lf", "2LF", "`lf` wants lifeforce"),
        ("part", "0.4", "`part` wants a share"),
        ("sure", "perhaps", "`sure` wants true or false"),
        (
            "count",
            "9223372036854775808",
            "does not fit into 64 bits (-9223372036854775808 to 9223372036854775807)",
        ),
        ("count", "-99999999999999999999", "does not fit into 64 bits"),
        ("size", "9007199254740993", "that a real holds exactly (-9007199254740992 to 9007199254740992)"),
        ("size", "1e400", "does not fit into a 64-bit real (-1.79e+308 to 1.79e+308)"),
        ("wait", "9223372036854775808s", "is too large"),
        ("wait", "0.1ns", "is finer than the grid of 1ns"),
        ("part", "0.00001%", "is finer than the grid of 0.0001%"),
        ("lf", "0.0000001", "is finer than the grid of 0.000001"),
    ],
)
def test_a_value_of_another_type_than_the_cell_accepts(column: str, value: str, message: str) -> None:
    sound = {"count": "1", "size": "1", "why": "w", "wait": "1s", "lf": "1", "part": "1%", "sure": "true"}
    rows = [["at", *sound], ["1", *sound.values()], ["2", *{**sound, column: value}.values()]]
    stimulus = "{recording: {file: arrivals.csv}, to: lamp, event: push}"
    found = mistake("".join(",".join(row) + "\n" for row in rows), stimulus)
    code = "NIM0304" if " wants " in message else "NIM0210"
    assert (found.code, found.place.file, found.place.line) == (code, "arrivals.csv", 3)
    assert found.place.excerpt[found.place.column - 1 :].startswith(value)
    assert found.place.length == len(value)
    assert message in found.message


@pytest.mark.parametrize(
    ("csv", "stimulus", "code"),
    [
        ("at,names\n1,a\n", "{recording: {file: arrivals.csv}, to: lamp, event: tell}", "NIM0304"),
        ("at\n1\n", "{recording: {file: arrivals.csv}, to: lamp, event: tell}", "NIM0306"),
        ("at,x\n1,2\n", LEVEL.replace("item", "takes: 1s, payload: {x: 1}, item"), "NIM0203"),
        ("at,takes\n1,2\n", LEVEL.replace("dialogue", "reflex"), "NIM0203"),
        (
            "at,x\n1,2\n",
            "{recording: {file: arrivals.csv}, gate: {name: g, tier: 1, open: true}}",
            "NIM0303",
        ),
    ],
)
def test_columns_that_do_not_fit_the_stimulus(csv: str, stimulus: str, code: str) -> None:
    assert mistake(csv, stimulus).code == code


def test_every_mistake_is_found_up_to_a_bound() -> None:
    found = checked("at,takes\n" + "soon,1\n" * 5).diagnostics
    assert [one.place.line for one in found] == [2, 3, 4, 5, 6]
    for end in ("", 'soon,"1', "soon\n"):
        found = checked("at,takes\n" + "soon,later\n" * 10 + end * 5).diagnostics
        assert len(found) == reading.MISTAKE_COUNT_MAX
    found = checked("at,takes\n" + "soon,1\n" * 19 + 'soon,"1').diagnostics
    assert len(found) == reading.MISTAKE_COUNT_MAX


def test_too_many_columns() -> None:
    assert mistake("at" + ",x" * 1_000).code == "NIM0104"


def test_columns_divided_by_something_else() -> None:
    assert mistake("at;takes\n1;1\n").fix == "divide columns by commas"
    assert mistake("time,takes\n1,1\n").fix == "name the column of the times `at`"


def test_too_many_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "ROW_COUNT_MAX", 3)
    assert len(recorded("at,takes\n" + "1,1\n" * 3).at_ns) == 3
    found = mistake("at,takes\n" + "1,1\n" * 4)
    assert (found.code, found.place.line) == ("NIM0104", 5)


@given(st.text("at,kes\n\r\"'; 012.s\u2028\x85\x00é", max_size=60))
def test_any_text_gives_arrivals_or_diagnostics(text: str) -> None:
    source = Source("garden.yaml", SPEC.replace("STIMULUS", LEVEL))
    report = check_sources([source], recordings=[Source("arrivals.csv", "at,takes\n" + text)])
    wrong = [one for one in report.diagnostics if one.severity is Severity.ERROR]
    assert (report.program is None) == bool(wrong)
    assert {one.place.file for one in wrong} <= {"arrivals.csv"}
    assert all(one.to_text() for one in report.diagnostics)


# Files


def test_paths_begin_where_the_document_is(folder: Path) -> None:
    inner = folder / "specs"
    (inner / "data").mkdir(parents=True)
    (inner / "garden.yaml").write_text(SPEC.replace("STIMULUS", LEVEL.replace("arrivals", "data/a")))
    (inner / "data" / "a.csv").write_text("at,takes\nsoon,1\n")
    (found,) = nimdsl.check(["specs"]).diagnostics
    assert found.place.file == "specs/data/a.csv"


def test_an_absolute_path(folder: Path) -> None:
    (folder / "elsewhere.csv").write_text("at,takes\n1,1\n")
    absolute = LEVEL.replace("arrivals.csv", str(folder / "elsewhere.csv"))
    assert recorded("", absolute).at_ns == (SECOND,)


def unusable(code: str, stimulus: str = LEVEL) -> Diagnostic:
    Path("garden.yaml").write_text(SPEC.replace("STIMULUS", stimulus), encoding="utf-8")
    (found,) = nimdsl.check(["garden.yaml"]).diagnostics
    assert found.code == code
    return found


def test_no_such_file_and_a_likely_one() -> None:
    Path("arrivals.csv").write_text("at\n")
    found = unusable("NIM0101", LEVEL.replace("arrivals", "arivals"))
    assert found.to_text().splitlines()[1:] == [
        "   26 | spec: {horizon: 60s, stimuli: [{recording: {file: arivals.csv}, level: dialogue,"
        " item: speech}]}",
        "      |                                                   ^^^^^^^^^^^",
        "      = fix: did you mean `arrivals.csv`?",
    ]


def test_what_is_no_text_in_utf_8() -> None:
    Path("arrivals.csv").write_bytes(b"at,takes\n1,2\n3,\xe9\n")
    found = unusable("NIM0102")
    assert (found.place.file, found.place.line, found.place.column) == ("arrivals.csv", 3, 3)
    Path("arrivals.csv").write_bytes(b"PK\x03\x04")
    assert "a zip archive" in unusable("NIM0102").message


def test_a_folder_is_no_recording() -> None:
    Path("arrivals.csv").mkdir()
    found = unusable("NIM0114")
    assert (found.place.file, found.fix) == ("garden.yaml", "name a CSV file that can be read")
    assert "is a folder, not a file" in found.message


def test_a_file_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("arrivals.csv").write_text("at,takes\n1,1\n")
    monkeypatch.setattr("nimdsl.compile.recordings.RECORDING_BYTES_MAX", 10)
    assert "has 13 bytes; at most 10 are read" in unusable("NIM0104").message


def test_recordings_that_are_too_large_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nimdsl.compile.recordings.RECORDINGS_BYTES_MAX", 20)
    for name in ("arrivals.csv", "b.csv"):
        Path(name).write_text("at,takes\n1,1\n")
    found = unusable("NIM0104", f"{LEVEL}, {LEVEL.replace('arrivals', 'b')}")
    assert "more than 20 bytes" in found.message


def test_one_file_for_two_stimuli_is_read_once() -> None:
    report = checked("at,takes\n1,1\n", f"{LEVEL}, {LEVEL}")
    assert report.program is not None
    assert len(provenance(report.program)["recordings"]) == 1


# What was compiled is complete


def test_the_program_is_rebuilt_without_any_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = checked("at,takes\n2,1\n1,1\n")
    assert report.program is not None
    origin = canonical.decode(canonical.encode(provenance(report.program)))
    for name in ("garden.yaml", "arrivals.csv"):
        Path(name).unlink()
    monkeypatch.chdir(folder.parent)
    again = rebuilt(origin)
    assert again.scenarios == report.program.scenarios
    assert canonical.encode(provenance(again)) == canonical.encode(origin)


def test_what_a_journal_lacks_is_not_looked_for_in_the_folder() -> None:
    report = checked("at,takes\n1,1\n")
    assert report.program is not None
    with pytest.raises(nimdsl.SpecError, match=r"NIM0101: `arrivals\.csv` cannot be found"):
        rebuilt({**provenance(report.program), "recordings": []})


def test_journals_from_before_there_were_recordings() -> None:
    program = nimdsl.load_text(SPEC.replace("STIMULUS", "{at: 1s, level: thinking}"))
    origin = provenance(program)
    del origin["recordings"]
    assert rebuilt(origin).scenarios == program.scenarios


def test_documents_of_another_system_find_their_recordings() -> None:
    document = Source("specs\\garden.yaml", SPEC.replace("STIMULUS", LEVEL))
    report = check_sources([document], recordings=[Source("specs\\arrivals.csv", "at,takes\n1,1\n")])
    assert report.program is not None
    absolute = Source("specs\\garden.yaml", SPEC.replace("STIMULUS", LEVEL.replace("arr", "C:/arr")))
    report = check_sources([absolute], recordings=[Source("C:/arrivals.csv", "at,takes\n1,1\n")])
    assert report.program is not None


def test_an_override_may_name_another_recording(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = checked("at,takes\n1,1\n")
    Path("other.csv").write_text("at,takes\n7,1\n")
    assert report.program is not None
    changes = {"scenario/s.stimuli.0.recording.file": "other.csv"}
    monkeypatch.chdir(folder.parent)
    changed = with_overrides(report.program, changes)
    assert arrivals(changed).at_ns == (7 * SECOND,)
    (folder / "other.csv").unlink()
    assert rebuilt(provenance(changed)).scenarios == changed.scenarios
    with pytest.raises(nimdsl.SpecError, match="no such file"):
        with_overrides(report.program, {"scenario/s.stimuli.0.recording.file": "none.csv"})


def test_large_recordings_in_any_order_are_the_same() -> None:
    draws = random.Random(1)
    rows = [f"{draws.randrange(10_000)}ms,{draws.randrange(1, 900)}ms,{n}\n" for n in range(2_000)]
    found = recorded("at,takes,n\n" + "".join(rows))
    pairs = list(zip(found.at_ns, found.fields["n"], strict=True))
    assert pairs == sorted(pairs)
    assert len(pairs) == len(rows)
