"""The two streams that a command line writes to: the one way of text to a terminal.

The law: nothing that others wrote reaches a terminal raw (:mod:`nimdsl.base.printable`); a sign that the
stream cannot show becomes another one with the same meaning; a reader that goes away ends nothing.
"""

from __future__ import annotations

import codecs
import os
import re
import sys
from typing import IO, TextIO

from nimdsl.base.printable import visible, written_out

STYLES = {"red": 31, "green": 32, "yellow": 33, "cyan": 36, "bold": 1, "dim": 2}
_FIRST = 0xFDD0
"""Styles travel within text as noncharacters, which Unicode keeps for inner use."""
_BEGINS = {style: chr(_FIRST + number) for number, style in enumerate(STYLES, 1)}
_ENDS = chr(_FIRST)
_MARKS = re.compile(f"[{_ENDS}{''.join(_BEGINS.values())}]")
_CODES = {_ENDS: "\x1b[0m"} | {_BEGINS[style]: f"\x1b[{code}m" for style, code in STYLES.items()}
_SIGNS = {
    "✓": "ok",
    "✗": "x",
    "→": "->",
    "≠": "!=",
    "λ": "lambda",
    "·": ".",
    "…": "...",
    "–": "-",
    "—": "-",
    "−": "-",
    "×": "x",
    "µ": "u",
    "░": ":",
    "▒": "%",
    "━": "-",
    "╸": "-",
    "╺": "-",
}
"""What stands for a sign of ours where a terminal has no letters but those of ASCII."""
_HANDLER = "nimdsl.signs"


def prepare() -> None:
    """Makes both streams take every text; a closed one swallows everything."""
    codecs.register_error(_HANDLER, _instead)
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors=_HANDLER)


def _instead(problem: UnicodeError) -> tuple[str, int]:
    """What is written for characters that an encoding lacks."""
    assert isinstance(problem, UnicodeEncodeError)
    lost = problem.object[problem.start : problem.end]
    return "".join(_SIGNS.get(char) or written_out(char) for char in lost), problem.end


def styled(text: str, style: str) -> str:
    """``text`` in one of :data:`STYLES`, where it is told to a stream that shows them."""
    return f"{_BEGINS[style]}{_MARKS.sub('', text)}{_ENDS}"


def tell(text: str = "", stream: TextIO | None = None, end: str = "\n", flush: bool = False) -> None:
    """Prints text, which may have several lines and be ``styled``, on standard output or ``stream``."""
    out = stream or sys.stdout
    pieces = _MARKS.split(text)
    marks = _MARKS.findall(text) if _shows_colours(out) else [""] * (len(pieces) - 1)
    codes = [_CODES.get(mark, "") for mark in marks]
    whole = "".join(visible(piece, "\n") + code for piece, code in zip(pieces, [*codes, ""], strict=True))
    write(whole + end, out, flush)


def write(text: str, stream: TextIO, flush: bool = False) -> None:
    """Writes text as it is; a reader that has gone away is written to no more."""
    try:
        stream.write(text)
        if flush:
            stream.flush()
    except BrokenPipeError:
        forget(stream)


def forget(stream: IO[str]) -> None:
    """Whoever read it is gone: nothing more can be said, nor flushed at exit."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    except (OSError, ValueError):
        return  # it has no descriptor, and so no reader who leaves


def _shows_colours(out: TextIO) -> bool:
    return out.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
