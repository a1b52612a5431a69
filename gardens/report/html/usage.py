"""What cells waited for and what they spent their time in, on the page: two tables, by family."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from gardens.report.html.downloads import SPREAD_HEADS, csv_link, in_seconds, spread_fields
from gardens.report.html.groups import ActorGroup, groups_of
from gardens.report.html.templating import render
from gardens.report.observe.doings import Doings
from gardens.report.observe.spread import Spread, merged
from gardens.report.observe.tracks import STATES
from gardens.report.observe.view import View
from gardens.report.observe.working import ANSWER, REQUEST, WORK, Delay
from gardens.report.words import number, seconds, share
from nimdsl.base.words import counted

_WHAT = {WORK: "work", REQUEST: "asked", ANSWER: "its answers"}
UNDER_WAY = "work under way"


@dataclass(frozen=True)
class _Table:
    """The rows of a group, folded under its title if it is large; ``whole`` are those of all together."""

    title: str
    rows: list[_Waited] | list[_Used]
    whole: list[_Waited] | list[_Used]
    folded: bool


@dataclass(frozen=True)
class _Waited:
    """How long somebody waited for something."""

    name: str
    what: str
    of: str
    begun: int
    ended: int
    repeated: int
    abandoned: int
    under_way: int
    times: tuple[str, str, str, str]
    exact: bool


@dataclass(frozen=True)
class _Used:
    """What somebody was in for how long; ``stays`` are the times from one transition to
    the next, None for what is no state."""

    name: str
    state: str
    stays: int | None
    time_ns: int
    share: str
    width: str


# Waiting


def delays(view: View) -> Markup:
    """How long work took to come back, and requests to be answered."""
    groups = [group for group in groups_of(view.doings) if any(one.delays for one in group.members)]
    if not groups:
        return Markup()
    every = [delay for group in groups for one in group.members for delay in one.delays]
    heads = ("actor", "kind", "name", "begun", "tried_again", "given_up", "not_measured", "under_way")
    rows = [
        (
            one.actor,
            one.kind,
            one.name,
            one.begun,
            one.repeated,
            one.abandoned,
            one.unmeasured,
            one.under_way,
            *spread_fields(one.ended),
        )
        for one in every
    ]
    return render(
        "delays",
        tables=[_waiting(group) for group in groups],
        guessed=any(not one.exact for one in every),
        rounded=any(not one.ended.exact for one in every),
        unmeasured=sum(one.unmeasured for one in every),
    ) + csv_link("waiting", (*heads, *SPREAD_HEADS), rows)


def _waiting(group: ActorGroup) -> _Table:
    rows = [_waited(one.name, [delay]) for one in group.members for delay in one.delays]
    whole: list[_Waited] = []
    if group.is_folded:
        alike: dict[tuple[str, str], list[Delay]] = {}
        for one in group.members:
            for delay in one.delays:
                alike.setdefault((delay.kind, delay.name), []).append(delay)
        whole = [_waited(group.name, several) for several in alike.values()]
    return _Table(_title(group), rows, whole, group.is_folded)


def _waited(name: str, several: Sequence[Delay]) -> _Waited:
    ended = merged([one.ended for one in several])
    return _Waited(
        name,
        _WHAT[several[0].kind],
        several[0].name,
        sum(one.begun for one in several),
        ended.total,
        sum(one.repeated for one in several),
        sum(one.abandoned for one in several),
        sum(one.under_way for one in several),
        _times(ended),
        all(one.exact for one in several),
    )


def _times(spread: Spread) -> tuple[str, str, str, str]:
    known = (spread.mean_ns, spread.quantile_ns(0.5), spread.quantile_ns(0.95))
    longest_ns = spread.max_ns if spread.total else None
    mean, median, high, longest = ("" if one is None else seconds(one) for one in (*known, longest_ns))
    return mean, median, high, longest


# What the time was spent in


def usage(view: View) -> Markup:
    """The share of time in each state, and with work under way."""
    groups = [group for group in groups_of(view.doings) if any(map(_totals, group.members))]
    if not groups:
        return Markup()
    rows = [
        (one.actor, used.state, used.stays, in_seconds(used.time_ns), used.time_ns / max(1, view.time_ns))
        for group in groups
        for one in group.members
        for used in _used(one.name, [one], view.time_ns)
    ]
    return render("usage", tables=[_using(group, view.time_ns) for group in groups]) + csv_link(
        "use-of-time", ("actor", "state", "stays", "time_s", "share"), rows
    )


def _using(group: ActorGroup, end_ns: int) -> _Table:
    rows = [row for one in group.members for row in _used(one.name, [one], end_ns)]
    whole = _used(group.name, group.members, end_ns) if group.is_folded else []
    return _Table(_title(group), rows, whole, group.is_folded)


def _totals(one: Doings) -> dict[str, tuple[int, int]]:
    return next((track.totals for track in one.tracks if track.what == STATES), {})


def _used(name: str, several: Sequence[Doings], end_ns: int) -> list[_Used]:
    """Of all of them together, the longest first; their time is as often the whole as there are."""
    states: dict[str, tuple[int, int]] = {}
    for one in several:
        for state, (time_ns, count) in _totals(one).items():
            before_ns, before = states.get(state, (0, 0))
            states[state] = before_ns + time_ns, before + count
    whole_ns = max(1, end_ns * len(several))
    ordered = sorted(states.items(), key=lambda item: (-item[1][0], item[0]))
    rows: list[tuple[str, int | None, int]] = [
        (state, count, time_ns) for state, (time_ns, count) in ordered
    ]
    if any(one.works for one in several):
        rows.append((UNDER_WAY, None, sum(one.busy_ns for one in several)))
    return [
        _Used(name, state, count, time_ns, share(time_ns, whole_ns), number(100 * time_ns / whole_ns))
        for state, count, time_ns in rows
    ]


def _title(group: ActorGroup) -> str:
    return f"each of {group.name}: {counted(len(group.members), 'member')}" if group.name else ""
