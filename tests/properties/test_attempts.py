"""SEMANTICS 1.10: how often work is tried, how long it waits, and that a restart changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

import nimdsl
from gardens.stores.memory import MemoryJournal
from gardens.virtual.driver import Driver, Options
from gardens.virtual.recorded import parity
from nimdsl.base.units import MICRO, SECOND_NS
from nimdsl.program import Program, Work
from runtime import records
from runtime.chance.models import Draws, WorkModels
from runtime.kernel import attempts
from runtime.kernel.effects import AnyEffect, SetTimer
from runtime.kernel.events import TimerDue
from runtime.kernel.snapshot import Underway
from runtime.kernel.step_context import StepContext
from runtime.run.host import Checks, Host
from runtime.run.inbox import read_inbox
from tests.support.killing import Mutant, kills

TEXT = """
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: c}
spec:
  accepts: {leave: {}}
  machine:
    initial: working
    states:
      working:
        enter: [{work: job}]
        transitions:
          - {event: done, to: resting}
          - {event: failed, to: resting}
          - {event: leave, to: resting}
      resting: {timers: [{after: 4s, jitter: JITTER, to: working}]}
  work:
    job:
      TIMEOUT
      attempts: ATTEMPTS
      BACKOFF
      virtual: {latency: {uniform: [0ms, 3s]}, failure: FAILURE CRASH}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: s}
spec:
  horizon: 10min
  stimuli: [{poisson: {mean: 40s}, to: c, event: leave}]
"""
CHOICES: dict[str, list[str]] = {
    "JITTER": ["0%", "30%", "100%"],
    "TIMEOUT": ["timeout: 500ms", "timeout: 2s", "timeout: 9s", "description: It takes its time."],
    "BACKOFF": [
        "returns: {}",
        "backoff: {initial: 1s, coefficient: 2, maximum: 5s, jitter: 50%}",
        "backoff: {initial: 700ms, coefficient: 1.5, maximum: 1min, jitter: 100%}",
        "backoff: {initial: 3s}",
    ],
    "ATTEMPTS": ["2", "3", "7"],
    "FAILURE": ["0%", "40%", "80%", "100%"],
    "CRASH": ["", ", crash: {chance: 10%, down: 3s}"],
}
World = tuple[str, int]
ACTOR = "cell/c"


@st.composite
def worlds(draw: Any) -> World:
    text = TEXT
    for name, choices in CHOICES.items():
        text = text.replace(name, draw(st.sampled_from(choices)))
    return text, draw(st.integers(0, 99))


class _Watched(Driver):
    """Remembers each timer that was set, and what it would set anew if the actor died now."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.set: dict[tuple[int, int], SetTimer] = {}

    def _carry_out(self, host: Host, effects: tuple[AnyEffect, ...]) -> None:
        self.set |= {(one.timer, one.generation): one for one in effects if isinstance(one, SetTimer)}
        for one in host.resume():
            if isinstance(one, SetTimer):
                assert one == self.set[one.timer, one.generation], "a restart sets another timer"
        super()._carry_out(host, effects)


def lived(world: World, **options: Any) -> tuple[_Watched, MemoryJournal]:
    program, seed = nimdsl.load_text(world[0]), world[1]
    journal = MemoryJournal()
    driver = _Watched(program, program.scenarios["s"], Options(seed, **options), journal)
    driver.run()
    return driver, journal


@dataclass
class _Life:
    """One piece of work, from its first attempt on."""

    begun_ns: int
    attempts: list[tuple[int, int]]
    """The number and the begin of each."""
    failures: list[tuple[int, int]] = field(default_factory=list)
    """The time of each but the last, and the longest wait that follows."""
    ended: str = ""
    ended_ns: int = 0


def lives(host: Host) -> Iterator[_Life]:
    """The pieces of work of a run that ended; one is under way at a time."""
    life: _Life | None = None
    for one in host.records:
        match one.body:
            case records.WorkStarted(number=number, attempt=1):
                assert life is None
                life = _Life(one.time_ns, [(number, one.time_ns)])
            case records.WorkStarted(number=number, attempt=attempt) if life:
                life.attempts.append((number, one.time_ns))
                assert attempt == len(life.attempts) == len(life.failures) + 1
            case records.WorkRepeated(number=number, wait_ns=wait_ns) if life:
                assert number == life.attempts[-1][0]
                life.failures.append((one.time_ns, wait_ns))
            case records.Abandoned() if life:
                life.ended, life.ended_ns = "abandoned", one.time_ns
                yield life
                life = None
            case records.Moved(event="done" | "failed" as event) if life:
                life.ended, life.ended_ns = event, one.time_ns
                yield life
                life = None


def check(world: World) -> None:
    driver, journal = lived(world)
    host = driver.hosts[ACTOR]
    work = host.kernel.actor.works["job"]
    found = list(lives(host))
    numbers = [number for life in found for number, _ in life.attempts]
    assert len(numbers) == len(set(numbers)), "two attempts have one number"
    crashes = work.virtual is not None and work.virtual.crash > 0
    models = WorkModels(Draws(world[1]), driver.garden)
    for life in found:
        assert len(life.attempts) <= work.attempts
        if life.ended == "failed":
            assert len(life.attempts) == work.attempts
        if not crashes:
            _tries(life, work, models)
            _waits(life, work)
    _timers(driver, journal, late=crashes)


def _tries(life: _Life, work: Work, models: WorkModels) -> None:
    """It ends with its first success, or its last attempt."""
    for place, (number, begun_ns) in enumerate(life.attempts):
        drawn = models.outcome(ACTOR, work, number, {}, 0)
        timeout_ns = work.timeout_ns if isinstance(work.timeout_ns, int) else drawn.latency_ns
        good = drawn.outcome == "done" and drawn.latency_ns <= timeout_ns
        is_last = place == len(life.attempts) - 1
        ended_ns = begun_ns + min(timeout_ns, drawn.latency_ns)
        if not is_last or life.ended != "abandoned":
            assert good == (is_last and life.ended == "done")
        if not is_last:
            assert life.failures[place][0] == ended_ns
        elif life.ended != "abandoned":
            assert life.ended_ns == ended_ns


def _waits(life: _Life, work: Work) -> None:
    """A wait is as long as it says, or shorter by its jitter; so all of it has a bound."""
    jitter = work.backoff.jitter if work.backoff else 0
    begins = [begun_ns for _, begun_ns in life.attempts[1:]]
    for place, (begun_ns, (failed_ns, most_ns)) in enumerate(zip(begins, life.failures, strict=False), 1):
        assert most_ns == work.wait_ns(place)
        assert most_ns * (MICRO - jitter) <= (begun_ns - failed_ns) * MICRO <= most_ns * MICRO
    if work.most_ns is not None:
        assert life.ended_ns - life.begun_ns <= work.most_ns


def _timers(driver: _Watched, journal: MemoryJournal, *, late: bool) -> None:
    """Each comes at the instant of its generation, never after its deadline; a dead actor is late."""
    for line in read_inbox(journal, ACTOR).lines:
        if isinstance(line.event, TimerDue):
            one = driver.set[line.event.timer, line.event.generation]
            due_ns = Draws(driver.draws.seed).due_ns(ACTOR, one.generation, one.deadline_ns, one.jitter_ns)
            assert one.deadline_ns - one.jitter_ns <= due_ns <= one.deadline_ns
            assert line.time_ns == due_ns or (late and line.time_ns > due_ns)
            assert late or line.time_ns <= one.deadline_ns


@settings(max_examples=60)
@given(worlds())
def test_1_10_work_ends_with_its_first_success_or_its_last_attempt(world: World) -> None:
    check(world)


@settings(max_examples=15)
@given(worlds())
def test_8_3_a_restart_changes_nothing(world: World) -> None:
    world = world[0].replace("horizon: 10min", "horizon: 1min"), world[1]
    plain, _ = lived(world)
    checked, _ = lived(world, checks=Checks(round_trip=True, restore=True))
    assert checked.hosts[ACTOR].records == plain.hosts[ACTOR].records
    assert checked.hosts[ACTOR].snapshot == plain.hosts[ACTOR].snapshot


@settings(max_examples=10)
@given(worlds())
def test_8_4_attempts_are_the_same_on_the_bus_of_their_journal(world: World) -> None:
    from gardens.report.result.export import seal
    from gardens.report.result.result import result_of
    from runtime.run.recording import opened
    from runtime.run.replay import replay

    program, seed = nimdsl.load_text(world[0]), world[1]
    journal = MemoryJournal()
    driver = Driver(program, program.scenarios["s"], Options(seed), journal)
    result = result_of(program, program.scenarios["s"], seed, driver.run(), journal)
    seal(journal, result)
    assert parity(opened(journal)).holds
    assert not replay(opened(journal)).differences


# Defects that the laws must catch


def one_too_few(patch: pytest.MonkeyPatch) -> None:
    """The last attempt is never made."""
    original = attempts.failed

    def failed(
        context: StepContext, number: int, started: Underway, reason: str, renew: attempts.Renew
    ) -> str:
        last = started.attempt + 1 >= context.actor.works[started.work].attempts
        return reason if last else original(context, number, started, reason, renew)

    patch.setattr(attempts, "failed", failed)


def the_same_number(patch: pytest.MonkeyPatch) -> None:
    """An attempt has the number, and so the draws, of the one before it."""
    original = attempts.failed

    def failed(
        context: StepContext, number: int, started: Underway, reason: str, renew: attempts.Renew
    ) -> str:
        following, context.effect_number = context.effect_number, number
        again = original(context, number, started, reason, renew)
        context.effect_number = following
        return again

    patch.setattr(attempts, "failed", failed)


def longer_too(patch: pytest.MonkeyPatch) -> None:
    """A jitter makes waits longer as well."""
    original = Draws.due_ns

    def due_ns(self: Draws, actor: str, generation: int, deadline_ns: int, jitter_ns: int) -> int:
        return 2 * deadline_ns - original(self, actor, generation, deadline_ns, jitter_ns)

    patch.setattr(Draws, "due_ns", due_ns)


def no_longer_each_time(patch: pytest.MonkeyPatch) -> None:
    """The wait does not know how often the work has failed."""
    original = attempts.failed

    def failed(
        context: StepContext, number: int, started: Underway, reason: str, renew: attempts.Renew
    ) -> str:
        first = lambda self, failures: 0 if self.backoff is None else self.backoff.wait_ns(1)  # noqa: E731
        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(Work, "wait_ns", first)
            return original(context, number, started, reason, renew)

    patch.setattr(attempts, "failed", failed)


def waits_in_vain(patch: pytest.MonkeyPatch) -> None:
    """Work whose state is left in a wait keeps its timer."""
    original = attempts.unlimit

    def unlimit(context: StepContext, number: int) -> None:
        started = context.before.works.get(number)
        if started is None or not started.waits:
            original(context, number)

    patch.setattr(attempts, "unlimit", unlimit)


def forgets_its_jitter(patch: pytest.MonkeyPatch) -> None:
    """After a crash a timer is set at its deadline."""
    original = Host.resume

    def resume(self: Host) -> tuple[AnyEffect, ...]:
        return tuple(
            replace(one, jitter_ns=0) if isinstance(one, SetTimer) else one for one in original(self)
        )

    patch.setattr(Host, "resume", resume)


def forgets_its_timeout(patch: pytest.MonkeyPatch) -> None:
    """Only the first attempt has a timeout."""
    original = attempts.waited

    def waited(context: StepContext, number: int, started: Underway, renew: attempts.Renew) -> bool:
        return original(context, number, replace(started, timeout_ns=None), renew)

    patch.setattr(attempts, "waited", waited)


MUTANTS = [
    one_too_few,
    the_same_number,
    longer_too,
    no_longer_each_time,
    waits_in_vain,
    forgets_its_jitter,
    forgets_its_timeout,
]


@pytest.mark.parametrize("change", MUTANTS)
def test_the_law_kills(change: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    change(monkeypatch)
    kills(check, worlds())


def test_a_backoff_grows_to_its_maximum() -> None:
    program: Program = nimdsl.load_text(
        TEXT.replace("BACKOFF", "backoff: {initial: 1s, coefficient: 2, maximum: 16s, jitter: 50%}")
        .replace("JITTER", "0%")
        .replace("TIMEOUT", "timeout: 10s")
        .replace("ATTEMPTS", "7")
        .replace("FAILURE", "0%")
        .replace("CRASH", "")
    )
    work = program.cells["c"].works["job"]
    assert [work.wait_ns(k) // SECOND_NS for k in range(1, 7)] == [1, 2, 4, 8, 16, 16]
    assert work.most_ns == (7 * 10 + 47) * SECOND_NS
