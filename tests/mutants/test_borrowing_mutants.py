"""Defects of flows, reserves and loans, each of which a sentence of the semantics must find."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nimdsl.base.errors import NimdslError
from runtime.kernel import attempts, bills, loans, reserves
from runtime.kernel.effects import Book
from runtime.kernel.step_context import StepContext
from runtime.ledger.accounts import Release
from runtime.ledger.lender import LoanRequest, Shelf
from tests.runtime.kernel import test_economies_of_cells as sentences

Patch = Callable[[pytest.MonkeyPatch], None]


def a_timeout_costs_nothing(patch: pytest.MonkeyPatch) -> None:
    original = reserves.settle

    def settle(context: StepContext, started: Any, outcome: str, fields: Any) -> None:
        original(context, started, "failed" if outcome == "unknown" else outcome, fields)

    patch.setattr(reserves, "settle", settle)


def what_is_abandoned_comes_back(patch: pytest.MonkeyPatch) -> None:
    def settle(context: StepContext, started: Any, *_: Any) -> None:
        if started.hold:
            context.effects.append(Book(Release(started.hold, purse=context.actor.economy)))

    patch.setattr(attempts, "settle", settle)


def a_failure_costs_all(patch: pytest.MonkeyPatch) -> None:
    original = reserves.settle

    def settle(context: StepContext, started: Any, outcome: str, fields: Any) -> None:
        original(context, started, "unknown" if outcome == "failed" else outcome, fields)

    patch.setattr(reserves, "settle", settle)


def never_begun_costs_all(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        attempts, "give_back", lambda context, started: reserves.settle(context, started, "unknown", {})
    )


def other_purses_are_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(bills, "_purse", lambda context, _: context.actor.economy)


def flows_of_a_state_that_was_left_go_on(patch: pytest.MonkeyPatch) -> None:
    original = StepContext._let_flow

    def let_flow(self: StepContext, row: Any, entered: Any) -> None:
        original(self, row, self.flows | entered)

    patch.setattr(StepContext, "_let_flow", let_flow)


def units_are_kept(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(loans, "end", lambda *_: None)


def whoever_came_last_is_served(patch: pytest.MonkeyPatch) -> None:
    def add(self: Shelf, request: LoanRequest) -> None:
        last = request._replace(number=-request.number)
        self.waiting.insert(0, last)
        self.requests[request.key] = last
        self.queue_max = max(self.queue_max, len(self.waiting))

    patch.setattr(Shelf, "add", add)


def the_request_is_sent_all_the_same(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(loans, "begins", lambda *_: False)


TANK = "virtual: {latency: {constant: 5s}, returns: {used: {constant: 1}}}"
MUTANTS: dict[str, tuple[Patch, Callable[[], None]]] = {
    "a timeout costs nothing": (
        a_timeout_costs_nothing,
        lambda: sentences.test_3_9_what_was_reserved_is_settled_once_by_how_the_work_ended(
            f"timeout: 2s, {TANK}", 4_000_000, 0
        ),
    ),
    "what is abandoned comes back": (
        what_is_abandoned_comes_back,
        sentences.test_3_9_work_whose_state_is_left_costs_all_that_it_reserved,
    ),
    "a failure costs all": (
        a_failure_costs_all,
        lambda: sentences.test_3_9_what_was_reserved_is_settled_once_by_how_the_work_ended(
            "virtual: {latency: {constant: 5s}, failure: 100%, returns: {used: {constant: 1}}}", 0, 0
        ),
    ),
    "what never began costs all": (
        never_begun_costs_all,
        sentences.test_3_9_what_one_step_starts_and_abandons_reserves_nothing_in_the_end,
    ),
    "other purses are forgotten": (
        other_purses_are_forgotten,
        sentences.test_3_7_a_transition_costs_several_economies_at_once_or_nothing,
    ),
    "a flow goes on": (
        flows_of_a_state_that_was_left_go_on,
        sentences.test_3_4_a_state_settles_its_flow_by_one_floor_however_often_it_is_entered,
    ),
    "units are kept": (
        units_are_kept,
        sentences.test_3_8_units_are_lent_in_turn_and_come_back_when_the_state_is_left,
    ),
    "the last is served": (
        whoever_came_last_is_served,
        sentences.test_3_8_units_are_lent_in_turn_and_come_back_when_the_state_is_left,
    ),
    "asked for all the same": (
        the_request_is_sent_all_the_same,
        sentences.test_3_8_what_one_step_asks_for_and_abandons_is_never_asked_for,
    ),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_defect_is_caught(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    patch, sentence = MUTANTS[mutant]
    sentence()
    patch(monkeypatch)
    with pytest.raises((AssertionError, NimdslError)):
        sentence()
