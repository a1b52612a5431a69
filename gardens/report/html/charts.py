"""Charts of the page: how long things waited, lifeforce and lambda over time.

Drawn without letters in them, so that they can be stretched to any width; what
stands on the axes is text beside them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from markupsafe import Markup

from gardens.report.html.bands import bands
from gardens.report.html.downloads import SPREAD_HEADS, csv_link, in_seconds, spread_fields
from gardens.report.html.drawing import Chart, height_of, line, rounded_up, steps
from gardens.report.html.templating import render
from gardens.report.observe.lifeforce import ASLEEP, LambdaPoint, Lifeforce
from gardens.report.observe.spread import Spread
from gardens.report.observe.view import View
from gardens.report.words import lifeforce, number, seconds, span
from nimdsl.base.units import MICRO, NANOSECONDS, format_share
from nimdsl.base.words import counted

BALANCED = 1.0
"""Lambda at which income is expenditure."""
ASLEEP_BELOW = "may fall asleep"
"""Of a level and of a lambda: that below it the economy does, where it says so."""
LAMBDA_SHOWN_MAX = 3.0
"""Lambda above this is drawn at the edge."""
_BIN_COUNT_PER_DECADE = 4
_FIRST_NS = NANOSECONDS["ms"]
FLOWS_SHOWN_MAX = 12
_UNPAID = "not paid"
_EARNINGS = ("reward:", "income:")
_DECADES = (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000)
_LIMITS_NS = [
    size * _FIRST_NS * within // 1_000 for size in _DECADES for within in (1_000, 1_778, 3_162, 5_623)
]
"""Where bins begin, but for the first."""


# Waiting


def waits(view: View) -> Markup:
    """A row for each level: how long its items waited for the time, and how long until they were done."""
    if not view.waits or view.beat is None:
        return Markup()
    spreads = [spread for one in view.waits for spread in (one.started, one.done)]
    decades = _decades(spreads)
    names = [level.name for level in view.beat.levels]
    return render(
        "waits",
        bin_count=_bin_count(decades),
        ticks=_scale(decades),
        rounded=any(not spread.exact for spread in spreads),
        levels=[
            {
                "level": one.level,
                "kind": f"l{names.index(one.level)}",
                "baseline": one.baseline,
                "arrived": one.arrived,
                "done": one.done.total,
                "never": one.never_started,
                "until_started": _spread(one.started, decades, f"{one.level}: until it had the time"),
                "until_done": _spread(one.done, decades, f"{one.level}: until it was done"),
            }
            for one in view.waits
        ],
    ) + _waits_csv(view)


def _waits_csv(view: View) -> Markup:
    heads = ("level", "baseline", "arrived", "never_started", "until")
    rows = [
        (one.level, str(one.baseline).lower(), one.arrived, one.never_started, what, *spread_fields(spread))
        for one in view.waits
        for what, spread in (("started", one.started), ("done", one.done))
    ]
    return csv_link("waits", (*heads, *SPREAD_HEADS), rows)


def _bin_count(decades: int) -> int:
    return decades * _BIN_COUNT_PER_DECADE + 1


def _decades(spreads: Iterable[Spread]) -> int:
    longest = max((spread.max_ns for spread in spreads), default=0)
    return next(
        (n for n, size in enumerate(_DECADES) if n > 2 and size * _FIRST_NS > longest), len(_DECADES)
    )


def _bin(value_ns: int, decades: int) -> int:
    """0 for less than a millisecond, then four bins a decade, of equal width on a logarithmic scale."""
    return min(bisect_right(_LIMITS_NS, value_ns), decades * _BIN_COUNT_PER_DECADE)


@dataclass(frozen=True)
class _Spread:
    """A histogram: its bars and its median as paths, in words, and median, 95 % and longest."""

    bars: str
    line: str
    told: str
    times: tuple[str, str, str]


def _spread(spread: Spread, decades: int, title: str) -> _Spread | None:
    if not spread.total:
        return None
    bins = [0] * _bin_count(decades)
    for value_ns, times in spread.counts:
        bins[_bin(value_ns, decades)] += times
    top = max(bins)
    bars = "".join(
        f"M{place} 20v{number(-max(1.2, 19 * times / top))}h.86V20z"
        for place, times in enumerate(bins)
        if times
    )
    median, high = spread.quantile_ns(0.5) or 0, spread.quantile_ns(0.95) or 0
    told = (
        f"{title}: {counted(spread.total, 'item')}, median {seconds(median)}, "
        f"95 % within {seconds(high)}, longest {seconds(spread.max_ns)}"
    )
    line = f"M{_bin(median, decades) + 0.43} 0v20"
    return _Spread(bars, line, told, (seconds(median), seconds(high), seconds(spread.max_ns)))


def _scale(decades: int) -> list[tuple[str, str]]:
    """Where the decades begin, in percent."""
    return [
        (
            number(100 * (1 + n * _BIN_COUNT_PER_DECADE) / _bin_count(decades)),
            span(_DECADES[n] * _FIRST_NS).replace(" ", ""),
        )
        for n in range(0, decades, 1 if decades < 4 else 2)
    ]


# Lifeforce

PURSES_SHOWN_MAX = 24
"""Of how many economies besides the scenario's own the balance is drawn."""


def economy(view: View) -> Markup:
    """The balance over time, lambda over time, and where lifeforce came from and went to.

    Of other economies than the scenario's own the balances, as many as are told apart.
    """
    force, charts = view.lifeforce, Markup()
    if force is not None and force.points:
        end_ns = max(view.time_ns, force.points[-1][0], 1)
        charts = _balance(force, end_ns) + _lambda(force, end_ns) + _accounts(force)
    others = [(name, one) for name, one in view.purses.items() if one.points]
    for name, one in others[:PURSES_SHOWN_MAX]:
        charts += _balance(one, max(view.time_ns, one.points[-1][0], 1), name)
    if len(others) > PURSES_SHOWN_MAX:
        left = counted(len(others) - PURSES_SHOWN_MAX, "more economy", "more economies")
        charts += render("more", text=left)
    return charts


def _balance(force: Lifeforce, end_ns: int, name: str = "") -> Markup:
    points = force.points
    values = [value for _, value in points]
    low, high = min(0, *values), max(*values, 1)
    lines = [(force.floor, "floor", "floor")] if force.floor else []
    if force.capacity is not None:
        if force.slumber is not None:
            share = format_share(force.slumber.level).replace("%", " %")
            lines.append(
                (force.capacity * force.slumber.level // MICRO, "slumber", f"{share} {ASLEEP_BELOW}")
            )
        if force.capacity <= 1.3 * high:
            lines.append((force.capacity, "capacity", "capacity"))
    held = [(100 * at / end_ns, value) for at, value in force.holds]
    high = max([high, *(value for value, _, _ in lines), *(value for _, value in held)])
    step = rounded_up(max(high, -low) / MICRO / 4)
    top = ceil(high / MICRO / step) * step * MICRO
    bottom = -ceil(-low / MICRO / step) * step * MICRO
    to_y = height_of(bottom, top)
    path = line([(100 * at / end_ns, to_y(value)) for at, value in points])
    area = f"{path}V{to_y(0):.2f}H0z"
    limits = [(f"limit {kind}", f"M0 {to_y(value):.2f}H100") for value, kind, _ in lines]
    labels = [(to_y(value), name) for value, _, name in lines]
    count = round((top - bottom) / MICRO / step)
    grid = [bottom + part * step * MICRO for part in range(count + 1)]
    ticks = [(to_y(value), lifeforce(round(value))) for value in grid]
    lowest, highest = min(values), max(values)
    told = (
        f"Balance from {lifeforce(values[0])} to {lifeforce(values[-1])} LF; "
        f"lowest {lifeforce(lowest)}, highest {lifeforce(highest)}"
    )
    paths = [*bands(force.sleep, end_ns, {ASLEEP: "band asleep"}), *limits, ("area", area), ("line", path)]
    notes = _sleep_told(force)
    if held:
        paths.append(("line held", steps([(x, to_y(value)) for x, value in held])))
        notes.insert(0, "solid: the pool; dotted: reserved in holds")
        told += f"; in holds up to {lifeforce(max(value for _, value in force.holds))} LF"
    told = "; ".join([told, *_sleep_told(force)])
    csv = _balance_csv(force, name)
    title = f"Balance of {name}, LF" if name else "Balance, LF"
    return Chart("balance", title, told, paths, ticks, labels, "; ".join(notes), csv).render(end_ns)


def _sleep_told(force: Lifeforce) -> list[str]:
    """How often and how long it slept, and how many pulses there were: they are not drawn one by one."""
    time_ns, times = force.slept
    slept = [f"shaded: asleep, {span(time_ns)} in {counted(times, 'time')}"] if times else []
    return slept + ([counted(force.pulses, "pulse")] if force.pulses else [])


def _balance_csv(force: Lifeforce, economy: str) -> Markup:
    every = [("pool", force.points), ("holds", force.holds)]
    rows = [(name, in_seconds(at), value / MICRO) for name, points in every for at, value in points]
    title = f"balance-{economy}" if economy else "balance"
    return csv_link(title, ("account", "time_s", "LF"), rows)


def _lambda(force: Lifeforce, end_ns: int) -> Markup:
    known = [value for _, value in force.lambdas if value is not None]
    if not known:
        return render("dormant") if force.lambdas else Markup()
    shown_max = min(LAMBDA_SHOWN_MAX, max(1.5, ceil(2 * max(known)) / 2))
    to_y = height_of(0, shown_max)
    pieces = "".join(
        line([(100 * at / end_ns, to_y(min(value, shown_max))) for at, value in piece])
        for piece in _unbroken(force.lambdas)
    )
    alone = [piece[0] for piece in _unbroken(force.lambdas) if len(piece) == 1]
    dots = ((100 * at / end_ns, to_y(min(value, shown_max))) for at, value in alone)
    tired = force.slumber.lambda_ / MICRO if force.slumber is not None else None
    bottom = 0.0 if tired is None else min(tired, shown_max)
    paths = [
        ("zone warn", f"M0 {to_y(BALANCED):.2f}H100V{to_y(min(bottom, BALANCED)):.2f}H0z"),
        ("limit one", f"M0 {to_y(BALANCED):.2f}H100"),
    ]
    labels = [(to_y(BALANCED), "1 income = expenditure")]
    if tired is not None:
        paths.insert(0, ("zone bad", f"M0 {to_y(bottom):.2f}H100V100H0z"))
        paths.append(("limit tired", f"M0 {to_y(bottom):.2f}H100"))
        labels.append((to_y(bottom), f"{tired:g} {ASLEEP_BELOW}"))
    paths += [("line", pieces), *(("dot", f"M{x:.3f} {y:.2f}h0") for x, y in dots)]
    ticks = [(to_y(shown_max), f"{shown_max:g}"), (to_y(0), "0")]
    above = sum(value > shown_max for value in known)
    told = f"Lambda, earned over owed of the last {span(force.window_ns)}: from {known[0]:.2f} to "
    told += f"{known[-1]:.2f}; lowest {min(known):.2f}, highest {max(known):.2f}"
    title = f"λ over {span(force.window_ns)}"
    note = f"above {shown_max:g} it is drawn at the edge" if above else ""
    rows = [(in_seconds(at_ns), value) for at_ns, value in force.lambdas]
    csv = csv_link("lambda", ("time_s", "lambda"), rows)
    return Chart("lambda", title, told, paths, ticks, labels, note, csv).render(end_ns)


def _unbroken(points: Sequence[LambdaPoint]) -> list[list[tuple[int, float]]]:
    """The stretches in which it is defined."""
    pieces: list[list[tuple[int, float]]] = [[]]
    for at_ns, value in points:
        if value is not None:
            pieces[-1].append((at_ns, value))
        elif pieces[-1]:
            pieces.append([])
    return [piece for piece in pieces if piece]


@dataclass(frozen=True)
class _Flow:
    """Accounts on one side: kind, name, amount and the width of its bar; ``more`` are left out."""

    title: str
    bad: bool
    whole: int
    amounts: list[tuple[str, str, int, str]]
    more: int


def _accounts(force: Lifeforce) -> Markup:
    """Where it came from, where it went, and what it was not enough for."""
    came = {name: amount for name, amount in force.accounts.items() if name.startswith(_EARNINGS)}
    went = {name: amount for name, amount in force.accounts.items() if name not in came}
    groups = (("came from", came), ("went to", went), (_UNPAID, force.unpaid))
    found = [_flow(title, accounts) for title, accounts in groups if any(accounts.values())]
    rows = [
        (title, name, amount / MICRO) for title, some in groups for name, amount in some.items() if amount
    ]
    csv = csv_link("accounts", ("flow", "account", "LF"), rows)
    return render("flows", groups=found) + csv if found else Markup()


def _flow(title: str, accounts: Mapping[str, int]) -> _Flow:
    amounts = sorted(
        ((name, amount) for name, amount in accounts.items() if amount),
        key=lambda one: (-one[1], one[0]),
    )
    shown, top = amounts[:FLOWS_SHOWN_MAX], amounts[0][1]
    rows = [
        (name.partition(":")[0], name.partition(":")[2], amount, number(100 * amount / top))
        for name, amount in shown
    ]
    whole = sum(amount for _, amount in amounts)
    return _Flow(title, title == _UNPAID, whole, rows, len(amounts) - len(shown))
