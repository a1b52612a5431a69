"""Checks of an economy together with those who live on it: prices that nobody can ever pay."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from nimdsl.base.diagnostics import Severity
from nimdsl.base.units import format_lifeforce
from nimdsl.compile.reader import Findings
from nimdsl.program import Economy
from nimdsl.program.amount import Computed
from nimdsl.program.machine import AskReward, PriceSource, State, Transition, every_action, walk


def most_above_floor(economy: Economy, rewards: Iterable[str]) -> int | None:
    """What can ever be spent at once if only these rewards are asked for, micro-LF; None: no bound."""
    grows = bool(economy.incomes) or any(economy.rewards.get(name, 0) > 0 for name in rewards)
    most = economy.capacity if grows else economy.opening
    return None if most is None else most - economy.floor


def bounding(economy: Economy, most: int) -> str:
    """The field that keeps what can be spent at once at ``most``."""
    return "opening" if most == economy.opening - economy.floor else "capacity"


def rewards_of(root: State) -> set[str]:
    """The rewards that a machine asks for."""
    return {action.name for action in every_action(root) if isinstance(action, AskReward)}


def check_prices(findings: Findings, economy: Economy, roots: Iterable[State], rewards: set[str]) -> None:
    """NIM0512: a price above all that the pool can ever have.  It is a warning."""
    most = most_above_floor(economy, rewards)
    if most is None:
        return
    for root in roots:
        for transition in _transitions(root):
            price = transition.price
            if price is None or price.purse is not PriceSource.POOL:
                continue
            amount = price.amount
            if isinstance(amount, Computed) or amount <= most:
                continue
            lf = format_lifeforce
            message = (
                f"nobody can ever pay {lf(amount)} LF: `{economy.name}` never has more than "
                f"{lf(most)} LF above its floor"
            )
            fix = f"lower the cost, or raise `{bounding(economy, most)}`"
            findings.report("NIM0512", message, transition.place, fix, Severity.WARNING)


def _transitions(root: State) -> Iterator[Transition]:
    for state in (root, *(state for _, state in walk(root))):
        yield from state.transitions
        yield from (way for timer in state.timers for way in timer.transitions)
