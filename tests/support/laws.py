"""What must hold of every real run, by its journal alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from gardens.stores.sqlite import SqliteJournal
from gardens.virtual.recorded import parity
from runtime.run.recording import opened
from runtime.run.replay import replay
from tests.properties.worlds import ledger_laws
from tests.support.garden_laws import garden_laws
from tests.support.gardens import Lived


def broken_laws(lived: Lived) -> Iterator[str]:
    """A sentence for each law that a real run breaks: those of the ledger, replay and parity."""
    yield from ledger_laws(lived.result)
    yield from journal_laws(lived.journal)
    with SqliteJournal(lived.journal, read_only=True) as journal:
        if replay(opened(journal)).trace_sha256 != lived.result.summary["trace_sha256"]:
            yield "8.4: the replayed trace is another one"


def journal_laws(path: Path) -> Iterator[str]:
    """The same for a journal alone."""
    with SqliteJournal(path, read_only=True) as journal:
        recording = opened(journal)
        yield from garden_laws(recording)
        yield from (f"8.4, replay: {difference}" for difference in replay(recording).differences)
        agreed = parity(recording)
        yield from (f"8.4, parity: {difference}" for difference in agreed.differences)
        yield from (f"8.4, lost: {sent}" for sent in agreed.losses)
