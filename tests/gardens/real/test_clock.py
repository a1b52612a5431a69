"""Garden time never goes back, stands still in a pause, and goes as fast as declared (SEMANTICS 2.1)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gardens.real import clock as module
from gardens.real.clock import Clock, Origin, Timers
from tests.support.patience import until

SECOND = 1_000_000_000
RATES = st.sampled_from([0.001, 0.5, 1.0, 2.0, 10_000.0])


class Monotonic:
    """The machine's clock, moved by hand."""

    def __init__(self, ns: int = 0) -> None:
        self.ns = ns

    def read(self) -> int:
        return self.ns


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["pause", "resume", "begin", "at least", "nothing"]), st.integers(0, 10 * SECOND)
    ),
    max_size=30,
)


@given(RATES, RATES, STEPS, st.integers(0, 10**15), st.integers(-SECOND, SECOND))
def test_2_1_time_never_goes_back(
    rate: float, later_rate: float, steps: list[tuple[str, int]], start_ns: int, ahead_ns: int
) -> None:
    machine = Monotonic(start_ns)
    clock = Clock(Origin(start_ns + ahead_ns, 0, rate), machine.read)
    last_ns = clock.now_ns()
    for what, by_ns in steps:
        machine.ns += by_ns
        match what:
            case "pause":
                clock.pause()
            case "resume":
                clock.resume()
            case "begin":
                clock.begin(Origin(machine.ns + ahead_ns, by_ns, later_rate))
            case "at least":
                clock.at_least(by_ns)
        now_ns = clock.now_ns()
        assert now_ns >= last_ns
        last_ns = now_ns


@given(RATES, st.lists(st.tuples(st.booleans(), st.integers(0, 10 * SECOND)), max_size=20))
def test_a_pause_takes_no_time(rate: float, parts: list[tuple[bool, int]]) -> None:
    machine = Monotonic()
    clock = Clock(Origin(0, 5, rate), machine.read)
    lived_ns = 0
    for paused, length_ns in parts:
        if paused:
            clock.pause()
            clock.pause()
        else:
            clock.resume()
            clock.resume()
            lived_ns += length_ns
        before_ns = clock.now_ns()
        machine.ns += length_ns
        if paused:
            assert clock.now_ns() == before_ns
    assert clock.now_ns() == 5 + int(lived_ns * rate)


def test_every_process_with_the_same_origin_has_the_same_time() -> None:
    machine = Monotonic(100 * SECOND)
    origin = Origin(90 * SECOND, 7, 1_000.0)
    clocks = [Clock(origin, machine.read) for _ in range(2)]
    machine.ns += SECOND
    assert {clock.now_ns() for clock in clocks} == {7 + 11_000 * SECOND}


def test_a_clock_that_begins_forgets_the_pauses_before() -> None:
    machine = Monotonic()
    clock = Clock(Origin(0, 0, 1.0), machine.read)
    clock.pause()
    machine.ns = 5 * SECOND
    clock.resume()
    clock.begin(Origin(10 * SECOND, 0, 1.0))
    machine.ns = 12 * SECOND
    assert clock.now_ns() == 2 * SECOND


def test_a_clock_that_begins_in_a_pause_stands_at_its_beginning() -> None:
    machine = Monotonic()
    clock = Clock(Origin(0, 0, 1.0), machine.read)
    clock.pause()
    machine.ns = 10 * SECOND
    clock.begin(Origin(machine.ns, 3, 1.0))
    machine.ns = 20 * SECOND
    assert clock.now_ns() == 3
    clock.resume()
    machine.ns = 21 * SECOND
    assert clock.now_ns() == 3 + SECOND


@given(RATES, st.integers(0, 10**12), st.integers(0, 10**12))
def test_seconds_until_are_wall_clock_seconds(rate: float, now_ns: int, garden_ns: int) -> None:
    clock = Clock(Origin(0, now_ns, rate), Monotonic().read)
    wait_s = clock.seconds_until(garden_ns)
    assert wait_s == pytest.approx(max(0.0, (garden_ns - now_ns) / SECOND / rate))


# Timers


def play(case: Callable[[], Awaitable[None]]) -> list[dict[str, Any]]:
    """Plays a case; what escaped into the event loop."""
    escaped: list[dict[str, Any]] = []

    async def run() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: escaped.append(context))
        await case()

    asyncio.run(run())
    return escaped


def fail() -> None:
    raise KeyError("nothing")


def test_what_is_due_at_once_is_done_in_the_order_of_asking_and_never_within_the_call() -> None:
    async def case() -> None:
        timers, done = Timers(Clock(Origin(0, 0, 1.0), Monotonic().read)), list[int]()
        for number in range(5):
            timers.after(0, partial(done.append, number))
        assert done == []
        await until(lambda: len(done) == 5)
        assert done == list(range(5))

    assert play(case) == []


def test_one_that_raises_keeps_no_other_from_its_turn() -> None:
    async def case() -> None:
        timers, done = Timers(Clock(Origin(0, 0, 1.0), Monotonic().read)), list[int]()
        for number in range(3):
            timers.after(number, partial(done.append, number))
            timers.after(number, fail)
        await until(lambda: len(done) == 3)
        timers.after(0, partial(done.append, 3))
        await until(lambda: len(done) == 4)
        assert done == [0, 1, 2, 3]

    escaped = play(case)
    assert [type(context["exception"]) for context in escaped] == [KeyError] * 3


def test_a_clock_that_stands_still_keeps_what_is_due_and_is_looked_at_again() -> None:
    async def case() -> None:
        machine = Monotonic()
        timers, done = Timers(Clock(Origin(0, 0, 1_000.0), machine.read)), list[str]()
        timers.after(2 * SECOND, partial(done.append, "second"))
        timers.after(SECOND, partial(done.append, "first"))
        cancel = timers.after(SECOND, partial(done.append, "cancelled"))
        await asyncio.sleep(0.01)
        assert done == []
        machine.ns += SECOND // 100
        cancel()
        await until(lambda: len(done) == 2)
        assert done == ["first", "second"]

    assert play(case) == []


def test_cancelled_timers_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CANCELLED_COUNT_MAX", 16)

    async def case() -> None:
        timers, done = Timers(Clock(Origin(0, 0, 1.0), Monotonic().read)), list[int]()
        kept = [timers.after(number, partial(done.append, number)) for number in range(10)]
        for _ in range(1_000):
            timers.after(10**15, partial(done.append, -1))()
            assert len(timers._due) <= 2 * 10 + 16 + 1
        await until(lambda: len(done) == 10)
        assert done == list(range(10))
        for cancel in kept:
            cancel()

    assert play(case) == []
