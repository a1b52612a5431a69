"""A small journal of each format version, virtual and real: replayed, or refused with what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from gardens.virtual.recorded import parity
from nimdsl.base.errors import PermanentPortError
from runtime.run.lines import JOURNAL_FORMAT
from runtime.run.recording import opened
from runtime.run.replay import replay
from tests.support.journal_text import from_text

JOURNALS = Path(__file__).parent / "journals"
PLACES = ("virtual", "real")


def test_there_is_one_of_each_version() -> None:
    found = {path.name for path in JOURNALS.iterdir()}
    versions = range(1, JOURNAL_FORMAT + 1)
    assert found == {f"format-{version}-{place}.jsonl" for version in versions for place in PLACES}


@pytest.mark.parametrize("place", PLACES)
def test_this_version_is_replayed(place: str) -> None:
    recording = opened(from_text(JOURNALS / f"format-{JOURNAL_FORMAT}-{place}.jsonl"))
    replayed = replay(recording)
    assert replayed.differences == ()
    assert sum(one.witnessed_count for one in replayed.actors) > 5
    assert parity(recording).holds


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("version", range(1, JOURNAL_FORMAT))
def test_an_earlier_version_is_refused_in_one_line(version: int, place: str) -> None:
    with pytest.raises(PermanentPortError) as refused:
        opened(from_text(JOURNALS / f"format-{version}-{place}.jsonl"))
    text = str(refused.value)
    assert f"journal format {version}, and this nimdsl reads {JOURNAL_FORMAT}" in text
    assert text.endswith("replay it with the nimdsl that wrote it")
    assert "\n" not in text


def test_a_later_version_is_refused_in_one_line() -> None:
    journal = from_text(JOURNALS / f"format-{JOURNAL_FORMAT}-virtual.jsonl")
    journal.set_meta("format", JOURNAL_FORMAT + 1)
    with pytest.raises(PermanentPortError, match="a newer nimdsl wrote it"):
        opened(journal)
