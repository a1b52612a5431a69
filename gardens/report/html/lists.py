"""What the page says in words and tables: verdict, figures, expectations, losses, modes, provenance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from gardens.report.html.beats import level_class, mode_class
from gardens.report.html.downloads import csv_link, in_seconds
from gardens.report.html.templating import render
from gardens.report.observe.lifeforce import Lifeforce
from gardens.report.observe.view import View
from gardens.report.words import (
    ENDS,
    REASONS,
    clock,
    number,
    seconds,
    share,
    span,
    window,
)
from nimdsl.base.units import MICRO, SECOND_NS, format_lifeforce
from nimdsl.base.words import counted

LISTED_MAX, JUDGED_MAX = 40, 200
Summary = Mapping[str, Any]


def verdict(summary: Summary) -> tuple[str, str]:
    """``good`` or ``bad``, and in words."""
    failed = [one for one in summary["expectations"] if not one["held"]]
    if summary["ok"]:
        return "good", "✓ as expected" if summary["expectations"] else "✓ completed"
    if failed:
        return "bad", f"✗ {len(failed)} of {counted(len(summary['expectations']), 'expectation')} failed"
    return "bad", "✗ not completed"


def head(view: View, summary: Summary, description: str) -> Markup:
    """Who, what, verdict, why it ended, and that she starved."""
    kind, words = verdict(summary)
    starved_ns = view.lifeforce.starved_ns if view.lifeforce else None
    return render(
        "head",
        where=f"real garden · {summary['garden']}" if summary.get("garden") else "virtual garden",
        seed=summary["seed"],
        scenario=summary["scenario"],
        description=description,
        kind=kind,
        verdict=words,
        starved="" if starved_ns is None else clock(starved_ns, view.time_ns),
        state="completed" if summary["completed"] else "not completed",
        time=span(round(summary["duration_s"] * SECOND_NS)),
        why=ENDS[summary["stopped"]],
    )


@dataclass(frozen=True)
class Tile:
    """A figure: what it is of, the value with its unit or whole (``small``), a line below."""

    name: str
    value: str
    small: str
    sub: str
    kind: str = ""


def figures(view: View, summary: Summary) -> Markup:
    """What one wants to know first."""
    tiles: list[Tile] = []
    if view.beats:
        dropped, preempted = (
            sum(getattr(one, key) for one in view.beats) for key in ("dropped", "preempted")
        )
        length = f"of {span(view.beat.length_ns)}, " if view.beat else ""
        sub = "all settled" if view.beats[-1].settled else "the last one cut short"
        tiles.append(Tile("beats", f"{len(view.beats):,}", "", length + sub))
        tiles.append(Tile("dropped", f"{dropped:,}", "", _dropping(view), "bad" if dropped else ""))
        tiles.append(Tile("preempted", f"{preempted:,}", "", "a higher level came first"))
    phases = summary["phases"]
    if phases:
        made, accepted = (sum(phase[key] for phase in phases) for key in ("handshakes", "accepted"))
        done = sum(phase["complete"] for phase in phases)
        tiles.append(Tile("handshakes", f"{accepted}", f"of {made}", "accepted"))
        kind = "" if done == len(phases) else "bad"
        tiles.append(Tile("phases", f"{done}", f"of {len(phases)}", "complete", kind))
    if view.lifeforce is not None:
        tiles += _economy(view.lifeforce, summary, view.time_ns)
    elif "economies" in summary:
        tiles.append(_economies(summary["economies"]))
    time = span(round(summary["duration_s"] * SECOND_NS))
    return render("figures", tiles=[*tiles, Tile("time", time, "", "in the garden")])


def _dropping(view: View) -> str:
    beats = sum(one.dropped > 0 for one in view.beats)
    return f"in {counted(beats, 'beat')}" if beats else "nothing was given up"


def _economies(economies: Mapping[str, Any]) -> Tile:
    """How many economies there are, and how many of them starved."""
    starved = sum(one["starved"] for one in economies.values())
    kind = "bad" if starved else ""
    return Tile("economies", f"{len(economies):,}", "", f"{starved:,} starved", kind)


def _economy(known: Lifeforce, summary: Summary, end_ns: int) -> list[Tile]:
    """What there is, and how long what is above the floor lasts, or since when no price was paid."""
    force, lambda_ = summary["lifeforce"], summary["lambda"]
    run_ns = round(summary["duration_s"] * SECOND_NS)
    gained = force["final"] - force["initial"]
    sub = f"{'+' if gained >= 0 else '−'}{abs(gained):,.1f} since the start"
    shown = "–" if lambda_ is None else f"{lambda_:.2f}"
    words = "nothing was owed" if lambda_ is None else "earned over owed"
    part = window(known.window_ns, run_ns)
    words += f" over the {part}" if part else ""
    tired = known.slumber is not None and lambda_ is not None and lambda_ * MICRO < known.slumber.lambda_
    tiles = [
        Tile("lifeforce", f"{force['final']:,.1f}", "LF", sub),
        Tile("λ", shown, "", words, "bad" if tired else ""),
    ]
    if known.starved_ns is not None:
        since = clock(known.starved_ns, end_ns)
        tiles.append(Tile("starved since", since, "", "no price was paid any more", "bad"))
    elif summary.get("reserve_s"):
        pace = f"at the pace of the {part or 'whole run'}"
        value, unit, *rest = span(round(summary["reserve_s"] * SECOND_NS)).split(" ")
        tiles.append(Tile("reserve", f"{value} {unit}", " ".join(rest), pace, "bad"))
    refused = len(summary["refusals"]) + summary.get("left_out", {}).get("refusals", 0)
    if refused:
        tiles.append(Tile("refused", f"{refused:,}", "", "prices that could not be paid", "bad"))
    return tiles


@dataclass(frozen=True)
class _Judged:
    """Verdicts under a title; ``folded`` when there is nothing to look at."""

    title: str
    verdicts: list[_Verdict]
    folded: bool


@dataclass(frozen=True)
class _Verdict:
    held: bool
    text: str
    values: str


def judged(summary: Summary) -> Markup:
    """Expectations, those that failed first; criteria of the protocol."""
    groups = []
    for key, name in (("expectations", "expectation"), ("criteria", "criterion")):
        verdicts = sorted(summary[key], key=lambda one: bool(one["held"]))
        if not verdicts:
            continue
        held = sum(one["held"] for one in verdicts)
        many = "criteria" if key == "criteria" else ""
        title = f"{held} of {counted(len(verdicts), name, many)} {'holds' if held == 1 else 'hold'}"
        folded = key == "criteria" and held == len(verdicts)
        groups.append(_Judged(title, [_verdict(one) for one in verdicts[:JUDGED_MAX]], folded))
    return render("judged", groups=groups) if groups else Markup()


def _verdict(one: Mapping[str, Any]) -> _Verdict:
    values = one.get("values") or {}
    shown = ", ".join(f"{name} = {value}" for name, value in list(values.items())[:8])
    return _Verdict(one["held"], one["text"], shown[:300])


def phases(summary: Summary) -> Markup:
    """The phases of a protocol."""
    rows = [
        {
            "name": phase["name"],
            "figures": (
                phase["handshakes"],
                phase["accepted"],
                phase["attempts"],
                f"{phase['spent']:,.1f}",
                f"{phase['earned']:,.1f}",
                seconds(round(phase["duration_s"] * SECOND_NS)),
            ),
            "complete": phase["complete"],
        }
        for phase in summary["phases"]
    ]
    heads = ("name", "handshakes", "accepted", "attempts", "spent", "earned", "duration_s", "complete")
    csv = csv_link(
        "phases", heads, [[_plain(phase[head]) for head in heads] for phase in summary["phases"]]
    )
    return render("phases", phases=rows) + csv if rows else Markup()


def _plain(value: str | float | bool) -> str | float:
    return str(value).lower() if isinstance(value, bool) else value


# Losses


def losses(view: View) -> Markup:
    """What was dropped, and why."""
    if not view.drops or view.beat is None:
        return Markup()
    rows = [
        {
            "level": one.level,
            "kind": level_class(view.beat, one.level),
            "name": one.name,
            "why": REASONS.get(one.reason, one.reason),
            "count": one.count,
            "left_ns": one.left_ns,
        }
        for one in view.drops[:LISTED_MAX]
    ]
    heads = ("level", "item", "reason", "count", "left_s")
    every = [(one.level, one.name, one.reason, one.count, in_seconds(one.left_ns)) for one in view.drops]
    return render("losses", drops=rows, more=len(view.drops) - LISTED_MAX) + csv_link(
        "dropped", heads, every
    )


# Modes


def modes(view: View) -> Markup:
    """How long she was in which mode, and how she came there."""
    if not view.modes or view.beat is None:
        return Markup()
    beat, whole_ns = view.beat, sum(mode.time_ns for mode in view.modes)
    top = max((mode.time_ns for mode in view.modes), default=0) or 1
    rows = [
        {
            "mode": one.mode,
            "kind": mode_class(beat, one.mode),
            "width": number(100 * one.time_ns / top),
            "time_ns": one.time_ns,
            "share": share(one.time_ns, whole_ns),
            "entered": one.entered,
        }
        for one in view.modes[:LISTED_MAX]
    ]
    times = [(one.mode, one.entered, in_seconds(one.time_ns)) for one in view.modes]
    moves = [(one.source, one.event, one.target, one.count) for one in view.moves]
    return render(
        "modes",
        csv=csv_link("modes", ("mode", "entered", "time_s"), times),
        moves_csv=csv_link("transitions", ("from", "event", "to", "count"), moves),
        modes=rows,
        moves=view.moves[:LISTED_MAX],
        total=sum(move.count for move in view.moves),
        kind_count=len(view.moves),
        more=len(view.moves) - LISTED_MAX,
    )


# The rest


def notices(summary: Summary) -> Markup:
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
        f"{one['actor']} was refused {_amount(one['price'])}: "
        f"`{one['economy']}` had {_amount(one['balance'])}, its floor included"
        for one in summary.get("refusals", ())
    ]
    on_incident = [f"{one['actor']}: {one['what']}" for one in summary.get("incidents", ())]
    groups = (
        ("failures", "Handshakes that failed", failed),
        ("notices", "What nobody took or answered, faults, and what was tried again", noticed),
        ("refusals", "Prices that were refused", _merged(refused)),
        ("incidents", "What the garden did", _merged(on_incident)),
    )
    left_out = summary.get("left_out", {})
    shown = [
        (title, lines[:LISTED_MAX], max(0, len(lines) - LISTED_MAX) + left_out.get(key, 0))
        for key, title, lines in groups
        if lines
    ]
    return render("notices", groups=shown) if shown else Markup()


def _amount(lf: float) -> str:
    return f"{format_lifeforce(round(lf * MICRO))} LF"


def _merged(lines: Iterable[str]) -> list[str]:
    counts: dict[str, int] = {}
    for line in lines:
        counts[line] = counts.get(line, 0) + 1
    ordered = sorted(counts.items(), key=lambda one: -one[1])
    return [line + (f" ({count:,} times)" if count > 1 else "") for line, count in ordered]


def provenance(view: View, summary: Summary) -> Markup:
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
    return render("provenance", facts={name: value for name, value in rows.items() if value != ""})
