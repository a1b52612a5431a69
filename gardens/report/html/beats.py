"""Beats up close, on the page: who had the time when, and what came of it.

Positions are percentages, so that a beat fits any width.  What is told by colour is
also told by place, by a letter, by a shape or in words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from markupsafe import Markup

from gardens.report.html.templating import render
from gardens.report.observe.gathering import Detail
from gardens.report.observe.moments import BeatSummary, Drop, Stretch
from gardens.report.observe.view import View
from gardens.report.words import REASONS, clock, letters, lifeforce, number, span
from nimdsl.base.words import counted
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


def rows(view: View) -> Markup:
    """Some beats as a row each: who had the time when, and what came of it."""
    beat = view.beat
    if beat is None or not view.details:
        return Markup()
    names = letters([level.name for level in beat.levels])
    drawn: list[_Row] = []
    marks, before, left_out = 0, -1, 0
    for detail in view.details:
        count = len(detail.stretches) + len(detail.arrivals) + len(detail.drops) + len(detail.moves)
        if marks + count > MARK_COUNT_MAX:
            left_out += 1
            continue
        marks += count
        drawn.append(_row(view, beat, names, detail, detail.index - before - 1))
        before = detail.index
    return render(
        "beats",
        letters=[(names[level.name], level.name) for level in beat.levels],
        ticks=_ticks(beat),
        rows=drawn,
        gap=max(0, view.beats[-1].index - before) if view.beats else 0,
        left_out=left_out,
    )


def _ticks(beat: Beat) -> list[tuple[str, str]]:
    times = range(0, beat.length_ns + 1, _step_ns(beat.length_ns))
    return [(number(100 * at_ns / beat.length_ns), span(at_ns) if at_ns else "0") for at_ns in times]


def _step_ns(length_ns: int) -> int:
    """Between four and eight steps of a round size."""
    size = 1
    while size * 100 <= length_ns:
        size *= 10
    for factor in (1, 2, 5, 10, 20, 50):
        if length_ns // (size * factor) <= 8:
            return size * factor
    return length_ns


@dataclass(frozen=True)
class _Row:
    """A beat; boxes are CSS class, place and title; ``gap`` beats before it are not shown."""

    index: int
    gap: int
    time: str
    told: str
    marks: list[_Mark]
    frame: list[_Box]
    stretches: list[_Stretch]
    modes: list[_Box] | None
    notes: list[tuple[str, str]]


class _Mark(NamedTuple):
    left: str
    kind: str
    sign: str
    times: int
    title: str


_Box = tuple[str, str, str]
_Stretch = tuple[str, str, str, str, str]
"""A box, its letter (none for a reflex) and its level."""


def _row(view: View, beat: Beat, names: dict[str, str], detail: Detail, gap: int) -> _Row:
    return _Row(
        index=detail.index,
        gap=gap,
        time=clock(detail.start_ns, view.time_ns),
        told=_told(beat, detail),
        marks=list(_marks(beat, detail)),
        frame=_frame(beat, detail.summary),
        stretches=[_stretch(beat, names, detail, stretch) for stretch in detail.stretches],
        modes=_modes(beat, detail),
        notes=list(_notes(detail, view.starves_in(detail))),
    )


def _box(beat: Beat, start_ns: int, from_ns: int, to_ns: int) -> str:
    left = max(0, from_ns - start_ns)
    right = min(beat.length_ns, to_ns - start_ns)
    return (
        f"left:{number(100 * left / beat.length_ns)}%;"
        f"width:{number(100 * max(0, right - left) / beat.length_ns)}%"
    )


def _frame(beat: Beat, summary: BeatSummary | None) -> list[_Box]:
    """Overhead, what earlier beats overran, and settle."""
    pieces = [(0, beat.overhead_ns, "hatch", "overhead")]
    if summary is not None:
        charged_ns = beat.overhead_ns + summary.charged_ns
        pieces.append((beat.overhead_ns, charged_ns, "charged", "charged for earlier overruns"))
        pieces.append((beat.length_ns - summary.settle_ns, beat.length_ns, "hatch", "settle"))
    return [
        (kind, _box(beat, 0, from_ns, to_ns), f"{name}: {span(to_ns - from_ns)}")
        for from_ns, to_ns, kind, name in pieces
        if to_ns > from_ns
    ]


def _stretch(beat: Beat, names: dict[str, str], detail: Detail, stretch: Stretch) -> _Stretch:
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
    box = _box(beat, detail.start_ns, stretch.from_ns, stretch.to_ns)
    return " ".join(kinds), box, title, "" if level.reflex else names[stretch.level], stretch.level


def _marks(beat: Beat, detail: Detail) -> Iterator[_Mark]:
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
        yield _mark(beat, detail, drops[0].at_ns, "bad", "✕", title, len(drops))
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


def _mark(
    beat: Beat, detail: Detail, at_ns: int, kind: str, sign: str, title: str, times: int = 1
) -> _Mark:
    left = min(100.0, max(0.0, 100 * (at_ns - detail.start_ns) / beat.length_ns))
    return _Mark(number(left), kind, sign, times, title)


def _modes(beat: Beat, detail: Detail) -> list[_Box] | None:
    """The mode she was in, as a thin strip."""
    if not detail.moves and not detail.mode:
        return None
    end_ns = detail.summary.end_ns if detail.summary else max((m.at_ns for m in detail.moves), default=0)
    times = [(detail.start_ns, detail.mode), *((move.at_ns, move.target) for move in detail.moves)]
    ends = [*(at_ns for at_ns, _ in times[1:]), end_ns]
    return [
        (
            mode_class(beat, mode),
            _box(beat, detail.start_ns, from_ns, to_ns),
            f"{mode}: {span(to_ns - from_ns)}",
        )
        for (from_ns, mode), to_ns in zip(times, ends, strict=True)
        if to_ns > from_ns and mode
    ]


def _notes(detail: Detail, starves: bool) -> Iterator[tuple[str, str]]:
    """CSS class and text."""
    summary = detail.summary
    if summary is None:
        yield "zero", "not over"
        return
    if summary.dropped:
        yield "bad", f"✕ {summary.dropped} dropped"
    if detail.refusals:
        yield "bad", f"⊘ {len(detail.refusals)} refused"
    if starves:
        yield "bad", "starves from here"
    if detail.overruns:
        yield "bad", f"! {counted(len(detail.overruns), 'overrun')}"
    if summary.preempted:
        yield "", f"{summary.preempted} preempted"
    if not summary.settled:
        yield "zero", "cut short"
    if detail.left_out:
        yield "zero", f"{counted(detail.left_out, 'mark')} left out"


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
