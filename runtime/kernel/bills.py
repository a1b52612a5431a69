"""Bills: what a transition costs, and what the economies are asked for it (SEMANTICS 3.2, 3.7).

A bill of one item is one command; several items are one :class:`runtime.ledger.accounts.Pay`, so that
all of them are paid or none, whichever purses they come from.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from nimdsl.base.errors import InternalError
from nimdsl.program.amount import Computed, most_of, value_of
from nimdsl.program.flatten import Row
from nimdsl.program.machine import Price, PriceSource
from nimdsl.program.nerve import REFLEX
from runtime.kernel.actions import settlement_key
from runtime.kernel.step_context import StepContext
from runtime.ledger.accounts import Charge, Pay, Payment, Question, Reserve, Settle


class Bill(NamedTuple):
    """What is asked for a transition: the command, and its parts as ``(economy, micro-LF)``."""

    question: Question
    parts: tuple[tuple[str, int], ...]
    holds: bool
    """Whether what is reserved pays for what the actor does from now on."""
    put_aside: tuple[tuple[str, int], ...]
    """For each work that is begun: the hold that pays for it, and what it contains."""

    def price_of(self, economy: str, own: str) -> int:
        """What an economy was to pay; ``own`` is the scenario's."""
        return sum(amount for purse, amount in self.parts if (purse or own) == (economy or own))


def bill_of(context: StepContext, row: Row, reserves: Sequence[int]) -> Bill | None:
    """What a row costs now, and what is put aside for each work that it begins; None for nothing.

    Raises Fault where a price has no value.
    """
    actor = context.actor
    priced = [(price, amount) for price in row.bill if (amount := _amount(context, price)) is not None]
    items = [Payment(amount, price.account, _purse(context, price)) for price, amount in priced]
    items += [Payment(amount, actor.id, actor.economy, held=True) for amount in reserves if amount]
    if not items:
        return None
    parts = tuple((item.purse, item.amount) for item in items)
    key = f"{actor.id}/{context.effect_number}"
    if len(items) > 1:
        keys = [f"{key}#{place}" for place in range(len(priced), len(items))]
        pay = Pay(key, tuple(items), actor.id, reflex=_is_reflex(context))
        return Bill(pay, parts, False, _put_aside(keys, reserves))
    if not priced:
        amount, reflex = items[0].amount, _is_reflex(context)
        question = Reserve(key, amount, actor.id, actor.economy, reflex=reflex)
        return Bill(question, parts, False, _put_aside([key], reserves))
    price, amount = priced[0]
    asked = _question(context, key, price, amount, items[0].purse)
    return Bill(asked, parts, price.purse is PriceSource.HOLD, _put_aside([], reserves))


def _put_aside(keys: Sequence[str], reserves: Sequence[int]) -> tuple[tuple[str, int], ...]:
    """The holds by work: nothing is put aside for one that reserves nothing just now."""
    left = iter(keys)
    return tuple((next(left), amount) if amount else ("", 0) for amount in reserves)


def _amount(context: StepContext, price: Price) -> int | None:
    """A price now; None for one that is not asked for."""
    if price.purse is PriceSource.REQUEST:
        serving = context.serving
        prepaid = serving is not None and serving.hold and serving.process
        return most_of(price.amount) if prepaid else None
    amount = value_of(price.amount, context.environment())
    return None if isinstance(price.amount, Computed) and not amount else amount


def _purse(context: StepContext, price: Price) -> str:
    return price.economy or context.actor.economy


def _question(context: StepContext, key: str, price: Price, amount: int, purse: str) -> Question:
    actor = context.actor.id
    if price.purse is PriceSource.HOLD:
        return Reserve(key, amount, price.account, purse)
    if price.purse is PriceSource.REQUEST:
        serving = context.serving
        if serving is None:
            raise InternalError(f"{actor} is paid by a request, and serves none")
        settlement = settlement_key(price.account, serving.request)
        return Settle(serving.hold, settlement, price.account, serving.process)
    return Charge(key, price.account, amount, actor, purse, reflex=_is_reflex(context))


def _is_reflex(context: StepContext) -> bool:
    """Whether it may take what is kept for emergencies: a nerve may that acts without thinking."""
    return context.stage == REFLEX
