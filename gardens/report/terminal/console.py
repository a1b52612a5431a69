"""The console of everything that is laid out: rich, with what others wrote made visible.

Text is escaped where it is put into markup (:func:`escape`), so that columns are measured as they are
shown; what was forgotten there is escaped on its way out.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TextIO

from rich import markup
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from nimdsl.base.printable import visible
from nimdsl.commands.streams import forget

WIDTH_PIPED = 100
"""How wide it is where there is no terminal."""


class Terminal(Console):
    """A console on ``stream`` (default: standard output)."""

    def __init__(self, stream: TextIO | None = None, width: int | None = None) -> None:
        super().__init__(file=stream, highlight=False, emoji=False, width=width)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """As rich does it; nothing in it can move the cursor."""
        for segment in super().render(renderable, options):
            text = segment.text
            yield segment if segment.control else segment._replace(text=visible(text, "\n"))

    def on_broken_pipe(self) -> None:
        """A reader that goes away ends nothing: there may be files to write."""
        forget(self.file)


def terminal(stream: TextIO | None = None) -> Terminal:
    """A console that is wide enough for a table where it is no terminal."""
    console = Terminal(stream)
    return console if console.is_terminal else Terminal(stream, WIDTH_PIPED)


def escape(text: str) -> str:
    """Text of others, to be put into markup."""
    return markup.escape(visible(text))
