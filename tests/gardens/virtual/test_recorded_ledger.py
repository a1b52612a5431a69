"""A doctored ledger, and drivers that are wrong, beside the program on a journal's bus (SEMANTICS 9)."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from msgspec.structs import replace as with_changes

import nimdsl
from gardens.report.result.result import RunResult
from gardens.stores.memory import MemoryJournal
from gardens.virtual.driver import Driver, Options
from gardens.virtual.recorded import parity
from nimdsl.base.units import SECOND_NS
from nimdsl.loading import with_overrides
from runtime.kernel.effects import AnyEffect, Book, Deliver, SendMessage, SetTimer
from runtime.kernel.step import PriceDecision
from runtime.ledger.accounts import Answer, Question, Settle
from runtime.ledger.economy import Ledger
from runtime.run.audit import ParityMismatch
from runtime.run.host import Host
from runtime.run.inbox import ReplayMismatch
from runtime.run.lines import LEDGER
from runtime.run.recording import Recording
from runtime.run.replay import replay
from runtime.run.run import find_scenario
from simulate import run
from tests.support.doctored import (
    lines_of,
    recording_of,
)
from tests.support.recorded import NOTES, TELLER, Entries, found, renumber
from tests.support.texts import HELLO


def doubled(entries: Entries) -> None:
    entries.insert(5, copy.deepcopy(entries[4]))


def doubled_and_numbered(entries: Entries) -> None:
    doubled(entries)
    renumber(entries)


def dropped(entries: Entries) -> None:
    del entries[4]


def dropped_and_numbered(entries: Entries) -> None:
    del entries[4]
    renumber(entries)


def last_dropped(entries: Entries) -> None:
    del entries[-1]


def exchanged(entries: Entries) -> None:
    entries[2], entries[3] = entries[3], entries[2]
    renumber(entries)


def of_cause(entries: Entries, cause: str) -> Any:
    return next(body["entry"] for _, body in entries if body["entry"]["cause"] == cause)


def more_paid(entries: Entries) -> None:
    of_cause(entries, "settle")["amount"] += 1


def other_account(entries: Entries) -> None:
    of_cause(entries, "settle")["target"] = "cost:nothing"


def invented(entries: Entries) -> None:
    again = {"key": "protocol/hello/met/again", "index": len(entries)}
    again["time_ns"] = entries[-1][1]["entry"]["time_ns"]
    entries.append(("entry", {"entry": {**of_cause(entries, "reward"), **again}}))


def overdrawn(entries: Entries) -> None:
    of_cause(entries, "reserve")["amount"] = 11_000_000


def hold_overdrawn(entries: Entries) -> None:
    of_cause(entries, "settle")["amount"] = 2_000_000


def time_back(entries: Entries) -> None:
    entries[6][1]["entry"]["time_ns"] = 1


def no_opening(entries: Entries) -> None:
    del entries[0]


def emptied(entries: Entries) -> None:
    entries.clear()


def no_entry(entries: Entries) -> None:
    entries[3] = ("entry", {"entry": {"kind": "transfer"}})


def no_kind(entries: Entries) -> None:
    entries[3] = ("gift", entries[3][1])


def an_actor_s_line(entries: Entries) -> None:
    entries[3] = ("outcome", {"granted": True, "balance": 1})


def a_field_too_many(entries: Entries) -> None:
    entries[3][1]["entry"]["detail"] = {}


@pytest.mark.parametrize(
    ("doctor", "what"),
    [
        (doubled, ParityMismatch.TWICE),
        (doubled_and_numbered, ParityMismatch.TWICE),
        (dropped, ParityMismatch.UNPAID),
        (dropped_and_numbered, ParityMismatch.UNPAID),
        (last_dropped, ParityMismatch.UNPAID),
        (exchanged, ParityMismatch.LEDGER),
        (more_paid, ParityMismatch.LEDGER),
        (other_account, ParityMismatch.LEDGER),
        (invented, ParityMismatch.UNASKED),
        (overdrawn, ParityMismatch.LEDGER),
        (hold_overdrawn, ParityMismatch.LEDGER),
        (time_back, ParityMismatch.LEDGER),
        (no_opening, ParityMismatch.UNPAID),
        (emptied, ParityMismatch.UNPAID),
        (no_entry, ReplayMismatch.DAMAGED),
        (no_kind, ReplayMismatch.DAMAGED),
        (an_actor_s_line, ReplayMismatch.DAMAGED),
        (a_field_too_many, ReplayMismatch.DAMAGED),
    ],
)
def test_a_doctored_ledger_is_found_by_name(
    doctor: Callable[[Entries], None], what: str, hello: RunResult
) -> None:
    lines = lines_of(hello.journal)
    doctor(lines["economy"])
    held = parity(recording_of(hello, lines))
    assert [name for _, name in found(held)] == [what]
    assert {one.actor for one in replay(recording_of(hello, lines)).differences} <= {LEDGER}


def test_a_rate_that_was_not_settled_is_missing(notes: RunResult) -> None:
    lines = lines_of(notes.journal)
    place = [body["entry"]["cause"] for _, body in lines["economy"]].index("income")
    del lines["economy"][place]
    renumber(lines["economy"])
    assert found(parity(recording_of(notes, lines))) == [("economy", ParityMismatch.UNPAID)]


def test_without_an_economy_nothing_is_written_and_all_is_granted(notes: RunResult) -> None:
    recording = recording_of(notes)
    scenario = replace(recording.scenario, economy="")
    assert found(parity(replace(recording, scenario=scenario))) == [
        ("economy", ParityMismatch.UNASKED),
        (TELLER, ParityMismatch.OUTCOME),
    ]


def overspend(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Ledger, "affords", lambda self, amount, reflex=False: True)


def keep_holds(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Ledger, "_release", lambda self, hold, keep: Answer(True, 0, self.balance))


def settle_more_than_is_held(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Ledger, "_settle", _settle_twice_the_hold)


def _settle_twice_the_hold(ledger: Any, command: Settle) -> Answer:
    held = f"hold:{command.hold}"
    amount = 2 * ledger.balances().get(held, 0)
    answer: Answer = ledger._once("settle", command.key, held, f"cost:{command.name}", amount, "")
    return answer


@pytest.mark.parametrize("defect", [overspend, keep_holds, settle_more_than_is_held])
def test_a_ledger_that_is_wrong_in_the_run_and_here_breaks_the_law(
    defect: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    defect(monkeypatch)
    monkeypatch.setattr(Ledger, "_check_law", lambda *_: None)  # it would stop at the first such entry
    poor = {"economy/purse.opening": 1.4, "economy/purse.rewards.met": 0}
    result = run(nimdsl.load_text(HELLO), "hello", set=poor, journal=MemoryJournal())
    assert found(parity(recording_of(result))) == [("economy", ParityMismatch.LAW)]


class LosingBus(Driver):
    """Every third note is forgotten."""

    def _send(self, host: Host, effect: Deliver) -> None:
        if effect.number % 3:
            super()._send(host, effect)


class GarblingBus(Driver):
    """Says something else than the actor did."""

    def _send(self, host: Host, effect: Deliver) -> None:
        assert isinstance(effect, SendMessage)
        assert isinstance(effect.payload, dict)
        assert isinstance(effect.payload["m"], int)
        super()._send(host, with_changes(effect, payload={"m": effect.payload["m"] + 1}))


class InventiveBus(Driver):
    """Sends a message of its own besides."""

    def _send(self, host: Host, effect: Deliver) -> None:
        super()._send(host, effect)
        super()._send(host, with_changes(effect, number=effect.number + 1_000))


class Generous(Driver):
    """Grants what it never asks the economy for."""

    def _ask(self, command: Question) -> PriceDecision:
        return PriceDecision(True, 10_000_000)


class Careless(Driver):
    """Forgets what an actor books."""

    def _carry_out(self, host: Host, effects: tuple[AnyEffect, ...]) -> None:
        super()._carry_out(host, tuple(one for one in effects if not isinstance(one, Book)))


class Hasty(Driver):
    """Timers fire half a second early."""

    def _set_timer(self, host: Host, effect: SetTimer) -> None:
        due_ns = max(self.now_ns, effect.deadline_ns - SECOND_NS // 2)
        super()._set_timer(host, SetTimer(effect.timer, effect.generation, due_ns))


@pytest.mark.parametrize(
    ("text", "driver", "what"),
    [
        (NOTES, GarblingBus, ParityMismatch.MESSAGE),
        (NOTES, InventiveBus, ParityMismatch.UNSENT),
        (NOTES, Generous, ParityMismatch.UNPAID),
        (HELLO, Careless, ParityMismatch.UNPAID),
        (HELLO, Hasty, ParityMismatch.EARLY),
        (NOTES, LosingBus, ""),
    ],
)
def test_a_wrong_driver_is_found(text: str, driver: type[Driver], what: str) -> None:
    slow = {"cell/greeter.work.recall.virtual.latency": {"constant": "3s"}}
    program = with_overrides(nimdsl.load_text(text), slow if text is HELLO else {})
    scenario = find_scenario(program)
    for kind in (Driver, driver):
        journal = MemoryJournal()
        kind(program, scenario, Options(seed=1), journal).run()
        recording = Recording(journal, program, scenario, "", 1, "")
        held = parity(recording)
        assert replay(recording).identical, "what the actors did with it is right"
        assert held.holds is (kind is Driver)
    assert {one.what for one in held.differences} == ({what} if what else set())
    assert bool(held.losses) is not bool(what)
