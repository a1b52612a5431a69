"""A file that is written whole or not at all: under a temporary name beside it until it is complete."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from nimdsl.base.errors import PermanentPortError


def partial_of(path: Path) -> Path:
    """The temporary name of a file."""
    return path.parent / f".{path.name}.partial"


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
        with partial.open("w", encoding="utf-8", newline="\n") as file:
            yield file
        os.replace(partial, path)
    except BrokenPipeError:
        raise
    except OSError as problem:
        raise PermanentPortError(f"cannot write to {path}: {problem.strerror}") from None
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
