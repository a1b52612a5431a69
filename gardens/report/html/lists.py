"""What the page says in words and tables: verdict, figures, expectations, losses, modes, provenance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gardens.report.html.beats import level_class, mode_class
from gardens.report.html.markup import swatch, table, text
from gardens.report.observe.lifeforce import Lifeforce
from gardens.report.observe.tracks import STATES, Slice, Track
from gardens.report.observe.view import View
from gardens.report.palette import SLICES
from gardens.report.words import ENDS, REASONS, clock, counted, number, seconds, share, span, window
from nimdsl.base.units import MICRO, SECOND_NS

LISTED_MAX = 40
Summary = Mapping[str, Any]


def verdict(summary: Summary) -> tuple[str, str]:
    """``good`` or ``bad``, and in words."""
    failed = [one for one in summary["expectations"] if not one["held"]]
    if summary["ok"]:
        return "good", "✓ as expected" if summary["expectations"] else "✓ completed"
    if failed:
        return "bad", f"✗ {len(failed)} of {counted(len(summary['expectations']), 'expectation')} failed"
    return "bad", "✗ not completed"


def head(view: View, summary: Summary, description: str) -> str:
    """Who, what, verdict, why it ended, and that she starved."""
    kind, words = verdict(summary)
    where = f"real garden · {summary['garden']}" if summary.get("garden") else "virtual garden"
    why = ENDS[summary["stopped"]]
    state = "completed" if summary["completed"] else "not completed"
    told = f"<p class=lead>{text(description)}</p>" if description else ""
    starved_ns = view.lifeforce.starved_ns if view.lifeforce else None
    starved = (
        f'<b class="bad">✗ starved since {clock(starved_ns, view.time_ns)}</b> '
        if starved_ns is not None
        else ""
    )
    return (
        f'<header><div class="top"><p class="eyebrow">{text(where)} · seed {summary["seed"]}</p>'
        '<button id="theme" type="button" hidden aria-label="Light or dark">◐</button></div>'
        f"<h1>{text(summary['scenario'])}</h1>{told}"
        f'<p class="verdict"><b class="{kind}">{text(words)}</b> {starved}<span>{state} after '
        f"{span(round(summary['duration_s'] * SECOND_NS))}: {text(why)}</span></p></header>"
    )


def figures(view: View, summary: Summary) -> str:
    """What one wants to know first."""
    tiles: list[tuple[str, str, str, str]] = []
    if view.beats:
        dropped, preempted = (
            sum(getattr(one, key) for one in view.beats) for key in ("dropped", "preempted")
        )
        length = f"of {span(view.beat.length_ns)}, " if view.beat else ""
        sub = "all settled" if view.beats[-1].settled else "the last one cut short"
        tiles.append(("beats", f"{len(view.beats):,}", length + sub, ""))
        tiles.append(("dropped", f"{dropped:,}", _dropping(view), "bad" if dropped else ""))
        tiles.append(("preempted", f"{preempted:,}", "a higher level came first", ""))
    phases = summary["phases"]
    if phases:
        made, accepted = (sum(phase[key] for phase in phases) for key in ("handshakes", "accepted"))
        done = sum(phase["complete"] for phase in phases)
        tiles.append(("handshakes", f"{accepted} <small>of {made}</small>", "accepted", ""))
        kind = "" if done == len(phases) else "bad"
        tiles.append(("phases", f"{done} <small>of {len(phases)}</small>", "complete", kind))
    if view.lifeforce is not None:
        tiles += _economy(view.lifeforce, summary, view.time_ns)
    tiles.append(("time", span(round(summary["duration_s"] * SECOND_NS)), "in the garden", ""))
    drawn = "".join(
        f'<div class="tile {kind}"><dt>{name}</dt><dd>{value}</dd><p>{sub}</p></div>'
        for name, value, sub, kind in tiles
    )
    return f'<dl class="tiles">{drawn}</dl>'


def _dropping(view: View) -> str:
    beats = sum(one.dropped > 0 for one in view.beats)
    return f"in {counted(beats, 'beat')}" if beats else "nothing was given up"


def _economy(known: Lifeforce, summary: Summary, end_ns: int) -> list[tuple[str, str, str, str]]:
    """What there is, and how long what is above the floor lasts, or since when no price was paid."""
    force, lambda_ = summary["lifeforce"], summary["lambda"]
    run_ns = round(summary["duration_s"] * SECOND_NS)
    gained = force["final"] - force["initial"]
    balance = f"{force['final']:,.1f} <small>LF</small>"
    sub = f"{'+' if gained >= 0 else '−'}{abs(gained):,.1f} since the start"
    shown = "–" if lambda_ is None else f"{lambda_:.2f}"
    words = "nothing was spent" if lambda_ is None else "income over spending"
    part = window(known.window_ns, run_ns)
    words += f" over the {part}" if part else ""
    low = lambda_ is not None and lambda_ < 0.7
    tiles = [("lifeforce", balance, sub, ""), ("λ", shown, words, "bad" if low else "")]
    if known.starved_ns is not None:
        since = clock(known.starved_ns, end_ns)
        tiles.append(("starved since", since, "no price was paid any more", "bad"))
    elif gained < 0:
        left = max(0.0, force["final"] - known.floor / MICRO)
        lasts_ns = round(run_ns * left / -gained)
        tiles.append(("lasts", span(lasts_ns), "more, at the pace of the whole run", "bad"))
    refused = len(summary["refusals"]) + summary.get("left_out", {}).get("refusals", 0)
    if refused:
        tiles.append(("refused", f"{refused:,}", "prices that could not be paid", "bad"))
    return tiles


def judged(summary: Summary) -> str:
    """Expectations, those that failed first; criteria of the protocol."""
    parts = ""
    for key, name in (("expectations", "expectation"), ("criteria", "criterion")):
        verdicts = sorted(summary[key], key=lambda one: bool(one["held"]))
        if not verdicts:
            continue
        held = sum(one["held"] for one in verdicts)
        many = "criteria" if key == "criteria" else ""
        title = f"{held} of {counted(len(verdicts), name, many)} {'holds' if held == 1 else 'hold'}"
        items = "".join(_verdict(one) for one in verdicts[:200])
        if key == "criteria" and held == len(verdicts):
            parts += f"<details><summary>{title}</summary><ul class=verdicts>{items}</ul></details>"
        else:
            parts += f"<h3>{title}</h3><ul class=verdicts>{items}</ul>"
    return parts


def _verdict(one: Mapping[str, Any]) -> str:
    kind, sign, word = ("good", "✓", "holds") if one["held"] else ("bad", "✗", "fails")
    values = one.get("values") or {}
    shown = ", ".join(f"{name} = {value}" for name, value in list(values.items())[:8])
    told = f"<small>{text(shown[:300])}</small>" if shown else ""
    return (
        f'<li><b class="{kind}" role="img" aria-label="{word}">{sign}</b>'
        f"<div><code>{text(one['text'])}</code>{told}</div></li>"
    )


def phases(summary: Summary) -> str:
    """The phases of a protocol."""
    rows = [
        [
            text(phase["name"]),
            f"{phase['handshakes']}",
            f"{phase['accepted']}",
            f"{phase['attempts']}",
            f"{phase['spent']:,.1f}",
            f"{phase['earned']:,.1f}",
            seconds(round(phase["duration_s"] * SECOND_NS)),
            '<b class="good">✓ complete</b>' if phase["complete"] else '<b class="bad">✗ not complete</b>',
        ]
        for phase in summary["phases"]
    ]
    heads = ["phase", ">handshakes", ">accepted", ">attempts", ">spent LF", ">earned LF", ">time", ""]
    return table(heads, rows, "Phases in their order") if rows else ""


def tracks(view: View) -> str:
    """What the other actors did, as rows of coloured time."""
    end_ns = max(view.time_ns, 1)
    shown = [track for track in view.tracks if track.slices and not _idle(track)]
    if not shown:
        return ""
    rows = "".join(_track(track, end_ns) for track in shown)
    ticks = "".join(
        f'<span style="left:{25 * quarter}%">{clock(end_ns * quarter // 4, end_ns)}</span>'
        for quarter in range(5)
    )
    idle = len(view.tracks) - len(shown) + view.tracks_left_out
    note = f"<p class=note>{counted(idle, 'actor')} of which there is nothing to see.</p>" if idle else ""
    axis = f'<div class="track axis" aria-hidden="true"><div></div><div class="ticks">{ticks}</div></div>'
    return f'<div class="tracks">{rows}{axis}</div>{note}'


def _idle(track: Track) -> bool:
    """A cell that never left its first state is no sight."""
    return track.what == STATES and all(piece.name == track.rest for piece in track.slices)


def _track(track: Track, end_ns: int) -> str:
    names = list(dict.fromkeys(piece.name for piece in track.slices if piece.name != track.rest))
    pieces = "".join(
        f'<i class="{_slice_class(names, piece)}" '
        f'style="left:{number(100 * piece.from_ns / end_ns)}%;'
        f'width:{number(100 * (piece.to_ns - piece.from_ns) / end_ns)}%" '
        f'title="{_slice_title(piece)}"><b>{text(piece.name.replace("_", " "))}</b></i>'
        for piece in track.slices
        if piece.name != track.rest
    )
    name = track.actor.partition("/")[2]
    what = f" <small>{track.what}</small>" if track.what != STATES else ""
    told = f"{name}, {track.what}: {counted(len(track.slices), 'slice')}"
    more = f"<small>{track.left_out} more</small>" if track.left_out else ""
    return (
        f'<div class="track"><div class="bl"><b>{text(name)}</b>{what}{more}</div>'
        f'<div class="band" role="img" aria-label="{text(told)}">{pieces}</div></div>'
    )


def _slice_class(names: Sequence[str], piece: Slice) -> str:
    if piece.verdict not in ("", "accepted", "complete"):
        return "failed"
    return f"t{names.index(piece.name) % len(SLICES)}"


def _slice_title(piece: Slice) -> str:
    verdict = f": {piece.verdict}" if piece.verdict else ""
    return text(f"{piece.name}{verdict}\n{clock(piece.from_ns)}, {span(piece.to_ns - piece.from_ns)}")


# Losses


def losses(view: View) -> str:
    """What was dropped, and why."""
    if not view.drops or view.beat is None:
        return ""
    rows = [
        [
            swatch(one.level, level_class(view.beat, one.level)),
            text(one.name),
            text(REASONS.get(one.reason, one.reason)),
            f'<span class="bad">{one.count:,}</span>',
            seconds(one.left_ns),
        ]
        for one in view.drops[:LISTED_MAX]
    ]
    more = len(view.drops) - LISTED_MAX
    note = f"<p class=note>and {counted(more, 'kind')} more</p>" if more > 0 else ""
    return table(["level", "item", "why", ">times", ">left to do"], rows, "Dropped items") + note


# Modes


def modes(view: View) -> str:
    """How long she was in which mode, and how she came there."""
    if not view.modes or view.beat is None:
        return ""
    beat, whole_ns = view.beat, sum(mode.time_ns for mode in view.modes)
    top = max((mode.time_ns for mode in view.modes), default=0) or 1
    rows = "".join(
        f'<li><span class="name"><span class="sw {mode_class(beat, one.mode)}"></span>'
        f'{_path(one.mode)}</span><span class="meter"><i class="{mode_class(beat, one.mode)}" '
        f'style="width:{number(100 * one.time_ns / top)}%"></i></span>'
        f'<span class="n">{seconds(one.time_ns)}</span>'
        f'<span class="n">{share(one.time_ns, whole_ns)}</span>'
        f'<span class="n">{one.entered:,}×</span></li>'
        for one in view.modes[:LISTED_MAX]
    )
    moves = [
        [_path(move.source), text(move.event), _path(move.target), f"{move.count:,}"]
        for move in view.moves[:LISTED_MAX]
    ]
    total = sum(move.count for move in view.moves)
    inner = table(["from", "on", "to", ">times"], moves, "Transitions, the most frequent first")
    more = len(view.moves) - len(moves)
    note = f"<p class=note>and {counted(more, 'kind')} more</p>" if more > 0 else ""
    folded = (
        f"<details><summary>{counted(total, 'transition')} of {counted(len(view.moves), 'kind')}</summary>"
        f"{inner}{note}</details>"
    )
    return f'<ul class="meters">{rows}</ul>{folded if moves else ""}'


def _path(mode: str) -> str:
    """A path of states, its end first in sight."""
    parents, _, leaf = mode.rpartition("/")
    return f"<small>{text(parents)}/</small>{text(leaf)}" if parents else text(leaf)


# The rest


def notices(summary: Summary) -> str:
    """Failures, refusals, ignored events, and what the garden did."""
    failed = [
        f"{one['phase']}: {one['name'].replace('_', ' ')} {one['verdict']}"
        + (f": {one['reason']}" if one["reason"] else "")
        for one in summary.get("failures", ())
    ]
    noticed = [
        f"{one['type']} {one['actor']}: {one['what']}"
        + (f", {one['count']} times" if one["count"] > 1 else "")
        for one in summary.get("notices", ())
    ]
    refused = [
        f"{one['actor']} was refused {one['price']:g} LF: the pool had {one['balance']:g}, with its floor"
        for one in summary.get("refusals", ())
    ]
    befell = [f"{one['actor']}: {one['what']}" for one in summary.get("incidents", ())]
    groups = (
        ("failures", "Handshakes that failed", failed),
        ("notices", "What nobody took, and faults", noticed),
        ("refusals", "Prices that were refused", _merged(refused)),
        ("incidents", "What the garden did", _merged(befell)),
    )
    left_out = summary.get("left_out", {})
    return "".join(_listed(title, lines, left_out.get(key, 0)) for key, title, lines in groups)


def _merged(lines: Iterable[str]) -> list[str]:
    counts: dict[str, int] = {}
    for line in lines:
        counts[line] = counts.get(line, 0) + 1
    ordered = sorted(counts.items(), key=lambda one: -one[1])
    return [line + (f" ({count:,} times)" if count > 1 else "") for line, count in ordered]


def _listed(title: str, lines: Sequence[str], left_out: int) -> str:
    """The first of them; ``left_out`` are not even among ``lines``."""
    if not lines:
        return ""
    items = "".join(f"<li>{text(line)}</li>" for line in lines[:LISTED_MAX])
    more = max(0, len(lines) - LISTED_MAX) + left_out
    note = f"<p class=note>and {more:,} more</p>" if more > 0 else ""
    return f"<h3>{title}</h3><ul class=plain>{items}</ul>{note}"


def provenance(view: View, summary: Summary) -> str:
    """Enough to make the run again, and to see that it was the same."""
    rows = {
        "scenario": summary["scenario"],
        "seed": summary["seed"],
        "garden": summary.get("garden") or "virtual",
        "attention": view.attention.partition("/")[2],
        "run": summary["run_id"],
        "program": summary["program_sha256"],
        "trace": summary["trace_sha256"],
        "decisions": summary["decision_sha256"],
    }
    items = "".join(
        f"<div><dt>{name}</dt><dd><code>{text(value)}</code></dd></div>"
        for name, value in rows.items()
        if value != ""
    )
    return f'<dl class="facts">{items}</dl>'
