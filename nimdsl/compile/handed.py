"""What work that somebody else does cannot say for itself: an ask, a command, units, an organ's request."""

from __future__ import annotations

from collections.abc import Iterable

from nimdsl.compile.reader import Reader

_WAYS = ("ask", "acquire", "command", "organ")
"""Work is done in one of these ways; of two, the one that stands first here is told to go."""
_ITS_OWN = ("virtual", "real", "returns", "args", "repeat", "unknown")


def check_handed(
    reader: Reader, way: str, *, why: str, waits: str, example: str, also: Iterable[str] = ()
) -> None:
    """NIM0203 for what makes no sense beside ``way``, and why; NIM0204 where nothing ends the waiting.

    ``waits`` says why it must end, ``example`` is a timeout that is usual; ``also`` are keys that other
    ways may have.
    """
    report = reader.findings.report
    for key in (*_WAYS[: _WAYS.index(way)], *_ITS_OWN, *also):
        if key in reader:
            report("NIM0203", f"`{key}` beside `{way}`: {why}", reader.place(key), f"remove `{key}`")
    if "timeout" not in reader:
        report("NIM0204", waits, reader.place(way), f"add for example `timeout: {example}`")
