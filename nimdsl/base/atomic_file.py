"""A file that is written whole or not at all: under a temporary name beside it until it is complete.

So it is also when somebody ends the run meanwhile: what must not be torn is done ``uninterrupted``.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from nimdsl.base.errors import PermanentPortError


def partial_of(path: Path) -> Path:
    """The temporary name of a file."""
    return path.parent / f".{path.name}.partial"


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Ctrl-C counts when this is over: what is done here is done to its end.

    It is only heard in the main thread, so elsewhere there is nothing to do.
    """
    asked: list[int] = []
    try:
        before = signal.signal(signal.SIGINT, lambda number, _: asked.append(number))
    except ValueError:
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if asked:
            signal.raise_signal(signal.SIGINT)


@contextmanager
def interrupted_by(*signals: signal.Signals) -> Iterator[None]:
    """These ask for an end as Ctrl-C does, so that nothing is left half done."""
    before = {
        number: signal.signal(number, lambda *_: signal.raise_signal(signal.SIGINT)) for number in signals
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def whole(path: Path) -> Iterator[TextIO]:
    """A fresh text file that becomes ``path`` at the end, and nothing if anything fails.

    The folder is made.  Raises PermanentPortError when the file cannot be written, at once where
    that can be known.
    """
    partial = partial_of(path)
    try:
        if path.is_dir():
            raise PermanentPortError(f"cannot write to {path}: it is a folder, name a file")
        if path.exists() and not path.is_file():
            raise PermanentPortError(f"cannot write to {path}: it is no file")
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.unlink(missing_ok=True)  # which may be a link to anything
        with partial.open("w", encoding="utf-8", newline="\n") as file:
            yield file
        os.replace(partial, path)
    except BrokenPipeError:
        raise
    except OSError as problem:
        raise PermanentPortError(f"cannot write to {path}: {problem.strerror}") from None
    finally:
        with uninterrupted(), suppress(OSError):
            partial.unlink(missing_ok=True)
