"""Whether what comes in by time alone can carry what surely goes out by it, for as long as a run lasts.

The law: what is told is certain.  Incomes count as the most that they can bring in so long a time, at
whatever time of day it begins, and upkeep as the least that it takes; a machine counts as if it stood where
it brings most.  Prices only make it worse; rewards could make it better, so who has any is not judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nimdsl.base.diagnostics import Severity
from nimdsl.base.units import NANOSECONDS, format_lifeforce, readable_duration
from nimdsl.checks.economy import most_flow
from nimdsl.compile.reader import Reader
from nimdsl.expression.syntax import ExpressionNode, Field, Name, Unary, children
from nimdsl.program import Economy, Scenario
from nimdsl.program.economy import DAY_NS, Flowing, Profile, least_rate, most_rate
from nimdsl.program.machine import State

STEP_COUNT = 10_000
"""To such a part of a run it is told when the stock is gone, where a rate depends on the time of day."""


def check_carried(reader: Reader, scenario: Scenario, economy: Economy, living: Sequence[State]) -> None:
    """NIM0517: the stock is gone before the run is over, whatever happens.  It is a warning.

    ``living`` are the machines that live on the economy; nobody asks it for a reward.
    """
    horizon_ns = scenario.horizon_ns
    if _means_it(one.holds.node for one in scenario.expect) or _left(economy, living, horizon_ns) >= 0:
        return
    steps = (horizon_ns * step // STEP_COUNT for step in range(1, STEP_COUNT + 1))
    gone_ns = next(at_ns for at_ns in steps if _left(economy, living, at_ns) < 0)
    lf, stock = format_lifeforce, economy.opening - economy.floor
    income, upkeep = _flowing(economy, living, DAY_NS)
    gone, lasting = f"{gone_ns / NANOSECONDS['h']:.3g} h", readable_duration(horizon_ns)
    message = (
        f"income is at most {lf(income)} LF a day, upkeep {lf(upkeep)} LF a day: the {lf(stock)} LF of the"
        f" stock are gone at the latest after {gone}, the run lasts {lasting}"
    )
    needed = lf(economy.opening - _left(economy, living, horizon_ns))
    fix = (
        f"let more come in, open `{economy.name}` with at least {needed} LF, or expect `lifeforce.starved`"
        " if it is meant to starve"
    )
    key = "economy" if "economy" in reader else "horizon"
    reader.findings.report("NIM0517", message, reader.place(key), fix, Severity.WARNING)


def lasts(economy: Economy, attention: str, living: Iterable[State]) -> bool:
    """Whether a run without a protocol surely goes on to its horizon (SEMANTICS 8.7)."""
    clocks = economy.pulse is not None or economy.starve_ns > 0 or bool(attention)
    return clocks or any(most_flow(root) < 0 for root in living)


def _left(economy: Economy, living: Sequence[State], time_ns: int) -> int:
    """The most that is left of the stock after a time, micro-LF; less than nothing where it is gone."""
    income, upkeep = _flowing(economy, living, time_ns)
    return economy.opening - economy.floor + income - upkeep


def _flowing(economy: Economy, living: Sequence[State], time_ns: int) -> tuple[int, int]:
    """The most that comes in in a time, and the least that goes out, micro-LF."""
    flows = [most_flow(root) for root in living]
    given = economy.allowance[1] if economy.allowance else 0
    income = sum(_most(one, time_ns) for one in economy.incomes.values())
    income += (given + sum(flow for flow in flows if flow > 0)) * time_ns
    upkeep = sum(_least(one, time_ns) for one in economy.upkeep.values())
    upkeep -= sum(flow for flow in flows if flow < 0) * time_ns
    return -(-income // DAY_NS), upkeep // DAY_NS


def _most(rate: Flowing, time_ns: int) -> int:
    """The most that flows in a time, micro-LF / ``DAY_NS``, whenever it begins."""
    days, rest_ns = divmod(time_ns, DAY_NS)
    whole = _whole(rate)
    return days * whole + min(whole, most_rate(rate) * rest_ns)


def _least(rate: Flowing, time_ns: int) -> int:
    """The least that flows in a time, micro-LF / ``DAY_NS``, whenever it begins."""
    days, rest_ns = divmod(time_ns, DAY_NS)
    whole = _whole(rate)
    return days * whole + max(least_rate(rate) * rest_ns, whole - most_rate(rate) * (DAY_NS - rest_ns))


def _whole(rate: Flowing) -> int:
    return rate.flowed(DAY_NS) if isinstance(rate, Profile) else rate * DAY_NS


def _means_it(nodes: Iterable[ExpressionNode]) -> bool:
    """Whether a scenario expects that it starves: `lifeforce.starved`, and not its contrary."""
    return any(_expects(node) for node in nodes)


def _expects(node: ExpressionNode) -> bool:
    match node:
        case Unary(operator="!"):
            return False
        case Field(target=Name(name="lifeforce"), name="starved" | "starved_at"):
            return True
    return any(map(_expects, children(node)))
