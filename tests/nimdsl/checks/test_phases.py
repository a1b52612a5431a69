"""Phases and protocols: exits, order, partners, and whether they can be paid."""

from __future__ import annotations

import pytest

from tests.nimdsl.checks.building import ECONOMY, TALK, cell, document, finds, leaves_alone, phase

FIVE = '[{name: "probe_${nr}", for: {nr: [1, 2, 3, 4, 5]}, payload: {topic: sun, depth: "${nr}"}}]'


@pytest.mark.parametrize(
    "exit_",
    [
        "accepted == 6",
        "accepted > 5",
        "accepted == 2 && accepted == 3",
        "failed > handshakes",
        "accepted < 0",
    ],
)
def test_a_phase_that_cannot_exit_is_found(exit_: str) -> None:
    finds("NIM0501", ECONOMY, TALK, phase(handshakes=FIVE, exit=f"§{exit_}"))


@pytest.mark.parametrize(
    "exit_",
    ["accepted == 5", "accepted >= 3", "accepted == handshakes", "failed == 0 || rejected < 2", "'true'"],
)
def test_a_phase_that_can_exit_is_left_alone(exit_: str) -> None:
    leaves_alone(ECONOMY, TALK, phase(handshakes=FIVE, exit=exit_))


def test_an_exit_on_replies_is_not_doubted() -> None:
    leaves_alone(ECONOMY, TALK, phase(handshakes=FIVE, exit="size(replies) == 7 && accepted == 5"))


def test_a_cycle_of_phases_is_told_once() -> None:
    found = finds(
        "NIM0504",
        ECONOMY,
        TALK,
        phase("§a", after="[c]"),
        phase("b", after="[a]"),
        phase("c", after="[b]"),
    )
    assert "a after c after b after a" in found.message


def test_a_diamond_of_phases_is_left_alone() -> None:
    phases = (phase("a"), phase("b", after="[a]"), phase("c", after="[a]"), phase("d", after="[b, c]"))
    leaves_alone(ECONOMY, TALK, *phases, document("Protocol", "{economy: purse, phases: [a, c, b, d]}"))


def test_a_phase_before_the_one_that_it_comes_after_is_found() -> None:
    protocol = document("Protocol", "{economy: purse, §phases: [b, a]}")
    finds("NIM0504", ECONOMY, TALK, phase("a"), phase("b", after="[a]"), protocol)


def test_an_economy_that_cannot_pay_the_first_reservation_is_found() -> None:
    poor = ECONOMY.replace("opening: 10", "opening: 1")
    found = finds(
        "NIM0503", poor, TALK, phase(), document("Protocol", "{economy: §purse, phases: [first]}")
    )
    assert "1.4" in found.message
    assert "1.4" in found.fix


def test_an_economy_that_can_just_pay_is_left_alone() -> None:
    just = ECONOMY.replace("opening: 10", "opening: 1.4")
    leaves_alone(just, TALK, phase(), document("Protocol", "{economy: purse, phases: [first]}"))


def test_only_what_is_above_the_floor_can_be_paid() -> None:
    poor = ECONOMY.replace("opening: 10", "opening: 10, floor: 9")
    finds("NIM0503", poor, TALK, phase(), document("Protocol", "{economy: §purse, phases: [first]}"))


def test_a_cell_that_does_not_answer_is_found() -> None:
    deaf = cell(
        "initial: a\nstates:\n  a: {transitions: [{event: go, to: a}, {event: stop, to: a}]}", name="deaf"
    )
    finds("NIM0502", ECONOMY, TALK, deaf, phase(cell="§deaf"))


def test_a_request_where_a_reply_is_wanted_is_found() -> None:
    finds("NIM0301", ECONOMY, TALK, phase(reply="{schema: §ask}"))


def test_handshakes_of_one_name_are_found() -> None:
    handshakes = "[{name: sun, payload: {topic: sun}}, {name: §sun, payload: {topic: sun}}]"
    finds("NIM0208", ECONOMY, TALK, phase(handshakes=handshakes))


def test_a_reward_that_the_economy_does_not_know_is_found() -> None:
    protocol = document("Protocol", "{economy: purse, phases: [first]}")
    rewards = "[{reward: §answerd, when: accepted}]"
    assert "answered" in finds("NIM0301", ECONOMY, TALK, phase(rewards=rewards), protocol).fix
    leaves_alone(ECONOMY, TALK, phase(rewards=rewards.replace("§answerd", "answered")), protocol)


def test_a_timeout_of_no_time_is_found() -> None:
    found = finds("NIM0210", ECONOMY, TALK, phase(request="{schema: ask, timeout: §0s}"))
    assert found.fix == "write for example `timeout: 5s`"
    leaves_alone(ECONOMY, TALK, phase(request="{schema: ask, timeout: 5s}"))
