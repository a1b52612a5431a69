"""Work that is tried again: when, how often, and what the others see of it."""

# ruff: noqa: E501 -- documents stand on one line here

from __future__ import annotations

from typing import Any

import pytest

import nimdsl
import simulate
from gardens.report.html.usage import delays
from gardens.report.observe.watch import view_of
from nimdsl.base.diagnostics import Severity
from runtime import records
from runtime.kernel.effects import SendMessage, effect_from_data, effect_to_data
from runtime.kernel.events import Role
from runtime.run import wire

TEXT = """
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: c}
spec:
  data: {ended: "list<string>", at: "list<duration>"}
  accepts: {leave: {}}
  machine:
    initial: working
    states:
      working:
        enter: [{work: job}]
        transitions:
          - {event: done, to: resting, do: [{set: {ended: "${ended + ['done']}", at: "${at + [now]}"}}]}
          - event: failed
            to: resting
            do: [{set: {ended: "${ended + [event.reason]}", at: "${at + [now]}"}}]
          - {event: leave, to: resting}
      resting: {final: true}
  work:
    job:
      timeout: 2s
      attempts: 4
      backoff: {initial: 1s, coefficient: 3, maximum: 5s}
      virtual: {latency: {constant: 1s}, failure: 100%}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: s}
spec: {horizon: 60s}
"""
S = 1_000_000_000


def lived(text: str = TEXT, **options: Any) -> Any:
    return simulate.run(nimdsl.load_text(text), "s", options=simulate.Options(**options))


def chain(result: Any, *types: type) -> list[tuple[int, Any]]:
    found = [(one.time_ns // S, one.body) for one in result.run.hosts["cell/c"].records]
    return [(at, body) for at, body in found if isinstance(body, types)]


def test_only_the_last_failure_is_told_and_waits_grow_to_their_maximum() -> None:
    result = lived()
    assert result.run.hosts["cell/c"].snapshot.data == {"ended": ["the work failed"], "at": [13 * S]}
    started = chain(result, records.WorkStarted)
    assert [(at, one.attempt) for at, one in started] == [(0, 1), (2, 2), (6, 3), (12, 4)]
    repeated = chain(result, records.WorkRepeated)
    assert [(at, one.attempt, one.wait_ns // S) for at, one in repeated] == [
        (1, 1, 1),
        (3, 2, 3),
        (7, 3, 5),
    ]
    assert [one.next_number for _, one in repeated] == [one.number for _, one in started[1:]]


def test_an_attempt_may_fail_by_its_timeout() -> None:
    result = lived(TEXT.replace("{constant: 1s}", "{constant: 3s}").replace("failure: 100%", "failure: 0%"))
    assert result.run.hosts["cell/c"].snapshot.data == {"ended": ["timeout"], "at": [17 * S]}
    assert {one.why for _, one in chain(result, records.WorkRepeated)} == {"timeout"}


@pytest.mark.parametrize("at", ["1500ms", "2500ms"])
def test_leaving_the_state_ends_it_in_a_wait_and_in_an_attempt(at: str) -> None:
    text = TEXT.replace("{horizon: 60s}", f"{{horizon: 60s, stimuli: [{{at: {at}, to: c, event: leave}}]}}")
    result = lived(text)
    snapshot = result.run.hosts["cell/c"].snapshot
    assert (snapshot.works, snapshot.timers, snapshot.data["ended"]) == ({}, {}, [])
    assert len(chain(result, records.Abandoned)) == 1
    assert len(chain(result, records.WorkStarted)) == (1 if at == "1500ms" else 2)


def test_what_nobody_knows_is_not_repeated() -> None:
    text = TEXT.replace("      timeout: 2s\n", "      repeat: at-most-once\n")
    text = text.replace("failure: 100%", "crash: {chance: 100%, down: 1s}")
    text = text.replace(
        "- {event: leave, to", "- {event: unknown, to: resting}\n          - {event: leave, to"
    )
    result = lived(text)
    assert [one.event for _, one in chain(result, records.Moved)] == ["unknown"]
    assert chain(result, records.WorkRepeated) == []


def test_the_page_and_the_text_say_how_often_it_was_tried() -> None:
    result = lived()
    view = view_of(result.program, result.scenario, result.run)
    (job,) = (delay for one in view.doings for delay in one.delays)
    assert (job.begun, job.repeated, job.ended.total, job.under_way) == (1, 3, 1, 0)
    assert job.ended.max_ns == 13 * S
    assert "tried again" in delays(view)
    assert "`job` was tried again: the work failed 3 times" in result.report()


IN_LINE = """
apiVersion: nimdsl.dev/v1
kind: Economy
metadata: {name: tank}
spec: {opening: 3}
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: c}
spec:
  accepts: {go: {}}
  machine: {initial: z, states: {z: {transitions: [{event: go, to: a}]}, a: {enter: [{work: q}], transitions: [{event: done, to: b}, {event: failed, to: b}, {event: refused, to: b}]}, b: {final: true}}}
  work: {q: {reserve: 2, cost: 1, attempts: 2, timeout: 2s, BACKOFFask: {to: x, event: ping}}}
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: x}
spec:
  accepts: {ping: {}, block: {}}
  replies: {ping: {}, block: {}}
  data: {pings: int}
  machine:
    initial: a
    states:
      a: {transitions: [{event: block, to: b}, {event: ping, internal: true, do: [{set: {pings: "${pings + 1}"}}, {reply: {}}]}]}
      b: {timers: [{after: 20s, to: a, do: [{reply: {}}]}]}
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: blocker}
spec:
  machine: {initial: z, states: {z: {timers: [{after: 1s, to: a}]}, a: {enter: [{work: q}], transitions: [{event: done, to: b}, {event: failed, to: b}]}, b: {final: true}}}
  work: {q: {timeout: 1h, ask: {to: x, event: block}}}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: s}
spec: {economy: tank, cells: [c, x, blocker], horizon: 60s, stimuli: [{at: 2s, to: c, event: go}]}
"""


@pytest.mark.parametrize("backoff", ["", "backoff: {initial: 1s}, "])
def test_an_ask_whose_later_attempt_is_refused_is_withdrawn(backoff: str) -> None:
    """It has failed; its first attempt must not be served out of the line long afterwards."""
    result = lived(IN_LINE.replace("BACKOFF", backoff))
    (failed,) = [body for _, body in chain(result, records.Moved) if body.event == "failed"]
    assert failed.target == "b"
    assert result.outcome["cells"]["x"]["data"] == {"pings": 0}


def test_the_attempt_of_an_ask_stands_in_its_headers() -> None:
    for attempt, headers in ((1, 4), (2, 5)):
        effect = SendMessage(7, "cell/b", "next", {}, Role.ASK, 3, attempt)
        assert effect_from_data(effect_to_data(effect)) == effect
        message = wire.to_message(effect, "cell/a", "run", "2026-01-01T00:00:00Z", 0)
        assert len(message.headers) == headers
        event: Any = wire.to_event(message)
        assert (event.ask, event.attempt, event.number) == (3, attempt, 7)
        assert ("attempt" in effect_to_data(effect)) == (attempt > 1)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("      timeout: 2s\n", "      timeout: 2s\n      repeat: at-most-once\n", "NIM0418"),
        ("      attempts: 4\n", "", "NIM0203"),
        ("attempts: 4", "attempts: 1", "NIM0203"),
        ("attempts: 4", "attempts: 101", "NIM0210"),
        (", maximum: 5s", "", "NIM0204"),
        ("maximum: 5s", "maximum: 500ms", "NIM0210"),
        ("coefficient: 3", "coefficient: 0.5", "NIM0210"),
        ("maximum: 5s", "maximum: 5s, jitter: 101%", "NIM0207"),
        ("initial: 1s, coefficient", "coefficient", "NIM0204"),
        (
            "resting: {final: true}",
            "resting: {timers: [{after: 1s, jitter: 101%, to: working}]}",
            "NIM0207",
        ),
    ],
)
def test_mistakes(old: str, new: str, code: str) -> None:
    assert old in TEXT
    found = nimdsl.check_text(TEXT.replace(old, new)).diagnostics
    assert [one.code for one in found if one.severity is Severity.ERROR][:1] == [code]
