"""How a metronome is shown: a line a tick while it runs, a line of text, a part of the page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from markupsafe import Markup

from gardens.report.presentation import Presentation, Section
from metronome.behaviour import Hurried, Ticked
from nimdsl.program import Actor
from runtime.records import Record


class Counter:
    """How often one metronome ticked."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self.ticks = 0

    def take(self, record: Record) -> None:
        """One record more."""
        self.ticks += isinstance(record.body, Ticked)


def _line(record: Record) -> str:
    match record.body:
        case Ticked(count):
            return f"{record.actor} ticks ({count})"
        case Hurried():
            return f"{record.actor} hurries"
    return ""


def _text(counters: Mapping[str, Counter]) -> Iterator[str]:
    for actor, counter in counters.items():
        yield f"[bold]{actor}[/] ticked {counter.ticks} times"


def _sections(counters: Mapping[str, Counter]) -> list[Section]:
    item = Markup("<li>{}: {}</li>")
    rows = Markup().join(item.format(actor, one.ticks) for actor, one in counters.items())
    return [Section("metronomes", "Metronomes", Markup("<ul>{}</ul>").format(rows))]


PRESENTATION = Presentation(line=_line, observe=Counter, text=_text, sections=_sections)
