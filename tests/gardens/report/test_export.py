"""``--out``: records in their order while the run goes on; all files whole, or none."""

from __future__ import annotations

from pathlib import Path

import pytest

import nimdsl
from gardens.report.result.export import RECORDS, RecordFile, discard, export, journal_in
from nimdsl.base import canonical
from nimdsl.base.errors import InternalError, NimdslError, PermanentPortError
from runtime.record_bytes import encode, from_data
from runtime.records import Ignored, Record
from simulate import Result, run
from tests.support.plain import plain
from tests.support.texts import HELLO


def exported(folder: Path, *, keep: bool, seed: int = 1) -> Result:
    """A run into ``folder``: streamed, or from the records that it kept."""
    journal, records = journal_in(folder), None if keep else RecordFile(folder)
    program = nimdsl.load_text(HELLO)
    result = run(program, "hello", seed=seed, journal=journal, keep=keep, records=records)
    export(result, folder, journal, records)
    return result


def record(time_ns: int, actor: str, sequence: int) -> Record:
    return Record(actor, sequence, time_ns, Ignored("push", "a"))


def write(file: RecordFile, *records: Record) -> None:
    for one in records:
        file.take(one, encode(one)[0])


def test_a_streamed_file_is_that_of_a_run_which_kept_its_records(tmp_path: Path) -> None:
    kept = exported(tmp_path / "kept", keep=True)
    streamed = exported(tmp_path / "streamed", keep=False)
    for name in (RECORDS, "summary.json"):
        assert (tmp_path / "kept" / name).read_bytes() == (tmp_path / "streamed" / name).read_bytes()
    lines = [canonical.encode(one) + b"\n" for one in plain(kept.records())]
    assert (tmp_path / "kept" / RECORDS).read_bytes() == b"".join(lines)
    assert streamed.records() == kept.records()


def test_records_of_one_instant_are_sorted_and_time_only_goes_on(tmp_path: Path) -> None:
    file = RecordFile(tmp_path)
    given = [record(1, "b", 0), record(1, "a", 10), record(1, "a", 9), record(2, "a", 11)]
    write(file, *given)
    with pytest.raises(InternalError, match="after one of 2 ns"):
        write(file, record(1, "a", 12))
    file.finish()
    lines = (tmp_path / f".{RECORDS}.partial").read_bytes().splitlines()
    found = [from_data(canonical.decode(line)) for line in lines]
    assert found == [given[2], given[1], given[0], given[3]]


def test_records_of_an_instant_are_held_back_and_no_more(tmp_path: Path) -> None:
    file = RecordFile(tmp_path)
    for number in range(1_000):
        write(file, record(number // 10, "a", number))
        assert len(file._held) <= 10
    file.close()
    file.close()


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    file = RecordFile(tmp_path / "file")
    with pytest.raises(PermanentPortError, match="cannot write to"):
        write(file, record(1, "a", 0), record(2, "a", 1))
    with pytest.raises(PermanentPortError, match="file: it is a file, name a folder"):
        journal_in(tmp_path / "file")
    with pytest.raises(PermanentPortError, match="cannot write to"):
        RecordFile(tmp_path / "absent").finish()
    file.close()


def test_what_was_interrupted_is_discarded(tmp_path: Path) -> None:
    journal, file = journal_in(tmp_path), RecordFile(tmp_path)
    journal.append("a", "k", 1)
    journal.read("a")
    write(file, record(1, "a", 0), record(2, "a", 1))
    names = [path.name for path in tmp_path.iterdir()]
    assert names
    assert all(name.startswith(".") for name in names), "nothing has its name yet"
    journal.close()
    file.close()
    discard(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_records_that_were_not_kept_are_told_how_to_be_had(tmp_path: Path) -> None:
    program = nimdsl.load_text(HELLO)
    result = run(program, "hello", keep=False)
    with pytest.raises(NimdslError, match="keep=True"):
        result.records()
    assert result.run.ledger is not None
    with pytest.raises(NimdslError, match="keep=True"):
        _ = result.run.ledger.entries
    with pytest.raises(PermanentPortError, match="keep=True"):
        result.journal.read("cell/greeter")


def test_a_file_that_is_not_this_run_s_is_refused(tmp_path: Path) -> None:
    first = exported(tmp_path, keep=False)
    path = tmp_path / RECORDS
    whole = path.read_bytes()
    assert first.records()
    for wrong in (whole[: len(whole) // 2], whole.replace(b"greeter", b"gr\xffeter"), b"[1]\n", b""):
        path.write_bytes(wrong)
        with pytest.raises(NimdslError, match=RECORDS):
            first.records()
    path.write_bytes(whole.replace(b'"sequence":1,', b'"sequence":2,'))
    with pytest.raises(NimdslError, match="another run"):
        first.records()
    path.unlink()
    with pytest.raises(NimdslError, match="cannot be read"):
        first.records()
