"""Runs again from their journals: from a result, a file, or the folder that ``--out`` made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gardens.report.result.export import JOURNAL, seal
from gardens.report.result.result import RunResult
from gardens.stores.memory import MemoryJournal
from gardens.stores.sqlite import SqliteJournal
from nimdsl.base.errors import NimdslError, PermanentPortError
from nimdsl.base.words import shown
from runtime.ports.journal import Journal
from runtime.run import recording
from runtime.run import replay as replaying
from runtime.run.lines import Witness
from runtime.run.replay import Replay
from runtime.run.run import ORIGIN
from simulate import comparison
from simulate.comparison import REPLICATIONS, Comparison
from simulate.running import again

WITNESS = str(Witness.__struct_config__.tag)

Source = RunResult | Journal | Path | str
"""What has, or is, or holds a journal."""


def replay(source: Source) -> Replay:
    """Runs a journal through the kernel again; ``identical`` says whether the records are the same.

    Raises PermanentPortError for a journal that does not say what was run, or cannot be read.
    """
    with opened(source) as journal:
        return replaying.replay(recording.opened(journal))


def compare(
    source: Source,
    replications: int = REPLICATIONS,
    progress: Callable[[int], None] | None = None,
) -> Comparison:
    """Compares a run with the virtual garden: parity, decisions, times and costs.

    ``replications`` virtual runs predict times (nanoseconds) and costs (micro-LF; both are seconds and LF
    in ``summary``); ``progress`` is told each that is done.  Raises as :func:`replay`.
    """
    with opened(source) as journal:
        return comparison.compare(journal, replications, progress)


@contextmanager
def opened(source: Source) -> Iterator[Journal]:
    """The journal that is meant; a file is closed in the end."""
    if isinstance(source, RunResult):
        yield _journal_of(source)
    elif isinstance(source, Path | str):
        with SqliteJournal(_there(journal_at(Path(source))), read_only=True) as file:
            yield file
    elif isinstance(source, Journal):
        yield source
    else:
        raise NimdslError(f"a result, a journal, or the path of one is wanted, this is {shown(source)}")


def _journal_of(result: RunResult) -> Journal:
    """The journal of a run, with what it must say of it.

    A run that was given none is made again with one in memory.  Raises NimdslError when it does not come
    to the same: then it had options that only its own journal could tell.
    """
    journal = result.journal
    if journal.meta(ORIGIN) is not None:
        return journal
    if not any(line.kind == WITNESS for actor in journal.actors() for line in journal.read(actor)):
        journal = MemoryJournal()
        if again(result, journal).tally.trace.trace_sha256 != result.tally.trace.trace_sha256:
            raise NimdslError(
                "this run had options of its own: give it a `journal`, then it can be replayed"
            )
    seal(journal, result)
    return journal


def _there(path: Path) -> Path:
    """The path of a journal.  Raises PermanentPortError where nothing is, and says how one comes to be."""
    if not path.exists():
        folder = path.parent if path.suffix else path
        raise PermanentPortError(
            f"{path}: there is no such journal: a run keeps one with `--out`,"
            f" as `nimdsl simulate --out {folder}`"
        )
    return path


def journal_at(path: Path) -> Path:
    """A file, or the journal in a folder."""
    return path / JOURNAL if path.is_dir() else path
