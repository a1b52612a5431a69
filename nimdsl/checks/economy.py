"""Checks of an economy together with those who live on it: prices that nobody can ever pay."""

from __future__ import annotations

from collections.abc import Iterable

from nimdsl.base.diagnostics import Severity
from nimdsl.base.suggest import phrase
from nimdsl.base.units import format_lifeforce
from nimdsl.compile.reader import Findings
from nimdsl.program import Economy
from nimdsl.program.amount import Computed
from nimdsl.program.flatten import begun_by
from nimdsl.program.machine import AskReward, Price, PriceSource, State, every_action, walk, ways_of


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


def check_rewards(findings: Findings, economy: Economy, living: Iterable[tuple[str, State]]) -> None:
    """NIM0301: a reward that the economy which somebody lives on does not have; ``living`` are by name."""
    for name, root in living:
        for reward in sorted(rewards_of(root) - {*economy.rewards}):
            message = f"`{name}` asks for the reward `{reward}`, and `{economy.name}` has none of that name"
            fix = phrase(reward, economy.rewards) or f"add it to the `rewards` of `{economy.name}`"
            findings.report("NIM0301", message, findings.document.place, fix)


def check_prices(
    findings: Findings, economy: Economy, roots: Iterable[tuple[str, State]], rewards: set[str]
) -> None:
    """NIM0512: a price above all that the pool can ever have.  It is a warning.

    ``roots`` are the machines that take part, each with the name of the economy that it lives on.
    """
    roots = list(roots)
    lives = [root for own, root in roots if own == economy.name]
    grows = any(state.income for root in lives for _, state in walk(root))
    most = economy.capacity if grows else most_above_floor(economy, rewards)
    if grows and most is not None:
        most -= economy.floor
    if most is None:
        return
    for own, root in roots:
        states = {"": root, **dict(walk(root))}
        for owner, transition in ((path, way) for path, state in states.items() for way in ways_of(state)):
            amounts = [one.amount for one in transition.bill if _is_of(one, own, economy)]
            if own == economy.name:
                begun = begun_by(root, owner, transition)
                amounts += [one.reserve for one in begun if one.reserve is not None]
            amount = sum(one for one in amounts if not isinstance(one, Computed))
            if amount <= most:
                continue
            lf = format_lifeforce
            message = (
                f"nobody can ever pay {lf(amount)} LF: `{economy.name}` never has more than "
                f"{lf(most)} LF above its floor"
            )
            fix = f"lower the cost, or raise `{bounding(economy, most)}`"
            findings.report("NIM0512", message, transition.place, fix, Severity.WARNING)


def _is_of(price: Price, own: str, economy: Economy) -> bool:
    return price.purse is PriceSource.POOL and (price.economy or own) == economy.name
