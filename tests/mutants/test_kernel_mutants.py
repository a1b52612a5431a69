"""Each law of SEMANTICS 3 and 4 kills a seeded defect of the kernel.

A mutant is one small change of the product, patched in; over the same random
worlds that the laws are tested on, some run must break the named law.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from msgspec.structs import replace

from nimdsl.base.errors import NimdslError
from nimdsl.program import machine
from nimdsl.program.machine import PriceSource
from runtime.kernel import actions, bills, machine_step
from runtime.kernel.effects import Book
from runtime.kernel.step_context import StepContext
from runtime.ledger import accounts
from runtime.records import Identity, Replied
from tests.properties.worlds import World, laws, worlds
from tests.support.killing import hunting

Patch = Callable[[pytest.MonkeyPatch], None]


def free_publishing(patch: pytest.MonkeyPatch) -> None:
    original = actions._PERFORM[machine.PayFromHold]

    def settle(context: StepContext, action: Any) -> None:
        if action.account != "publish":
            original(context, action)

    patch.setitem(actions._PERFORM, machine.PayFromHold, settle)


def double_charge(patch: pytest.MonkeyPatch) -> None:
    original = actions._PERFORM[machine.PayFromHold]

    def settle(context: StepContext, action: Any) -> None:
        original(context, action)
        if action.account == "translation":
            original(context, action)

    patch.setitem(actions._PERFORM, machine.PayFromHold, settle)


def keeps_what_was_paid(patch: pytest.MonkeyPatch) -> None:
    original = actions._PERFORM[machine.Close]

    def close(context: StepContext, action: Any) -> None:
        original(context, action)
        if context.effects and isinstance(last := context.effects[-1], Book):
            context.effects[-1] = Book(replace(last.command, settlement=""))

    patch.setitem(actions._PERFORM, machine.Close, close)


def paid_twice(patch: pytest.MonkeyPatch) -> None:
    """Processing is keyed by the attempt, and nothing is remembered."""
    original = bills._question

    def question(context: StepContext, key: str, price: Any, *rest: Any) -> Any:
        asked = original(context, key, price, *rest)
        if price.purse is PriceSource.REQUEST:
            return replace(asked, key=f"{asked.key}/{context.effect_number}")
        return asked

    patch.setattr(bills, "_question", question)
    forget(patch)


def forget(patch: pytest.MonkeyPatch) -> None:
    original = actions._PERFORM[machine.Reply]

    def reply(context: StepContext, action: Any) -> None:
        known = context.answered
        original(context, action)
        context.answered = known

    patch.setitem(actions._PERFORM, machine.Reply, reply)


def retry_remembered(patch: pytest.MonkeyPatch) -> None:
    original = actions._PERFORM[machine.Reply]

    def reply(context: StepContext, action: Any) -> None:
        asked = context.serving
        original(context, action)
        if action.status == "RETRY":
            replied = context.records[-1].body
            assert isinstance(replied, Replied)
            assert asked is not None
            context.answered = context.answered.with_one(str(asked.request), replied.message)

    patch.setitem(actions._PERFORM, machine.Reply, reply)


def reward_by_occasion(patch: pytest.MonkeyPatch) -> None:
    """Rewards are keyed by when they are asked for, so a phase tried again earns again."""
    original = actions._PERFORM[machine.AskReward]

    def reward(context: StepContext, action: Any) -> None:
        original(context, action)
        book = context.effects[-1]
        assert isinstance(book, Book)
        assert isinstance(book.command, accounts.Reward)
        keys = tuple(f"{key}/{context.next_number()}" for key in book.command.keys)
        context.effects[-1] = Book(replace(book.command, keys=keys))

    patch.setitem(actions._PERFORM, machine.AskReward, reward)


def refusal_ignored(patch: pytest.MonkeyPatch) -> None:
    original = machine_step.MachineStep.ask

    def ask(self: Any, command: Any) -> Any:
        return original(self, command)._replace(granted=True)

    patch.setattr(machine_step.MachineStep, "ask", ask)


def any_reply(patch: pytest.MonkeyPatch) -> None:
    """Every reply is taken for the open request's."""
    original = machine_step.MachineStep._answered

    def answered(self: Any, event: Any) -> None:
        if self.context.request is not None:
            own = Identity(self.context.actor.id, self.context.request.number)
            event = replace(event, request=own)
        original(self, event)

    patch.setattr(machine_step.MachineStep, "_answered", answered)


def tried_again(world: World) -> World:
    """The same world, whose phases fail although handshakes were accepted, and are tried again."""
    documents = []
    for document in world.documents:
        if document["kind"] == "Phase":
            changed = {"exit": "rejected == handshakes", "retries": 1, "accept": "reply.status == 'ACK'"}
            rewards = [{"reward": "for-accepted", "when": "accepted"}]
            document = {**document, "spec": {**document["spec"], **changed, "rewards": rewards}}
        documents.append(document)
    return World(tuple(documents), world.seed)


MUTANTS: dict[Patch, str] = {
    free_publishing: "4.1",
    double_charge: "4.1",
    keeps_what_was_paid: "4.2",
    paid_twice: "4.2",
    retry_remembered: "4.2",
    reward_by_occasion: "4.4",
    refusal_ignored: "",
    any_reply: "4.2",
}


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_the_laws_kill(mutant: Patch, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant(monkeypatch)

    @given(worlds().map(tried_again) if mutant is reward_by_occasion else worlds())
    @hunting(4_000)
    def hunt(world: World) -> None:
        try:
            broken = list(laws(world.run()))
        except NimdslError:
            broken = [MUTANTS[mutant]]  # a mutant may also be caught by the product itself
        assert not [law for law in broken if law.startswith(MUTANTS[mutant])]

    with pytest.raises(AssertionError):
        hunt()
