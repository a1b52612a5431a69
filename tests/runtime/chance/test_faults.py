"""Faults on purpose: as the garden's document draws them, and none besides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nimdsl.base.errors import PermanentPortError
from nimdsl.compile.garden import PERFECT_BUS
from nimdsl.expression.types import DURATION
from nimdsl.program import BusModel, Distribution
from runtime.chance.faults import FaultyBus
from runtime.chance.models import BusFaultModel, Draws
from runtime.ports.bus import Message
from runtime.ports.memory_bus import MemoryBus

MS = 1_000_000
UP_TO_100_MS = Distribution("uniform", (0, 100 * MS), DURATION)
SHARE = st.sampled_from([0, 0, 100_000, 500_000])
MODEL = st.builds(
    replace,
    st.just(PERFECT_BUS),
    latency=st.sampled_from([PERFECT_BUS.latency, UP_TO_100_MS]),
    loss=SHARE,
    duplicate=SHARE,
    delay=SHARE,
    delay_by=st.just(UP_TO_100_MS),
    reorder=SHARE,
    reorder_by=st.just(UP_TO_100_MS),
)
PLAN = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from("xy"), st.integers(0, 20 * MS)),
    min_size=1,
    max_size=40,
)
"""Who sends to whom, and how long after the one before."""


class Line:
    """A bus of faults on a bus in memory, and everything that was heard with its time."""

    def __init__(self, model: BusModel, seed: int = 1) -> None:
        self.told: list[tuple[str, str]] = []
        self.inner = MemoryBus()
        fates = BusFaultModel(Draws(seed), model)
        self.bus = FaultyBus(
            self.inner, fates, lambda: self.inner.now_ns, self.tell, model.payload_bytes_max
        )
        self.heard: list[tuple[int, str, str, int]] = []
        for receiver in "xy":
            self.bus.listen(f"cell/{receiver}", self.hear)

    def tell(self, address: str, what: str) -> None:
        self.told.append((address, what))

    def hear(self, message: Message) -> None:
        self.heard.append((self.inner.now_ns, message.sender, message.to, message.number))

    def send(self, sender: str, receiver: str, number: int) -> None:
        self.bus.send(Message(f"cell/{receiver}", b"", {}, f"cell/{sender}", number))

    def play(self, plan: list[tuple[str, str, int]]) -> None:
        for number, (sender, receiver, gap_ns) in enumerate(plan, 1):
            self.inner.advance(gap_ns)
            self.send(sender, receiver, number)
        self.inner.advance(10_000 * MS)


def drawn(model: BusModel, seed: int, plan: list[tuple[str, str, int]]) -> list[tuple[int, str, str, int]]:
    """What the fates say of it, sorted."""
    fates = BusFaultModel(Draws(seed), model)
    found, now_ns = [], 0
    for number, (sender, receiver, gap_ns) in enumerate(plan, 1):
        now_ns += gap_ns
        times, _ = fates.arrivals(f"cell/{sender}", f"cell/{receiver}", number, now_ns)
        found += [(at_ns, f"cell/{sender}", f"cell/{receiver}", number) for at_ns in times]
    return sorted(found)


@given(MODEL, st.integers(0, 99), PLAN)
def test_everything_befalls_as_it_was_drawn_and_nothing_is_kept(
    model: BusModel, seed: int, plan: list[tuple[str, str, int]]
) -> None:
    line = Line(model, seed)
    line.play(plan)
    assert sorted(line.heard) == drawn(model, seed, plan)
    assert [at_ns for at_ns, *_ in line.heard] == sorted(at_ns for at_ns, *_ in line.heard)
    assert line.bus.late_count == 0


@given(MODEL, st.integers(0, 99), PLAN)
def test_order_per_sender_and_receiver_holds_unless_it_is_to_be_broken(
    model: BusModel, seed: int, plan: list[tuple[str, str, int]]
) -> None:
    line = Line(replace(model, reorder=0), seed)
    line.play(plan)
    for sender, receiver in ("ax", "ay", "bx", "by"):
        pair = [n for _, s, r, n in line.heard if (s, r) == (f"cell/{sender}", f"cell/{receiver}")]
        firsts = list(dict.fromkeys(pair))
        assert firsts == sorted(firsts)


def test_reordering_breaks_it() -> None:
    line = Line(replace(PERFECT_BUS, reorder=500_000, reorder_by=UP_TO_100_MS))
    line.play([("a", "x", MS)] * 30)
    numbers = [number for *_, number in line.heard]
    assert sorted(numbers) == list(range(1, 31)) != numbers


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"loss": 1_000_000}, "was lost"),
        ({"duplicate": 1_000_000}, "was duplicated"),
        ({"delay": 1_000_000, "delay_by": UP_TO_100_MS}, "was delayed"),
        ({"reorder": 1_000_000, "reorder_by": UP_TO_100_MS}, "was held back"),
    ],
)
def test_what_befalls_a_message_is_told_of_its_sender(change: dict[str, object], words: str) -> None:
    line = Line(replace(PERFECT_BUS, **change))  # type: ignore[arg-type]
    line.send("a", "x", 1)
    assert line.told == [("cell/a", f"a message to cell/x {words}")]


def test_a_perfect_bus_does_nothing_and_says_nothing() -> None:
    line = Line(PERFECT_BUS)
    line.send("a", "x", 1)
    assert (line.heard, line.told, line.bus.late_count) == ([(0, "cell/a", "cell/x", 1)], [], 0)


class Slow:
    """A bus whose timers come when they are let, as in an event loop that is busy."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.timers: list[Callable[[], None]] = []

    def send(self, message: Message) -> None:
        if message.data == b"too large":
            raise PermanentPortError("too large with its headers")
        self.sent.append(message)

    def listen(self, *_: object) -> None: ...

    def after(self, delay_ns: int, act: Callable[[], None]) -> Callable[[], None]:
        self.timers.append(act)
        return partial(self.timers.remove, act)


class Times:
    def __init__(self) -> None:
        self.now_ns = 0


LATE = replace(PERFECT_BUS, latency=Distribution("constant", (10 * MS,), DURATION))


def slow_line() -> tuple[Slow, Times, FaultyBus, list[tuple[str, str]], BusFaultModel]:
    slow, times, told = Slow(), Times(), []
    fates = BusFaultModel(Draws(1), LATE)
    bus = FaultyBus(slow, fates, lambda: times.now_ns, lambda *what: told.append(what), 100)  # type: ignore[arg-type]
    return slow, times, bus, told, fates


def test_nothing_overtakes_what_is_due_while_its_timer_is_late() -> None:
    slow, times, bus, _, fates = slow_line()
    bus.send(Message("cell/x", b"1", {}, "cell/a", 1))
    times.now_ns = 15 * MS
    fates.model = PERFECT_BUS
    bus.send(Message("cell/x", b"2", {}, "cell/a", 2))
    assert [message.data for message in slow.sent] == [b"1", b"2"]
    for timer in slow.timers:
        timer()
    assert (len(slow.sent), bus.late_count) == (2, 0)


def test_timers_that_come_in_another_order_change_nothing() -> None:
    slow, times, bus, _, _ = slow_line()
    for number in range(1, 6):
        times.now_ns = number * MS
        bus.send(Message("cell/x", b"%d" % number, {}, "cell/a", number))
    for timer in reversed(slow.timers):
        timer()
    assert [message.number for message in slow.sent] == [1, 2, 3, 4, 5]
    assert bus.late_count == 0


def test_what_the_bus_behind_refuses_later_is_told() -> None:
    slow, _, bus, told, _ = slow_line()
    for data in (b"too large", b"next"):
        bus.send(Message("cell/x", data, {}, "cell/a", 1))
    for timer in slow.timers:
        timer()
    assert [message.data for message in slow.sent] == [b"next"]
    assert told == [("cell/a", "could not send to cell/x: too large with its headers")]
    with pytest.raises(PermanentPortError, match="too large"):
        bus.send(Message("cell/x", bytes(101)))


def test_messages_without_a_number_get_fates_of_their_own() -> None:
    line = Line(replace(PERFECT_BUS, loss=500_000))
    for _ in range(200):
        line.bus.send(Message("cell/x"))
    assert 60 < len(line.heard) < 140
