"""Beats in a terminal: each one a line of coloured blocks, then the levels as a table.

A cell stands for an equal part of the beat and shows who had most of it, by colour
and by letter, so that it reads the same in a pipe; a reflex is shown however short
it was.  Of many beats a few are shown: the first ones, and the worst.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from nimdsl.program import Beat
from nimdsl.units import SECOND_NS
from runtime.report.gathering import Detail, Waits
from runtime.report.markup import clock, counted, letters, share, span
from runtime.report.palette import DARK, TEXT_ON, level_colours
from runtime.report.view import View

CELL_COUNT_MAX = 72
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
    width = max(20, min(CELL_COUNT_MAX, console.width - label - 28))
    before = -1
    for detail in shown:
        if detail.index > before + 1:
            console.print(f"[dim]{' ' * label}  … {counted(detail.index - before - 1, 'beat')}[/]")
        before = detail.index
        console.print(_line(beat, names, detail, label, width), soft_wrap=True)
    rest = view.beats[-1].index - before
    if rest:
        console.print(f"[dim]{' ' * label}  … {counted(rest, 'beat')}[/]")
    console.print(_legend(beat, names))
    console.print(_table(view))
    idle_ns = sum(one.idle_ns for one in view.beats)
    fixed_ns = sum(one.overhead_ns + one.settle_ns for one in view.beats)
    told = f"idle {_seconds(idle_ns)}, overhead and settle {_seconds(fixed_ns)}"
    console.print(f"[dim]{counted(len(view.beats), 'beat')}: {told}[/]\n")


def _shown(view: View) -> list[Detail]:
    """The first, and the worst of the others, in the order of time."""
    ended = [detail for detail in view.details if detail.summary is not None]
    if len(ended) <= SHOWN_FIRST + SHOWN_WORST:
        return ended
    bad = [one for one in ended[SHOWN_FIRST:] if _badness(one) > (0, 0)]
    others = sorted(bad, key=lambda one: (*(-part for part in _badness(one)), one.index))
    return sorted([*ended[:SHOWN_FIRST], *others[:SHOWN_WORST]], key=lambda one: one.index)


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
    line.append(f"  {_notes(detail)}")
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


def _notes(detail: Detail) -> str:
    summary = detail.summary
    assert summary is not None
    notes = [
        (summary.dropped, "dropped"),
        (len(detail.refusals), "refused"),
        (len(detail.overruns), "overran"),
        (summary.preempted, "preempted"),
    ]
    told = ", ".join(f"{count} {name}" for count, name in notes if count)
    return told if summary.settled else f"{told}{', ' if told else ''}cut short at {clock(summary.end_ns)}"


def _legend(beat: Beat, names: dict[str, str]) -> Text:
    styles = _styles(beat)
    legend = Text("\n")
    for level in beat.levels:
        letter = names[level.name].upper() if level.reflex else names[level.name]
        legend.append(letter, styles[letter])
        legend.append(f" {level.name}  ")
    return legend.append(f"{FIXED} overhead, settle  {IDLE} idle", "dim")


def _table(view: View) -> Table:
    assert view.beat is not None
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    alone = len(view.beats) == 1
    heads = ("spent", "share", "granted", "started" if alone else "in beats", "preempted", "dropped")
    table.add_column("level", no_wrap=True)
    for head in (*heads, "waited p50", "p95"):
        table.add_column(head, justify="right", no_wrap=True)
    whole_ns = sum(one.end_ns - one.start_ns for one in view.beats)
    waits = {one.level: one for one in view.waits if not one.baseline}
    for place, level in enumerate(view.beat.levels):
        shares = [one.shares[place] for one in view.beats]
        spent_ns = sum(one.spent_ns for one in shares)
        started = [one.started_ns for one in shares if one.started_ns is not None]
        dropped = sum(one.dropped for one in shares)
        table.add_row(
            escape(level.name),
            _seconds(spent_ns),
            share(spent_ns, whole_ns),
            _seconds(sum(one.granted_ns for one in shares)),
            (span(started[0]) if alone else f"{len(started):,}") if started else "–",
            f"{sum(one.preempted for one in shares):,}",
            f"[red]{dropped:,}[/]" if dropped else "0",
            *_waited(waits.get(level.name)),
        )
    return table


def _seconds(time_ns: int) -> str:
    """Short for a table: no minutes, so that figures can be compared."""
    return span(time_ns) if time_ns < 100 * SECOND_NS else f"{time_ns / SECOND_NS:,.0f} s"


def _waited(waits: Waits | None) -> Sequence[str]:
    if waits is None or not waits.started.total:
        return "–", "–"
    median_ns, high_ns = waits.started.quantile_ns(0.5), waits.started.quantile_ns(0.95)
    return span(median_ns or 0), span(high_ns or 0)
