"""Charts of the page: how long things waited, lifeforce and lambda over time.

Drawn without letters in them, so that they can be stretched to any width; what
stands on the axes is text beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import ceil

from gardens.report.html.markup import swatch, table, text
from gardens.report.observe.gathering import Waits
from gardens.report.observe.lifeforce import LambdaPoint, Lifeforce, Point
from gardens.report.observe.spread import Spread
from gardens.report.observe.view import View
from gardens.report.words import clock, counted, lifeforce, number, seconds, span
from nimdsl.base.units import MICRO, NANOSECONDS

BALANCED, TIRED = 1.0, 0.7
"""Lambda at which income is expenditure, and below which she may fall asleep."""
SLUMBER_SHARE = 0.2
"""The part of the capacity below which she may fall asleep."""
LAMBDA_SHOWN_MAX = 3.0
"""Lambda above this is drawn at the edge."""
_BIN_COUNT_PER_DECADE = 4
_FIRST_NS = NANOSECONDS["ms"]
_EARNINGS = ("reward:", "income:")
_DECADES = (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000)


# Waiting


def waits(view: View) -> str:
    """A row for each level: how long its items waited for the time, and how long until they were done."""
    if not view.waits or view.beat is None:
        return ""
    spreads = [spread for one in view.waits for spread in (one.started, one.done)]
    decades = _decades(spreads)
    names = [level.name for level in view.beat.levels]
    rows = []
    for one in view.waits:
        kind = f"l{names.index(one.level)}"
        name = swatch(one.level, kind) + (" <small>baseline</small>" if one.baseline else "")
        rows.append(
            [
                name,
                f"{one.arrived:,}",
                f"{one.done.total:,}",
                _never(one),
                *_spread(one.started, decades, kind, f"{one.level}: until it had the time"),
                *_spread(one.done, decades, kind, f"{one.level}: until it was done"),
            ]
        )
    figures = [">median", ">95 %", ">longest"]
    heads = ["level", ">arrived", ">done", ">never started"]
    for what in ("until it had the time", "until it was done"):
        heads += [f'<span class="what">{what}</span>{_scale(decades)}', *figures]
    rounded = any(not spread.exact for spread in spreads)
    note = "<p class=note>Times are rounded down by up to 1.6 %.</p>" if rounded else ""
    return table(heads, rows, "How long items waited, by level", "waits") + note


def _never(one: Waits) -> str:
    """Baselines come again; what stimuli brought does not."""
    count = one.never_started
    if not count:
        return '<span class="zero">0</span>'
    return f"{count:,}" if one.baseline else f'<span class="bad">{count:,}</span>'


def _decades(spreads: Iterable[Spread]) -> int:
    longest = max((spread.max_ns for spread in spreads), default=0)
    return next(
        (n for n, size in enumerate(_DECADES) if n > 2 and size * _FIRST_NS > longest), len(_DECADES)
    )


def _bin(value_ns: int, decades: int) -> int:
    """0 for less than a millisecond, then four bins a decade, of equal width on a logarithmic scale."""
    if value_ns < _FIRST_NS:
        return 0
    decade = next((n for n in range(len(_DECADES) - 1, -1, -1) if value_ns >= _DECADES[n] * _FIRST_NS), 0)
    part = value_ns / (_DECADES[decade] * _FIRST_NS)
    within = sum(part >= limit for limit in (1.778, 3.162, 5.623))
    return min(1 + decade * _BIN_COUNT_PER_DECADE + within, decades * _BIN_COUNT_PER_DECADE)


def _spread(spread: Spread, decades: int, kind: str, title: str) -> list[str]:
    if not spread.total:
        return ['<span class="zero">never</span>', "", "", ""]
    count = decades * _BIN_COUNT_PER_DECADE + 1
    bins = [0] * count
    for value_ns, times in spread.counts:
        bins[_bin(value_ns, decades)] += times
    top = max(bins)
    bars = "".join(
        f"M{place} 20v{number(-max(1.2, 19 * times / top))}h.86V20z"
        for place, times in enumerate(bins)
        if times
    )
    median, high = spread.quantile_ns(0.5) or 0, spread.quantile_ns(0.95) or 0
    line = f"M{_bin(median, decades) + 0.43} 0v20"
    told = (
        f"{title}: {counted(spread.total, 'item')}, median {seconds(median)}, "
        f"95 % within {seconds(high)}, longest {seconds(spread.max_ns)}"
    )
    chart = (
        f'<svg class="hist {kind}" viewBox="0 0 {count} 20" preserveAspectRatio="none" role="img" '
        f'aria-label="{text(told)}"><title>{text(told)}</title><path class="base" d="M0 20h{count}"/>'
        f'<path class="bars" d="{bars}"/><path class="median" d="{line}"/></svg>'
    )
    return [chart, seconds(median), seconds(high), seconds(spread.max_ns)]


def _scale(decades: int) -> str:
    count = decades * _BIN_COUNT_PER_DECADE + 1
    ticks = "".join(
        f'<span style="left:{number(100 * (1 + n * _BIN_COUNT_PER_DECADE) / count)}%">'
        f"{span(_DECADES[n] * _FIRST_NS).replace(' ', '')}</span>"
        for n in range(0, decades, 1 if decades < 4 else 2)
    )
    return f'<span class="scale" aria-hidden="true">{ticks}</span>'


# Lifeforce


def economy(view: View) -> str:
    """The balance over time, lambda over time, and where lifeforce came from and went to."""
    force = view.lifeforce
    if force is None or not force.points:
        return ""
    end_ns = max(view.time_ns, force.points[-1][0], 1)
    return _balance(force, end_ns) + _lambda(force, end_ns) + _accounts(force)


def _balance(force: Lifeforce, end_ns: int) -> str:
    points = force.points
    values = [value for _, value in points]
    low, high = min(0, *values), max(*values, 1)
    lines = [(force.floor, "floor", "floor")] if force.floor else []
    if force.capacity is not None:
        slumber = int(force.capacity * SLUMBER_SHARE)
        lines.append((slumber, "slumber", f"{SLUMBER_SHARE:.0%} of capacity".replace("%", " %")))
        if force.capacity <= 1.3 * high:
            lines.append((force.capacity, "capacity", "capacity"))
    high = max([high, *(value for value, _, _ in lines)])
    step = _round(max(high, -low) / MICRO / 4)
    top = ceil(high / MICRO / step) * step * MICRO
    bottom = -ceil(-low / MICRO / step) * step * MICRO
    to_y = _to_y(bottom, top)
    path = _line([(100 * at / end_ns, to_y(value)) for at, value in points])
    area = f"{path}V{to_y(0):.2f}H0z"
    drawn = f'<path class="area" d="{area}"/><path class="line" d="{path}"/>'
    limits = "".join(
        f'<path class="limit {kind}" d="M0 {to_y(value):.2f}H100"/>' for value, kind, _ in lines
    )
    labels = [(to_y(value), name) for value, _, name in lines]
    count = round((top - bottom) / MICRO / step)
    grid = [bottom + part * step * MICRO for part in range(count + 1)]
    ticks = [(to_y(value), lifeforce(round(value))) for value in grid]
    lowest, highest = min(values), max(values)
    told = (
        f"Balance from {lifeforce(values[0])} to {lifeforce(values[-1])} LF; "
        f"lowest {lifeforce(lowest)}, highest {lifeforce(highest)}"
    )
    return _chart("balance", "Balance, LF", told, limits + drawn, ticks, labels, end_ns)


def _lambda(force: Lifeforce, end_ns: int) -> str:
    known = [value for _, value in force.lambdas if value is not None]
    if not known:
        told = "Nothing was spent: lambda is not defined, the economy is dormant."
        return f"<p class=note>{told}</p>" if force.lambdas else ""
    shown_max = min(LAMBDA_SHOWN_MAX, max(1.5, ceil(2 * max(known)) / 2))
    to_y = _to_y(0, shown_max)
    pieces = "".join(
        _line([(100 * at / end_ns, to_y(min(value, shown_max))) for at, value in piece])
        for piece in _unbroken(force.lambdas)
    )
    limits = (
        f'<path class="zone bad" d="M0 {to_y(TIRED):.2f}H100V100H0z"/>'
        f'<path class="zone warn" d="M0 {to_y(BALANCED):.2f}H100V{to_y(TIRED):.2f}H0z"/>'
        f'<path class="limit one" d="M0 {to_y(BALANCED):.2f}H100"/>'
        f'<path class="limit tired" d="M0 {to_y(TIRED):.2f}H100"/>'
    )
    drawn = f'<path class="line" d="{pieces}"/>'
    alone = [piece[0] for piece in _unbroken(force.lambdas) if len(piece) == 1]
    dots = ((100 * at / end_ns, to_y(min(value, shown_max))) for at, value in alone)
    drawn += "".join(f'<path class="dot" d="M{x:.3f} {y:.2f}h0"/>' for x, y in dots)
    labels = [(to_y(BALANCED), "1 income = expenditure"), (to_y(TIRED), "0.7 may fall asleep")]
    ticks = [(to_y(shown_max), f"{shown_max:g}"), (to_y(0), "0")]
    above = sum(value > shown_max for value in known)
    told = f"Lambda, income over expenditure of the last {span(force.window_ns)}: from {known[0]:.2f} to "
    told += f"{known[-1]:.2f}; lowest {min(known):.2f}, highest {max(known):.2f}"
    title = f"λ over {span(force.window_ns)}"
    note = f"above {shown_max:g} it is drawn at the edge" if above else ""
    return _chart("lambda", title, told, limits + drawn, ticks, labels, end_ns, note)


def _unbroken(points: Sequence[LambdaPoint]) -> list[list[tuple[int, float]]]:
    """The stretches in which it is defined."""
    pieces: list[list[tuple[int, float]]] = [[]]
    for at_ns, value in points:
        if value is not None:
            pieces[-1].append((at_ns, value))
        elif pieces[-1]:
            pieces.append([])
    return [piece for piece in pieces if piece]


def _to_y(low: float, high: float) -> Callable[[float], float]:
    return lambda value: 100 * (1 - (value - low) / (high - low))


def _line(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{number(x)} {number(round(y, 2))}" for x, y in points)


def _round(value: float) -> float:
    """The next of 1, 2, 2.5, 5, 10 times a power of ten; at least 0.1."""
    size = 0.1
    while size * 10 < value:
        size *= 10
    return next((size * factor for factor in (1, 2, 2.5, 5) if size * factor >= value), size * 10)


def _chart(
    kind: str,
    title: str,
    told: str,
    drawn: str,
    ticks: Sequence[tuple[float, str]],
    labels: Sequence[tuple[float, str]],
    end_ns: int,
    note: str = "",
) -> str:
    left = "".join(f'<span style="top:{number(round(y, 2))}%">{text(name)}</span>' for y, name in ticks)
    inside = "".join(f'<span style="top:{number(round(y, 2))}%">{text(name)}</span>' for y, name in labels)
    below = "".join(
        f'<span style="left:{25 * quarter}%">{clock(end_ns * quarter // 4, end_ns)}</span>'
        for quarter in range(5)
    )
    more = f" <small>{text(note)}</small>" if note else ""
    return (
        f'<figure class="chart {kind}"><figcaption>{text(title)}{more}</figcaption>'
        f'<div class="plot"><div class="y" aria-hidden="true">{left}</div><div class="area">'
        f'<svg viewBox="0 0 100 100" preserveAspectRatio="none" role="img" aria-label="{text(told)}">'
        f"<title>{text(told)}</title>{drawn}</svg>"
        f'<div class="labels" aria-hidden="true">{inside}</div></div></div>'
        f'<div class="x" aria-hidden="true">{below}</div></figure>'
    )


def _accounts(force: Lifeforce) -> str:
    """Where it came from, where it went, and what it was not enough for."""
    came = {name: amount for name, amount in force.accounts.items() if name.startswith(_EARNINGS)}
    went = {name: amount for name, amount in force.accounts.items() if name not in came}
    groups = {"came from": came, "went to": went, '<span class="bad">not paid</span>': force.unpaid}
    found = []
    for title, accounts in groups.items():
        amounts = sorted(
            ((name, amount) for name, amount in accounts.items() if amount),
            key=lambda one: (-one[1], one[0]),
        )
        if amounts:
            found.append(
                _flows(title, amounts[:12], sum(amount for _, amount in amounts), len(amounts) - 12)
            )
    return f'<div class="flows">{"".join(found)}</div>' if found else ""


def _flows(title: str, amounts: Sequence[Point | tuple[str, int]], whole: int, more: int) -> str:
    top = max(amount for _, amount in amounts)
    rows = "".join(
        f'<li><span class="name">{text(str(name).partition(":")[2])} '
        f"<small>{text(str(name).partition(':')[0])}</small></span>"
        f'<span class="meter"><i style="width:{number(100 * amount / top)}%"></i></span>'
        f'<span class="n">{lifeforce(amount)}</span></li>'
        for name, amount in amounts
    )
    rest = f"<p class=note>and {more} more</p>" if more > 0 else ""
    return f"<div><h3>{title} <small>{lifeforce(whole)} LF</small></h3><ul>{rows}</ul>{rest}</div>"
