"""Checks of an economy together with those who live on it: prices that nobody can ever pay."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from nimdsl.base.diagnostics import Place, Severity
from nimdsl.base.suggest import phrase
from nimdsl.base.units import format_lifeforce
from nimdsl.compile.reader import Findings, Reader
from nimdsl.program import Economy
from nimdsl.program.amount import RATE_TIMES, Amount, Computed
from nimdsl.program.flatten import begun_by
from nimdsl.program.machine import AskReward, PriceSource, State, Transition, every_action, walk, ways_of


def most_above_floor(economy: Economy, rewards: Iterable[str], living: Iterable[State] = ()) -> int | None:
    """What can ever be spent at once, micro-LF; None: no bound.

    Only these ``rewards`` are asked for; ``living`` are the machines whose flows are this economy's.
    """
    most = economy.capacity if grows(economy, rewards, living) else economy.opening
    return None if most is None else most - economy.kept


def grows(economy: Economy, rewards: Iterable[str], living: Iterable[State]) -> bool:
    """Whether anything is ever brought to a pool; arguments as of :func:`most_above_floor`."""
    asked = any(economy.rewards.get(name, 0) > 0 for name in rewards)
    return bool(economy.incomes) or asked or any(state.income for root in living for _, state in walk(root))


def too_poor(economy: Economy, reservation: int) -> bool:
    """Whether an economy opens with less than the first handshake reserves."""
    return economy.opening - economy.kept < reservation


def check_opening(
    reader: Reader, key: str, economy: Economy, reservation: int, more: bool, severity: Severity
) -> None:
    """NIM0503: an economy that is too poor for the first handshake, told at a field of ``reader``.

    ``more`` says whether something may come in before it.
    """
    free, lf = economy.opening - economy.kept, format_lifeforce
    message = (
        f"the first handshake reserves {lf(reservation)} LF, "
        f"`{economy.name}` opens with {lf(free)} LF above its floor"
    )
    message += ": it is refused unless the rest comes in before" if more else ""
    fix = f"raise `opening` to at least {lf(reservation + economy.kept)}"
    reader.findings.report("NIM0503", message, reader.place(key), fix, severity)


def most_flow(state: State) -> int:
    """The most that a machine brings its purse wherever it stands, micro-LF a day.

    Less than nothing is what it takes at least.  What the run computes comes in as the most that it can
    be, and goes out as nothing.
    """
    income, upkeep = state.income, state.upkeep
    gained = income.most * RATE_TIMES if isinstance(income, Computed) else income
    taken = 0 if isinstance(upkeep, Computed) else upkeep
    return gained - taken + max(map(most_flow, state.states), default=0)


def bill_of(root: State, owner: str, way: Transition, own: str) -> Iterator[tuple[str, Amount]]:
    """What a transition of the state ``owner`` costs, by economy, with what work that it begins reserves.

    ``own`` is the economy that the machine lives on.
    """
    yield from ((one.economy or own, one.amount) for one in way.bill if one.purse is PriceSource.POOL)
    begun = begun_by(root, owner, way)
    yield from ((own, one.reserve) for one in begun if one.reserve is not None)


def bounding(economy: Economy, most: int) -> str:
    """The field that keeps what can be spent at once at ``most``."""
    return "opening" if most == economy.opening - economy.kept else "capacity"


def rewards_of(root: State) -> set[str]:
    """The rewards that a machine asks for."""
    return {action.name for action in every_action(root) if isinstance(action, AskReward)}


def check_rewards(findings: Findings, economy: Economy, living: Iterable[tuple[str, State]]) -> None:
    """NIM0301: a reward that the economy which somebody lives on does not have; ``living`` are by name.

    It is told of the first who asks for it: the others may be a whole family.
    """
    known = {*economy.rewards}
    for name, root in living:
        for reward in sorted(rewards_of(root) - known):
            message = f"`{name}` asks for the reward `{reward}`, and `{economy.name}` has none of that name"
            fix = phrase(reward, economy.rewards) or f"add it to the `rewards` of `{economy.name}`"
            findings.report("NIM0301", message, findings.document.place, fix)
            known.add(reward)


def check_prices(
    findings: Findings,
    economy: Economy,
    roots: Iterable[tuple[str, State]],
    rewards: Iterable[str],
    told: set[tuple[Place, int, int]],
) -> None:
    """NIM0512: a price above all that the pool can ever have.  It is a warning.

    ``roots`` are the machines that take part, each with the name of the economy that it lives on;
    ``rewards`` are asked of this one.  ``told`` are the places at which it was said already of economies
    like this one, with what is asked and what there is: of a family one is named.
    """
    roots = list(roots)
    most = most_above_floor(economy, rewards, (root for own, root in roots if own == economy.name))
    if most is None:
        return
    for own, root in roots:
        states = {"": root, **dict(walk(root))}
        for owner, transition in ((path, way) for path, state in states.items() for way in ways_of(state)):
            bill = bill_of(root, owner, transition, own)
            known = (one for name, one in bill if name == economy.name and not isinstance(one, Computed))
            amount = sum(known)
            if amount <= most or (same := (transition.place, amount, most)) in told:
                continue
            told.add(same)
            lf = format_lifeforce
            message = (
                f"nobody can ever pay {lf(amount)} LF: `{economy.name}` never has more than "
                f"{lf(most)} LF above its floor"
            )
            fix = f"lower the cost, or raise `{bounding(economy, most)}`"
            findings.report("NIM0512", message, transition.place, fix, Severity.WARNING)
