"""Documents that come through a pipe: which paths mean one, and reading it within bounds.

``-`` and ``/dev/stdin`` are standard input, ``/dev/fd/63`` is what a shell makes of ``<(...)``.  Such a
path is an open descriptor: it can be read once, and has no folder.  A pipe that has a name in the file
system is none of these: to open it may take forever.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

STANDARD_INPUT = "<stdin>"
_DESCRIPTOR = re.compile(r"/(?:dev|proc/self|proc/thread-self)/fd/(\d{1,6})")


def descriptor_of(path: Path) -> int | None:
    """The open descriptor that ``path`` means; None: it is a file or a folder."""
    text = str(path)
    if text in ("-", "/dev/stdin"):
        return 0
    found = _DESCRIPTOR.fullmatch(text)
    return int(found[1]) if found and not path.is_dir() else None


def descriptor_name(descriptor: int) -> str:
    """What it is called."""
    return f"<fd {descriptor}>" if descriptor else STANDARD_INPUT


def bytes_from(descriptor: int, bytes_max: int) -> bytes:
    """All that comes, and one byte more than ``bytes_max`` at most.  Raises OSError."""
    with open(os.dup(descriptor), "rb") as stream:
        return stream.read(bytes_max + 1)
