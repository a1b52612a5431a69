"""What a cell hears that was down and is back (SEMANTICS 7.3)."""

# ruff: noqa: E501 -- documents stand on one line here

from __future__ import annotations

from typing import Any

import pytest

import nimdsl
from gardens.report.result.result import RunResult
from gardens.stores.memory import MemoryJournal
from gardens.virtual.driver import Options
from gardens.virtual.recorded import parity
from runtime.kernel.events import Returned, event_from_data
from runtime.run.audit import ParityMismatch
from runtime.run.host import Checks
from runtime.run.inbox import ReplayMismatch
from runtime.run.replay import replay
from simulate import run
from tests.nimdsl.checks.building import cell, finds, leaves_alone
from tests.support.doctored import find, lines_of, recording_of
from tests.support.plain import plain
from tests.support.recorded import found

TEXT = """
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: lamp}
spec:
  data: {back: int, missed: int, reason: string}
  accepts: {press: {}}
  machine:
    initial: dark
    any: [RETURNED]
    states:
      dark: {transitions: [{event: press, to: bright}]}
      bright:
        enter: [{work: burn}]
        transitions:
          - {event: done, to: dark}
          - {event: failed, to: dark}
          - {event: unknown, to: dark, do: [{set: {reason: "${event.reason}"}}]}
        timers: [{after: 20s, to: dark, do: [{set: {missed: "${missed + 1}"}}]}]
  work:
    burn: {repeat: REPEAT, virtual: {latency: {constant: 4s}, crash: {chance: 100%, down: 5s}}}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: day}
spec:
  horizon: 1min
  stimuli: [{at: 1s, to: lamp, event: press}]
"""
TAKES = '{event: returned, to: dark, do: [{set: {back: "${back + 1}"}}]}'


def lived(returned: str = TAKES, repeat: str = "idempotent", **options: Any) -> RunResult:
    text = TEXT.replace("RETURNED", returned).replace("REPEAT", repeat)
    if repeat == "idempotent":
        text = text.replace(
            '          - {event: unknown, to: dark, do: [{set: {reason: "${event.reason}"}}]}\n', ""
        )
    return run(nimdsl.load_text(text), "day", **options)


def events(result: RunResult) -> list[tuple[str, float]]:
    moved = [one for one in plain(result.records()) if one["type"] == "transition"]
    return [(one["event"], one["time_ns"] / 10**9) for one in moved]


def data(result: RunResult) -> Any:
    return result.outcome["cells"]["lamp"]["data"]


def test_a_cell_that_takes_it_hears_it_when_it_is_back() -> None:
    result = lived()
    assert events(result) == [("press", 1.0), ("returned", 8.0)]
    assert data(result)["back"] == 1, "its work was abandoned, and does not bring it down again"
    assert [one.what for one in result.incidents] == ["crashed", "came back"]


def test_others_hear_nothing_and_keep_their_deadlines() -> None:
    result = lived("{event: press, internal: true}")
    assert ("after:bright:0", 22.0) in events(result), "due at 21 s, while it was down"
    assert not [one for one in plain(result.records()) if one.get("event") == "returned"]


def test_it_comes_before_what_is_said_of_lost_work() -> None:
    assert events(lived(repeat="at-most-once")) == [("press", 1.0), ("returned", 8.0)]
    kept = lived('{event: returned, internal: true, do: [{set: {back: "${back + 1}"}}]}', "at-most-once")
    assert [name for name, _ in events(kept)] == ["press", "returned", "unknown"]
    assert data(kept)["reason"]


def test_a_transition_on_it_may_keep_the_work_that_is_done_again() -> None:
    result = lived('{event: returned, internal: true, do: [{set: {back: "${back + 1}"}}]}')
    assert events(result)[:4] == [("press", 1.0), *(("returned", at) for at in (8.0, 15.0, 22.0))]


@pytest.mark.parametrize("repeat", ["idempotent", "at-most-once"])
def test_it_replays_and_holds_parity_and_survives_bytes(repeat: str) -> None:
    result = lived(repeat=repeat, journal=MemoryJournal())
    recording = recording_of(result)
    held = parity(recording)
    assert replay(recording).identical
    assert held.holds, [str(one) for one in (*held.differences, *held.losses)]
    checked = lived(repeat=repeat, options=Options(checks=Checks(round_trip=True, restore=True)))
    assert checked.summary["trace_sha256"] == result.summary["trace_sha256"]
    assert event_from_data(Returned().to_data()) == Returned()


def test_nobody_comes_back_who_was_never_away() -> None:
    calm = (
        TEXT.replace("RETURNED", TAKES)
        .replace("REPEAT", "idempotent")
        .replace(", crash: {chance: 100%, down: 5s}", "")
    )
    calm = calm.replace(
        '          - {event: unknown, to: dark, do: [{set: {reason: "${event.reason}"}}]}\n', ""
    )
    result = run(nimdsl.load_text(calm), "day", journal=MemoryJournal())
    assert parity(recording_of(result)).holds

    lines = lines_of(result.journal)
    entries = lines["cell/lamp"]
    entries[find(entries, "stimulus")][1]["event"] = Returned().to_data()
    assert ("cell/lamp", ParityMismatch.UNSENT) in found(parity(recording_of(result, lines)))
    del entries[:2]
    (difference,) = replay(recording_of(result, lines)).differences
    assert (difference.what, difference.text) == (ReplayMismatch.UNAWAITED, "the actor had not begun")


def test_the_name_is_reserved_and_never_deferred() -> None:
    machine = "{initial: a, states: {a: {transitions: [{event: go, to: b}, {event: returned, to: a}]}, b: {final: true}}}"
    leaves_alone(cell(machine, "accepts: {go: {}}"))
    finds("NIM0208", cell(machine, "accepts: {go: {}, §returned: {}}"))
    keeps = "{initial: a, states: {a: {defer: [§returned], transitions: [{event: go, to: b}]}, b: {final: true}}}"
    finds("NIM0416", cell(keeps, "accepts: {go: {}}"))


def test_it_is_a_way_out_and_a_source() -> None:
    leaves_alone(
        cell(
            "{initial: a, states: {a: {transitions: [{event: returned, to: b}]}, b: {final: true}}}",
            "data: {x: int}",
        )
    )
