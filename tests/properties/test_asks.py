"""SEMANTICS 1.8: no ask is answered twice, and each ends once, whatever the bus loses or doubles."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

import nimdsl
from gardens.stores.memory import MemoryJournal
from gardens.virtual.driver import Driver, Options
from gardens.virtual.recorded import parity
from runtime import records
from runtime.kernel import snapshot
from runtime.kernel.effects import SendMessage
from runtime.kernel.events import Received, Role
from runtime.kernel.machine_step import MachineStep
from runtime.kernel.snapshot import Underway
from runtime.kernel.step_context import StepContext
from runtime.run.host import Checks, Host
from runtime.run.inbox import read_inbox
from tests.support.killing import Mutant, kills

TEXT = """
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: desk}
spec:
  data: {given: int, back: int}
  accepts: {next: {}, pause: {}}
  replies: {next: {ticket: int}}
  machine:
    initial: open
    any:
      - {event: next.unclaimed, internal: true, do: [{set: {back: "${back + 1}"}}]}
    states:
      open:
        transitions:
          - {event: next, if: "mod(given, 3) == 2", to: thinking}
          - event: next
            internal: true
            do: [{set: {given: "${given + 1}"}}, {reply: {ticket: "${given}"}}]
          - {event: pause, to: closed}
      thinking:
        defer: [pause]
        timers:
          - {after: THINKING, to: open, do: [{set: {given: "${given + 1}"}}, {reply: {ticket: "${given}"}}]}
      closed:
        defer: [DEFERRED]
        transitions: [{event: pause, to: open}]
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: "guest-${k}"}
spec:
  for: {k: [1, 2, 3]}
  data: {tickets: "list<int>", failed: int}
  accepts: {come: {}, leave: {}}
  machine:
    initial: away
    states:
      away: {transitions: [{event: come, to: waiting}]}
      waiting:
        enter: [{work: ticket}]
        transitions:
          - {event: served, to: away, do: [{set: {tickets: "${tickets + [event.ticket]}"}}]}
          - {event: failed, to: away, do: [{set: {failed: "${failed + 1}"}}]}
          - {event: leave, to: away}
          - {event: come, to: waiting}
  work:
    ticket: {ask: {to: desk, event: next}, timeout: TIMEOUT, attempts: ATTEMPTS, BACKOFF done: served}
---
apiVersion: nimdsl.dev/v1
kind: Garden
metadata: {name: here}
spec:
  bus: {latency: {uniform: [0ms, 900ms]}, loss: LOSS, duplicate: TWICE}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: day}
spec:
  horizon: 10min
  stimuli:
    - {poisson: {mean: 3s, until: 1min}, to: guest-*, event: come}
    - {poisson: {mean: 4s, until: 1min}, to: guest-2, event: leave}
    - {poisson: {mean: 9s, until: 1min}, to: desk, event: pause}
"""
CHOICES: dict[str, st.SearchStrategy[str]] = {
    "THINKING": st.sampled_from(["100ms", "2s", "7s"]),
    "TIMEOUT": st.sampled_from(["1s", "5s", "30s"]),
    "DEFERRED": st.sampled_from(["next", "pause2"]),
    "ATTEMPTS": st.sampled_from(["1", "3"]),
    "BACKOFF": st.sampled_from(["", "backoff: {initial: 1s, coefficient: 2, maximum: 3s, jitter: 50%},"]),
    "LOSS": st.sampled_from(["0%", "10%", "30%"]),
    "TWICE": st.sampled_from(["0%", "40%"]),
}


@st.composite
def worlds(draw: Any) -> tuple[str, int]:
    text = TEXT
    for name, choice in CHOICES.items():
        text = text.replace(name, draw(choice))
    text = text.replace("defer: [pause2]", "description: It is closed.")
    text = text.replace("attempts: 1, backoff", "attempts: 2, backoff")
    return text, draw(st.integers(0, 99))


def lived(world: tuple[str, int], checks: Checks | None = None) -> tuple[Driver, MemoryJournal]:
    program, seed = nimdsl.load_text(world[0]), world[1]
    journal = MemoryJournal()
    options = Options(seed, checks=checks or Checks())
    driver = Driver(program, program.scenarios["day"], options, journal)
    driver.run()
    return driver, journal


def check(world: tuple[str, int]) -> None:
    driver, journal = lived(world)
    desk = driver.hosts["cell/desk"]
    told: Counter[tuple[str, int]] = Counter()
    given_for: dict[tuple[str, int], set[str]] = defaultdict(set)
    carried: Counter[tuple[str, int]] = Counter()
    begun: set[tuple[str, int]] = set()
    returned = 0
    for name, host in driver.hosts.items():
        for event in (line.event for line in read_inbox(journal, name).lines):
            if isinstance(event, Received) and event.role is Role.REPLY:
                told[name, event.ask] += 1
                given_for[name, event.ask].add(str(event.payload))
            elif isinstance(event, Received) and event.role is Role.ASK:
                carried[event.sender, event.ask] += 1
        if name != "cell/desk":
            begun |= {(name, number) for number in _each_ends_once(host)}
            returned += len(said(host, "unclaimed"))
    assert set(carried) <= begun, "an attempt is another ask"
    assert all(count <= carried[ask] for ask, count in told.items()), "an ask was answered twice"
    assert all(len(one) == 1 for one in given_for.values()), "an ask was served twice"
    again = [one.body for one in desk.records if isinstance(one.body, records.AnsweredAgain)]
    given = len(said(desk, "reply")) - len(again)
    assert not any(isinstance(one.body, records.Faulted) for one in desk.records)
    assert given == desk.snapshot.data["given"]
    assert len(told) <= given <= len(carried)
    tickets = [t for name, host in driver.hosts.items() for t in host.snapshot.data.get("tickets", [])]  # type: ignore[union-attr]
    assert len(tickets) == len(set(tickets)), "two have one ticket"
    assert len(tickets) + returned == len(told), "a reply was neither taken nor given back"


def said(host: Host, role: str) -> list[records.Sent]:
    bodies = [one.body for one in host.records]
    return [one for one in bodies if isinstance(one, records.Sent) and one.role == role]


def _each_ends_once(host: Host) -> list[int]:
    started = [one.body for one in host.records if isinstance(one.body, records.WorkStarted)]
    begun = [one.number for one in started if one.attempt == 1]
    attempts = host.kernel.actor.works["ticket"].attempts
    assert all(one.attempt <= attempts for one in started)
    assert len(said(host, "ask")) == len(started)
    left = [one.body.number for one in host.records if isinstance(one.body, records.Abandoned)]
    moved = [one.body.event for one in host.records if isinstance(one.body, records.Moved)]
    ended = [event for event in moved if event in ("served", "failed")]
    assert len(begun) == len(set(begun))
    assert len(begun) == len(left) + len(ended) + len(host.snapshot.works)
    return begun


@settings(max_examples=25)
@given(worlds())
def test_1_8_each_ask_ends_once_and_no_reply_is_lost_in_a_cell(world: tuple[str, int]) -> None:
    check(world)


@settings(max_examples=8)
@given(worlds())
def test_8_3_a_restart_changes_no_ask(world: tuple[str, int]) -> None:
    plain, _ = lived(world)
    checked, _ = lived(world, Checks(round_trip=True, restore=True))
    for name, host in plain.hosts.items():
        assert checked.hosts[name].records == host.records
        assert checked.hosts[name].snapshot == host.snapshot


@settings(max_examples=10)
@given(worlds())
def test_8_5_asks_are_the_same_on_the_bus_of_their_journal(world: tuple[str, int]) -> None:
    from gardens.report.result.export import seal
    from gardens.report.result.result import result_of
    from runtime.run.recording import opened

    program, seed = nimdsl.load_text(world[0]), world[1]
    journal = MemoryJournal()
    driver = Driver(program, program.scenarios["day"], Options(seed), journal)
    result = result_of(program, program.scenarios["day"], seed, driver.run(), journal)
    seal(journal, result)
    assert parity(opened(journal)).holds


def copies_are_new(patch: pytest.MonkeyPatch) -> None:
    """A message that comes twice is taken twice."""
    import runtime.run.host as host

    patch.setattr(host, "is_new", lambda accepted, sender, number: True)


def nobody_waits(patch: pytest.MonkeyPatch) -> None:
    """An ask is served although another one is."""
    original = MachineStep._asked

    def asked(self: MachineStep, event: Received) -> None:
        self.context.serving = None
        original(self, event)

    patch.setattr(MachineStep, "_asked", asked)


def nothing_comes_back(patch: pytest.MonkeyPatch) -> None:
    """A reply that nobody waits for is forgotten."""
    from runtime.kernel import asks

    patch.setattr(asks, "give_back", lambda context, event: None)


def late_is_still_good(patch: pytest.MonkeyPatch) -> None:
    """A timeout forgets to end the work."""

    def timed_out(self: MachineStep, number: int) -> None:
        started = self.context.works[number]
        self.fire(self.context.actor.works[started.work].outcomes["failed"], {"reason": "timeout"})

    patch.setattr(MachineStep, "_due", timed_out)


def served_again(patch: pytest.MonkeyPatch) -> None:
    """An ask that is repeated is taken for a new one."""
    from runtime.kernel import asks

    patch.setattr(asks, "is_repeated", lambda context, event: False)


def given_back_though_taken(patch: pytest.MonkeyPatch) -> None:
    """Nobody remembers that the ask had its reply."""
    from runtime.kernel import asks

    patch.setattr(asks, "claim", lambda context, number: None)


def a_new_ask(patch: pytest.MonkeyPatch) -> None:
    """An attempt of an ask is another ask."""
    from runtime.kernel import attempts

    original = attempts.failed

    def failed(
        context: StepContext, number: int, started: Underway, reason: str, renew: attempts.Renew
    ) -> str:
        again = original(context, number, started, reason, renew)
        context.effects = [
            replace(one, ask=one.number)
            if isinstance(one, SendMessage) and one.role is Role.ASK and one.number != one.ask
            else one
            for one in context.effects
        ]
        return again

    patch.setattr(attempts, "failed", failed)


MUTANTS = [
    copies_are_new,
    nobody_waits,
    nothing_comes_back,
    late_is_still_good,
    served_again,
    given_back_though_taken,
    a_new_ask,
]


@pytest.mark.parametrize("change", MUTANTS)
def test_the_law_kills(change: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    change(monkeypatch)
    kills(check, worlds())


def test_snapshots_know_their_timers() -> None:
    assert [snapshot.timed_work(snapshot.work_timer(number)) for number in (0, 1, 77)] == [0, 1, 77]
