"""Beats up close, on the page: who had the time when, and what came of it.

Positions are percentages, so that a beat fits any width.  What is told by colour is
also told by place, by a letter, by a shape or in words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gardens.report.html.markup import text
from gardens.report.observe.gathering import Detail
from gardens.report.observe.moments import BeatSummary, Drop, Stretch
from gardens.report.observe.view import View
from gardens.report.words import REASONS, clock, counted, letters, lifeforce, number, span
from nimdsl.program import Beat

MARK_COUNT_MAX = 20_000
"""How many marks the beats up close have together; beats beyond that are left out."""
_ENDS = {
    "preempted": "a higher level took over",
    "suspended": "a reflex came between",
    "cut": "its time was over",
}


def level_class(beat: Beat, level: str) -> str:
    """The CSS class of a level's colour."""
    return f"l{next((n for n, one in enumerate(beat.levels) if one.name == level), 0)}"


def mode_class(beat: Beat, mode: str) -> str:
    """The colour of a mode: that of the level in its path, else of what kind of rest it is."""
    names = [level.name for level in beat.levels]
    parts = mode.split("/")
    for part in reversed(parts):
        if part in names:
            return level_class(beat, part)
    for part in reversed(parts):
        if part in ("alert", "idle", "settle"):
            return f"m-{part}"
    return "m-other"


def rows(view: View) -> str:
    """Some beats as a row each: who had the time when, and what came of it."""
    beat = view.beat
    if beat is None or not view.details:
        return ""
    drawn, marks, before = [], 0, -1
    names = letters([level.name for level in beat.levels])
    left_out = 0
    for detail in view.details:
        count = len(detail.stretches) + len(detail.arrivals) + len(detail.drops) + len(detail.moves)
        if marks + count > MARK_COUNT_MAX:
            left_out += 1
            continue
        marks += count
        if detail.index > before + 1:
            gap = detail.index - before - 1
            drawn.append(f'<div class="gap">{counted(gap, "beat")} not shown</div>')
        before = detail.index
        drawn.append(_row(view, beat, names, detail))
    if view.beats and view.beats[-1].index > before:
        drawn.append(f'<div class="gap">{counted(view.beats[-1].index - before, "beat")} not shown</div>')
    told = ""
    if left_out:
        told = f"<p class=note>{counted(left_out, 'beat')} left out: too much is drawn here already.</p>"
    inner = _axis(beat) + "".join(drawn)
    return (
        f'{_legend(beat, names)}<div class="zoom"><div class="beats" tabindex="0">{inner}</div></div>{told}'
    )


def _axis(beat: Beat) -> str:
    step_ns = _step_ns(beat.length_ns)
    ticks = "".join(
        f'<span style="left:{number(100 * at_ns / beat.length_ns)}%">{span(at_ns) if at_ns else "0"}</span>'
        for at_ns in range(0, beat.length_ns + 1, step_ns)
    )
    inner = f'<div></div><div class="ticks">{ticks}</div><div></div>'
    return f'<div class="beat axis" aria-hidden="true">{inner}</div>'


def _step_ns(length_ns: int) -> int:
    """Between four and eight steps of a round size."""
    size = 1
    while size * 100 <= length_ns:
        size *= 10
    for factor in (1, 2, 5, 10, 20, 50):
        if length_ns // (size * factor) <= 8:
            return size * factor
    return length_ns


def _legend(beat: Beat, names: dict[str, str]) -> str:
    levels = "".join(
        f'<li><span class="sw l{place}"><b>{names[level.name]}</b></span>{text(level.name)}</li>'
        for place, level in enumerate(beat.levels)
    )
    signs = (
        ('<span class="sw hatch"></span>', "overhead, settle"),
        ('<span class="sw sign p"></span>', "preempted"),
        ('<span class="sw sign u"></span>', "suspended by a reflex"),
        ('<span class="sw sign c"></span>', "cut"),
        ('<span class="mark arr">▾</span>', "arrives"),
        ('<span class="mark bad">✕</span>', "dropped"),
        ('<span class="mark bad">⊘</span>', "price refused"),
        ('<span class="mark bad">!</span>', "overrun"),
    )
    return f'<ul class="legend">{levels}{"".join(f"<li>{sign}{name}</li>" for sign, name in signs)}</ul>'


def _row(view: View, beat: Beat, names: dict[str, str], detail: Detail) -> str:
    summary = detail.summary
    start_ns = detail.start_ns
    label = (
        f'<div class="bl"><b>beat {detail.index}</b><small>{clock(start_ns, view.time_ns)}</small></div>'
    )
    band = _frame(beat, summary) + "".join(
        _stretch(beat, names, detail, stretch) for stretch in detail.stretches
    )
    told, marks = text(_told(beat, detail)), "".join(_marks(beat, detail))
    return (
        f'<div class="beat" id="beat-{detail.index}">{label}'
        f'<div class="lane" role="img" aria-label="{told}"><div class="marks">{marks}</div>'
        f'<div class="band">{band}</div>{_modes(beat, detail)}</div>'
        f'<div class="bn">{_notes(detail, view.starves_in(detail))}</div></div>'
    )


def _box(beat: Beat, start_ns: int, from_ns: int, to_ns: int) -> str:
    left = max(0, from_ns - start_ns)
    right = min(beat.length_ns, to_ns - start_ns)
    return (
        f"left:{number(100 * left / beat.length_ns)}%;"
        f"width:{number(100 * max(0, right - left) / beat.length_ns)}%"
    )


def _frame(beat: Beat, summary: BeatSummary | None) -> str:
    """Overhead, what earlier beats overran, and settle."""
    pieces = [(0, beat.overhead_ns, "hatch", "overhead")]
    if summary is not None:
        charged_ns = beat.overhead_ns + summary.charged_ns
        pieces.append((beat.overhead_ns, charged_ns, "charged", "charged for earlier overruns"))
        pieces.append((beat.length_ns - summary.settle_ns, beat.length_ns, "hatch", "settle"))
    return "".join(
        f'<i class="{kind}" style="{_box(beat, 0, from_ns, to_ns)}" '
        f'title="{name}: {span(to_ns - from_ns)}"></i>'
        for from_ns, to_ns, kind, name in pieces
        if to_ns > from_ns
    )


def _stretch(beat: Beat, names: dict[str, str], detail: Detail, stretch: Stretch) -> str:
    level = next(one for one in beat.levels if one.name == stretch.level)
    kinds = [level_class(beat, stretch.level)]
    ended = _ENDS.get(stretch.ended)
    if ended:
        kinds.append({"preempted": "p", "suspended": "u", "cut": "c"}[stretch.ended])
    if level.reflex:
        kinds.append("r")
    from_ns, to_ns = stretch.from_ns - detail.start_ns, stretch.to_ns - detail.start_ns
    what = "" if stretch.name == "baseline" else f" · {stretch.name}"
    title = f"{stretch.level}{what}\n{span(from_ns)} to {span(to_ns)}: {span(to_ns - from_ns)}"
    title += f"\n{stretch.ended}" + (f": {ended}" if ended else "")
    inner = "" if level.reflex else f"<b data-l={names[stretch.level]}>{text(stretch.level)}</b>"
    box = _box(beat, detail.start_ns, stretch.from_ns, stretch.to_ns)
    return f'<i class="{" ".join(kinds)}" style="{box}" title="{text(title)}">{inner}</i>'


def _marks(beat: Beat, detail: Detail) -> Iterator[str]:
    """What arrives, is dropped, refused or overrun."""
    reflexes = [level.name for level in beat.levels if level.reflex]
    for arrival in detail.arrivals:
        if not arrival.baseline and arrival.level not in reflexes:
            title = f"{arrival.name} arrives for {arrival.level}, takes {span(arrival.takes_ns)}"
            yield _mark(beat, detail, arrival.at_ns, f"arr {level_class(beat, arrival.level)}", "▾", title)
    for drops in _close_together(beat, detail.drops):
        title = "\n".join(
            f"{drop.level} · {drop.name} dropped: {REASONS.get(drop.reason, drop.reason)}"
            f" ({span(drop.left_ns)} left)"
            for drop in drops[:8]
        ) + ("\n…" if len(drops) > 8 else "")
        sign = "✕" if len(drops) == 1 else f"✕<small>{len(drops)}</small>"
        yield _mark(beat, detail, drops[0].at_ns, "bad", sign, title)
    for refusal in detail.refusals:
        price, balance = lifeforce(refusal.price), lifeforce(refusal.balance)
        title = f"{refusal.level or 'a mode'}: {price} LF refused, there were {balance}, the floor included"
        yield _mark(beat, detail, refusal.at_ns, "bad", "⊘", title)
    for overrun in detail.overruns:
        title = f"{overrun.level} went on for {span(overrun.overrun_ns)} after its time"
        yield _mark(beat, detail, overrun.at_ns, "bad", "!", title)


def _close_together(beat: Beat, drops: Sequence[Drop]) -> Iterator[list[Drop]]:
    """Drops whose marks would lie on each other."""
    together: list[Drop] = []
    for drop in drops:
        if together and drop.at_ns - together[0].at_ns > beat.length_ns // 30:
            yield together
            together = []
        together.append(drop)
    if together:
        yield together


def _mark(beat: Beat, detail: Detail, at_ns: int, kind: str, sign: str, title: str) -> str:
    left = min(100.0, max(0.0, 100 * (at_ns - detail.start_ns) / beat.length_ns))
    return f'<b class="mark {kind}" style="left:{number(left)}%" title="{text(title)}">{sign}</b>'


def _modes(beat: Beat, detail: Detail) -> str:
    """The mode she was in, as a thin strip."""
    if not detail.moves and not detail.mode:
        return ""
    end_ns = detail.summary.end_ns if detail.summary else max((m.at_ns for m in detail.moves), default=0)
    times = [(detail.start_ns, detail.mode), *((move.at_ns, move.target) for move in detail.moves)]
    ends = [*(at_ns for at_ns, _ in times[1:]), end_ns]
    pieces = "".join(
        f'<i class="{mode_class(beat, mode)}" style="{_box(beat, detail.start_ns, from_ns, to_ns)}" '
        f'title="{text(mode)}: {span(to_ns - from_ns)}"></i>'
        for (from_ns, mode), to_ns in zip(times, ends, strict=True)
        if to_ns > from_ns and mode
    )
    return f'<div class="modes">{pieces}</div>'


def _notes(detail: Detail, starves: bool) -> str:
    summary = detail.summary
    if summary is None:
        return '<span class="zero">not over</span>'
    notes = []
    if summary.dropped:
        notes.append(f'<span class="bad">✕ {summary.dropped} dropped</span>')
    if detail.refusals:
        notes.append(f'<span class="bad">⊘ {len(detail.refusals)} refused</span>')
    if starves:
        notes.append('<span class="bad">starves from here</span>')
    if detail.overruns:
        notes.append(f'<span class="bad">! {counted(len(detail.overruns), "overrun")}</span>')
    if summary.preempted:
        notes.append(f"<span>{summary.preempted} preempted</span>")
    if not summary.settled:
        notes.append('<span class="zero">cut short</span>')
    if detail.left_out:
        notes.append(f'<span class="zero">{counted(detail.left_out, "mark")} left out</span>')
    return "".join(notes)


def _told(beat: Beat, detail: Detail) -> str:
    """A row in words."""
    summary = detail.summary
    if summary is None:
        return f"Beat {detail.index}, which is not over"
    parts = [
        f"{level.name} {span(one.spent_ns)}"
        for level, one in zip(beat.levels, summary.shares, strict=True)
        if one.spent_ns
    ]
    parts.append(f"idle {span(summary.idle_ns)}")
    lost = f"; {summary.preempted} preempted, {summary.dropped} dropped"
    return f"Beat {detail.index}: {', '.join(parts)}{lost}"
