"""Beats in a terminal: each one a line of coloured blocks, then the levels as a table.

A cell stands for an equal part of the beat and shows who had most of it, by colour
and by letter, so that it reads the same in a pipe; a reflex is shown however short
it was.  Of many beats a few are shown: the first ones, and the worst.
"""

from __future__ import annotations

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from gardens.report.observe.gathering import Detail
from gardens.report.observe.view import View
from gardens.report.palette import DARK, TEXT_ON, level_colours
from gardens.report.terminal.levels import print_levels
from gardens.report.words import clock, letters
from nimdsl.base.words import counted
from nimdsl.program import Beat

CELL_COUNT_MIN, CELL_COUNT_MAX = 20, 72
SHOWN_FIRST, SHOWN_WORST = 3, 5
FIXED, CHARGED, IDLE = "░", "▒", "·"


def print_beats(console: Console, view: View) -> None:
    """The beats and the levels; nothing for a run without an attention."""
    beat = view.beat
    if beat is None or not view.beats:
        return
    shown = _shown(view)
    names = letters([level.name for level in beat.levels])
    label = max(len(f"beat {one.index}") for one in shown)
    notes = {detail.index: _notes(detail, view.starves_in(detail)) for detail in shown}
    room = console.width - label - 4 - max(cell_len(note) for note in notes.values())
    width = max(CELL_COUNT_MIN, min(CELL_COUNT_MAX, room))
    before = -1
    for detail in shown:
        if detail.index > before + 1:
            console.print(f"[dim]{' ' * label}  … {counted(detail.index - before - 1, 'beat')}[/]")
        before = detail.index
        line = _line(beat, names, detail, label, width).append(f"  {notes[detail.index]}")
        console.print(line, soft_wrap=True)
    rest = view.beats[-1].index - before
    if rest:
        console.print(f"[dim]{' ' * label}  … {counted(rest, 'beat')}[/]")
    console.print(_legend(view, names, console.width))
    print_levels(console, view)


def _shown(view: View) -> list[Detail]:
    """The first, the worst of the others and that in which she starved, in the order of time."""
    ended = [detail for detail in view.details if detail.summary is not None]
    if len(ended) <= SHOWN_FIRST + SHOWN_WORST:
        return ended
    bad = [one for one in ended[SHOWN_FIRST:] if _badness(one) > (0, 0)]
    others = sorted(bad, key=lambda one: (*(-part for part in _badness(one)), one.index))
    hungry = [one for one in ended if view.starves_in(one)]
    chosen = [*ended[:SHOWN_FIRST], *others[:SHOWN_WORST], *hungry]
    return [one for _, one in sorted({one.index: one for one in chosen}.items())]


def _badness(detail: Detail) -> tuple[int, int]:
    summary = detail.summary
    assert summary is not None
    lost = summary.dropped + len(detail.overruns) + len(detail.refusals)
    return lost, summary.preempted


def _line(beat: Beat, names: dict[str, str], detail: Detail, label: int, width: int) -> Text:
    line = Text(f"{f'beat {detail.index}':<{label}}  ")
    styles = _styles(beat)
    for cell in cells(beat, names, detail, width):
        line.append(cell, styles.get(cell, "dim"))
    return line


def cells(beat: Beat, names: dict[str, str], detail: Detail, width: int) -> str:
    """The beat as so many letters."""
    summary = detail.summary
    end_ns = summary.end_ns - detail.start_ns if summary else beat.length_ns
    settle_ns = summary.settle_ns if summary else 0
    opens_ns = beat.overhead_ns + (summary.charged_ns if summary else 0)
    reflexes = [level.name for level in beat.levels if level.reflex]
    had = [dict[str, int]() for _ in range(width)]
    _add(had, beat, 0, beat.overhead_ns, FIXED)
    _add(had, beat, beat.overhead_ns, opens_ns, CHARGED)
    _add(had, beat, end_ns - settle_ns, end_ns, FIXED)
    for stretch in detail.stretches:
        if stretch.level not in reflexes:
            letter = names[stretch.level]
            _add(had, beat, stretch.from_ns - detail.start_ns, stretch.to_ns - detail.start_ns, letter)
    drawn = [_most(one, beat.length_ns) for one in had]
    over = -(-end_ns * width // beat.length_ns)
    drawn[over:] = " " * (width - over)
    for stretch in detail.stretches:
        if stretch.level in reflexes:
            at_ns = max(0, stretch.from_ns - detail.start_ns)
            if at_ns < beat.length_ns:
                drawn[at_ns * width // beat.length_ns] = names[stretch.level].upper()
    return "".join(drawn)


def _add(had: list[dict[str, int]], beat: Beat, from_ns: int, to_ns: int, letter: str) -> None:
    """Gives each cell that the interval touches its part of it, in ns times the number of cells."""
    width = len(had)
    from_ns, to_ns = max(0, from_ns), min(beat.length_ns, to_ns)
    for cell in range(from_ns * width // beat.length_ns, -(-to_ns * width // beat.length_ns)):
        left = max(from_ns * width, cell * beat.length_ns)
        right = min(to_ns * width, (cell + 1) * beat.length_ns)
        if right > left:
            had[cell][letter] = had[cell].get(letter, 0) + right - left


def _most(had: dict[str, int], cell: int) -> str:
    """Who had most of a cell; ``cell`` is what there was to have."""
    idle = cell - sum(had.values())
    letter, most = max(had.items(), key=lambda one: one[1], default=(IDLE, 0))
    return letter if most >= idle else IDLE


def _styles(beat: Beat) -> dict[str, str]:
    names = letters([level.name for level in beat.levels])
    styles = {}
    for level, (_, colour) in zip(beat.levels, level_colours(one.name for one in beat.levels), strict=True):
        letter = names[level.name].upper() if level.reflex else names[level.name]
        styles[letter] = f"{TEXT_ON[1]} on {colour}"
    return styles | {CHARGED: DARK["danger"]}


def _notes(detail: Detail, starves: bool) -> str:
    summary = detail.summary
    assert summary is not None
    notes = [
        (summary.dropped, "dropped"),
        (len(detail.refusals), "refused"),
        (len(detail.overruns), "overran"),
        (summary.preempted, "preempted"),
    ]
    told = [f"{count} {name}" for count, name in notes if count]
    told += ["starves"] if starves else []
    told += [] if summary.settled else [f"cut short at {clock(summary.end_ns)}"]
    return ", ".join(told)


def _legend(view: View, names: dict[str, str], width: int) -> Text:
    """Every sign with its name, none of which a line divides."""
    beat = view.beat
    assert beat is not None
    styles = _styles(beat)
    pieces = []
    for level in beat.levels:
        letter = names[level.name].upper() if level.reflex else names[level.name]
        pieces.append(Text.assemble((letter, styles[letter]), f" {level.name}"))
    if any(one.charged_ns for one in view.beats):
        pieces.append(Text.assemble((CHARGED, styles[CHARGED]), (" charged for overruns", "dim")))
    pieces += [Text(f"{FIXED} overhead, settle", "dim"), Text(f"{IDLE} idle", "dim")]
    lines = [Text()]
    for piece in pieces:
        if lines[-1].cell_len and lines[-1].cell_len + piece.cell_len + 2 > width:
            lines.append(Text())
        lines[-1].append("  " if lines[-1].cell_len else "").append_text(piece)
    return Text("\n").append_text(Text("\n").join(lines))
