"""One suite for every implementation of the port Journal."""

from __future__ import annotations

import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gardens.stores import sqlite as sqlite_journal
from gardens.stores.memory import DiscardingJournal, MemoryJournal
from gardens.stores.sqlite import SqliteJournal
from nimdsl.base.errors import PermanentPortError, TemporaryPortError
from runtime.ports.journal import Journal, JournalEntry

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text("aé☃", max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=3)
    ),
    max_leaves=6,
)
LINES = st.lists(
    st.tuples(st.sampled_from(["b", "a", "ä"]), st.sampled_from(["accepted", "outcome"]), PLAIN), max_size=8
)


@pytest.fixture(params=["memory", "sqlite"])
def journal(request: Any, tmp_path: Path) -> Any:
    made: Journal = (
        MemoryJournal() if request.param == "memory" else SqliteJournal(tmp_path / "run.journal")
    )
    yield made
    made.close()


def fill(journal: Journal) -> None:
    journal.append("nerve/1", "accepted", {"event": "poll", "now": 5})
    journal.append("cell/1", "accepted", {"event": "begin", "now": 0})
    journal.append("nerve/1", "outcome", {"paid": True, "share": 0.1})


def test_positions_count_within_an_actor(journal: Journal) -> None:
    assert [journal.append(actor, "k", None) for actor in ("a", "b", "a", "a", "b")] == [0, 0, 1, 2, 1]


def test_read_gives_what_was_appended_in_order(journal: Journal) -> None:
    fill(journal)
    assert list(journal.read("nerve/1")) == [
        JournalEntry("nerve/1", 0, "accepted", {"event": "poll", "now": 5}),
        JournalEntry("nerve/1", 1, "outcome", {"paid": True, "share": 0.1}),
    ]
    assert list(journal.read("nobody")) == []


def test_actors_are_sorted(journal: Journal) -> None:
    assert journal.actors() == ()
    fill(journal)
    assert journal.actors() == ("cell/1", "nerve/1")


def test_the_body_is_kept_as_bytes(journal: Journal) -> None:
    body = {"names": ["x"], "pair": (1, 2)}
    journal.append("a", "k", body)
    body["names"].append("later")  # type: ignore[attr-defined]
    assert [entry.body for entry in journal.read("a")] == [{"names": ["x"], "pair": [1, 2]}]


def test_read_is_a_picture_of_the_moment(journal: Journal) -> None:
    fill(journal)
    entries = journal.read("nerve/1")
    first = next(entries)
    journal.append("nerve/1", "later", None)
    journal.commit()
    assert [first.kind, *(entry.kind for entry in entries)] == ["accepted", "outcome"]


def test_counts_are_by_actor(journal: Journal) -> None:
    fill(journal)
    assert journal.counts() == {"cell/1": 1, "nerve/1": 2}


def test_values_beside_the_entries_are_no_entries(journal: Journal) -> None:
    assert journal.meta("origin") is None
    value = {"seed": 1, "names": ["x"]}
    journal.set_meta("origin", value)
    value["names"] = ["later"]
    assert journal.meta("origin") == {"seed": 1, "names": ["x"]}
    journal.set_meta("origin", None)
    assert journal.meta("origin") is None
    assert journal.actors() == ()


def test_its_place_can_be_said(journal: Journal) -> None:
    assert journal.place


@pytest.mark.parametrize("body", [float("nan"), [float("inf")], {"x": object()}, {"x": {1, 2}}])
def test_what_is_not_plain_is_refused_and_leaves_nothing(journal: Journal, body: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        journal.append("a", "k", body)
    assert journal.actors() == ()
    assert journal.append("a", "k", 1) == 0


def test_after_close_every_call_fails_for_good(journal: Journal) -> None:
    fill(journal)
    journal.close()
    journal.close()
    for call in (
        lambda: journal.append("a", "k", 1),
        lambda: journal.read("a"),
        journal.actors,
        journal.counts,
        lambda: journal.meta("a"),
        lambda: journal.set_meta("a", 1),
        journal.commit,
    ):
        with pytest.raises(PermanentPortError, match="closed"):
            call()


@given(LINES)
def test_both_give_equal_entries(lines: list[tuple[str, str, Any]]) -> None:
    memory = MemoryJournal()
    with tempfile.TemporaryDirectory() as folder, SqliteJournal(Path(folder, "run.journal")) as file:
        for line in lines:
            assert memory.append(*line) == file.append(*line)
        assert memory.actors() == file.actors()
        for actor in memory.actors():
            assert list(memory.read(actor)) == list(file.read(actor))


def test_a_journal_that_discards_counts_and_cannot_be_read() -> None:
    journal: Journal = DiscardingJournal()
    fill(journal)
    assert journal.append("nerve/1", "outcome", None) == 2
    assert journal.actors() == ("cell/1", "nerve/1")
    journal.commit()
    journal.close()
    with pytest.raises(PermanentPortError, match="not kept"):
        journal.read("nerve/1")


def test_a_file_comes_back_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "run.journal"
    with SqliteJournal(path) as journal:
        fill(journal)
        journal.set_meta("program", {"sha256": "ab"})
        journal.set_meta("program", {"sha256": "cd"})
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.journal"]
    with SqliteJournal(path) as journal:
        assert journal.append("nerve/1", "accepted", 3) == 2
    with SqliteJournal(path, read_only=True) as journal:
        assert [entry.position for entry in journal.read("nerve/1")] == [0, 1, 2]
        assert journal.meta("program") == {"sha256": "cd"}
        assert journal.meta("absent") is None


def test_a_full_batch_is_written_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_journal, "BATCH_COUNT_MAX", 3)
    with SqliteJournal(tmp_path / "run.journal") as journal:
        for number in range(10):
            journal.append("a", "k", number)
        assert [entry.body for entry in journal.read("a")] == list(range(10))


def test_only_committed_lines_survive_a_crash(tmp_path: Path) -> None:
    path = tmp_path / "run.journal"
    journal = SqliteJournal(path)
    journal.append("a", "k", 1)
    journal.commit()
    journal.append("a", "k", 2)
    list(journal.read("a"))
    journal._usable().close()
    with SqliteJournal(path, read_only=True) as after:
        assert [entry.body for entry in after.read("a")] == [1]


def test_a_read_only_journal_refuses_to_write(tmp_path: Path) -> None:
    path = tmp_path / "run.journal"
    SqliteJournal(path).close()
    before = path.read_bytes()
    with SqliteJournal(path, read_only=True) as journal:
        with pytest.raises(PermanentPortError, match="reading only"):
            journal.append("a", "k", 1)
        with pytest.raises(PermanentPortError, match="reading only"):
            journal.set_meta("a", 1)
    assert path.read_bytes() == before


def test_a_second_writer_has_to_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_journal, "BUSY_TIMEOUT_S", 0.01)
    path = tmp_path / "run.journal"
    with SqliteJournal(path) as first, SqliteJournal(path) as second:
        first.set_meta("a", 1)
        second.append("a", "k", 1)
        with pytest.raises(TemporaryPortError, match="locked"):
            second.commit()
        first.commit()
        second.commit()
        assert [entry.body for entry in second.read("a")] == [1]


def sqlite_file(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.commit()
    connection.close()


def test_what_is_no_journal_says_so(tmp_path: Path) -> None:
    absent, empty, text, foreign = (tmp_path / name for name in ("absent", "empty", "text", "foreign"))
    empty.write_bytes(b"")
    text.write_text("not a database, but long enough to look at " * 30, encoding="utf-8")
    sqlite_file(foreign, "CREATE TABLE other (x)")
    for path, read_only, message in (
        (absent, True, "no such journal"),
        (tmp_path / "no" / "folder", False, "unable to open"),
        (empty, True, "no journal"),
        (text, False, "not a database"),
        (text, True, "not a database"),
        (foreign, False, "no journal"),
        (tmp_path, True, "no such journal"),
        (tmp_path, False, "unable to open"),
    ):
        with pytest.raises(PermanentPortError, match=message) as caught:
            SqliteJournal(path, read_only)
        assert str(path) in str(caught.value)
    assert not absent.exists()


def test_another_version_says_so(tmp_path: Path) -> None:
    path = tmp_path / "run.journal"
    SqliteJournal(path).close()
    sqlite_file(path, "PRAGMA user_version = 9")
    with pytest.raises(PermanentPortError, match="version 9"):
        SqliteJournal(path)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.9])
def test_a_torn_file_says_so(tmp_path: Path, share: float) -> None:
    path = tmp_path / "run.journal"
    with SqliteJournal(path) as journal:
        for number in range(2000):
            journal.append("a", "k", {"number": number})
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    for read_only in (True, False):
        with pytest.raises(PermanentPortError):
            SqliteJournal(path, read_only)
