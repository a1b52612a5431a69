"""SEMANTICS 5.9, 6.9 over random waves and losses: an open gate tells attention again, and is forgotten."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gardens.stores.memory import MemoryJournal
from nimdsl.program import Beat, Level
from runtime.kernel import beat as beats
from runtime.kernel.effects import SendMessage
from runtime.kernel.events import Received
from runtime.kernel.gate import GateStep
from runtime.kernel.interpreters import PlainInterpreter
from runtime.kernel.kernel import Kernel
from runtime.kernel.scheduler import Scheduler
from runtime.records import Arrived, Ran
from runtime.run.host import Checks, Host
from tests.support.attentions import WORK
from tests.support.effort import examples
from tests.support.gates import MS, GateAlone, gate_of
from tests.support.killing import hunting
from tests.support.small_garden import PUNCTUAL, SmallGarden, actor_of

BEAT_NS = 2_000 * MS
SETTLE_NS = 200 * MS


@dataclass(frozen=True)
class World:
    """A gate that hears waves, what is lost of what it says, and who has the time before it."""

    gaps: tuple[int, ...]
    lost: tuple[bool, ...]
    """Of the messages in each quarter of a second, over and over."""
    late_ns: int
    busy_ns: int
    """What a higher level takes of each beat."""
    carry: bool

    @cached_property
    def gate(self) -> GateAlone:
        """The gate after its life."""
        gate, at_ns = GateAlone(gate_of(memory="{silence: 25%}"), again_ns=BEAT_NS // 2), 0
        for gap_ns in self.gaps:
            at_ns += gap_ns
            gate.wave(at_ns, 1.0)
        gate.until(at_ns + 20 * BEAT_NS)
        return gate

    @property
    def openings(self) -> list[tuple[int, int]]:
        """From when to when it was open."""
        changes = self.gate.readings()
        return [(one[0], two[0]) for one, two in pairwise(changes) if one[1] == "open"]

    def is_lost(self, at_ns: int) -> bool:
        """Whether what is sent at an instant is."""
        return self.lost[at_ns // (250 * MS) % len(self.lost)]

    @property
    def came(self) -> list[tuple[int, SendMessage]]:
        """What attention hears, and when."""
        return [(at_ns + self.late_ns, one) for at_ns, one in self.gate.told if not self.is_lost(at_ns)]

    def attention(self, came: Sequence[tuple[int, SendMessage]]) -> Host:
        """Attention after what came."""
        busy = Level("busy", "all", baseline_ns=self.busy_ns)
        mind = Level("mind", "all", takes_ns=100 * MS, tiers=(0, 1, 2, 3, 4), carry=self.carry)
        actor = actor_of(Beat(BEAT_NS, 0, SETTLE_NS, (busy, mind)), {WORK.name: WORK})
        kernel = Kernel(actor, PlainInterpreter(actor.table), {})
        garden = SmallGarden(Host(kernel, MemoryJournal(), Checks(restore=True)), None, PUNCTUAL)
        for at_ns, one in came:
            event = Received(one.event, one.payload, sender="gate/g", number=one.number)
            garden.due(at_ns, 1, one.number, event)
        garden.run((), (max((at_ns for at_ns, _ in self.gate.told), default=0) // BEAT_NS + 5) * BEAT_NS)
        return garden.host


gaps = st.sampled_from([10, 300, 700, 700, 1_200, 1_200, 4_000]).map(lambda ms: ms * MS)
worlds = st.builds(
    World,
    st.lists(gaps, max_size=24).map(tuple),
    st.lists(st.booleans(), min_size=1, max_size=16).map(tuple),
    st.sampled_from([0, 1, 5 * MS]),
    st.sampled_from([0, 0, 500 * MS, BEAT_NS]),
    st.booleans(),
)


def opening_of(one: SendMessage) -> int:
    """Which opening a message is about."""
    payload: Any = one.payload
    return int(payload["opening"])


def items(host: Host) -> list[int]:
    """When the gate's items arrived."""
    found = ((one.body, one.at_ns) for one in host.records)
    return [at_ns for body, at_ns in found if isinstance(body, Arrived) and body.gate]


def is_heard_of(world: World) -> None:
    """Who stays open for two beats has its item, unless every copy is lost."""
    came = items(world.attention(world.came))
    for from_ns, to_ns in world.openings:
        told = [at_ns for at_ns in range(from_ns, to_ns, BEAT_NS // 2) if not world.is_lost(at_ns)]
        known = [at_ns + world.late_ns for at_ns in told]
        if to_ns - from_ns < 2 * BEAT_NS or not known:
            continue
        first_ns = known[0]
        if first_ns % BEAT_NS >= BEAT_NS - SETTLE_NS:
            first_ns += BEAT_NS - first_ns % BEAT_NS
        if first_ns < to_ns:
            assert any(from_ns <= at_ns <= first_ns for at_ns in came), "it never has its item"


def is_forgotten(world: World) -> None:
    """Nothing is begun for a gate two beats after it was heard last."""
    host = world.attention(world.came)
    told = [at_ns for at_ns, one in world.came if one.event == "opened"]
    begun = {
        one.body.item: one.body.from_ns
        for one in reversed(host.records)
        if isinstance(one.body, Ran) and one.body.level == "mind"
    }
    for at_ns in (*items(host), *begun.values()):
        assert any(at_ns - 2 * BEAT_NS < one <= at_ns for one in told), "it is served unheard"


def is_one_item(world: World) -> None:
    """Within a beat an item comes where something is new: an opening, or a gate that was forgotten."""
    heard: dict[int, list[int]] = {}
    host = world.attention(world.came)
    for at_ns, one in world.came:
        if one.event == "opened":
            heard.setdefault(opening_of(one), []).append(at_ns)
    new = {times[0] for times in heard.values()}
    for times in heard.values():
        new |= {two for one, two in pairwise(times) if two - one >= 2 * BEAT_NS}
    assert all(at_ns % BEAT_NS == 0 or at_ns in new for at_ns in items(host)), "a second item"


def is_the_same(world: World) -> None:
    """Where nothing is lost, nothing hangs on what is told again."""
    every = [(at_ns + world.late_ns, one) for at_ns, one in world.gate.told]
    once = {(one.event, opening_of(one)): (at_ns, one) for at_ns, one in reversed(every)}
    found = world.attention(every)
    with pytest.MonkeyPatch.context() as patch:
        never_forgotten(patch)
        wanted = world.attention([*once.values()])
    for one, other in zip(found.records, wanted.records, strict=True):
        assert (one.body, one.at_ns) == (other.body, other.at_ns), "it decided something else"


LAWS = (is_heard_of, is_forgotten, is_one_item, is_the_same)


@given(worlds)
@settings(max_examples=examples(60))
def test_an_open_gate_is_heard_of(world: World) -> None:
    for law in LAWS:
        law(world)


@given(worlds, st.permutations(range(12)))
@settings(max_examples=examples(30))
def test_what_comes_late_is_nothing(world: World, order: Sequence[int]) -> None:
    """What overtakes what: of one that has closed attention brings no item any more."""
    told = world.gate.told[: len(order)]
    shuffled = sorted(zip(order, told, strict=False))
    end_ns = max((at_ns for at_ns, _ in told), default=0)
    host = world.attention([(end_ns + n * MS, one) for n, (_, (_, one)) in enumerate(shuffled)])
    shut = [opening_of(one) for _, one in told if one.event == "closed"]
    beat = host.snapshot.beat
    assert beat is not None
    assert beat.shut.get("g", 0) == max(shut, default=0)
    assert all(one.opening > max(shut, default=0) for one in beat.gates.values())


Mutant = Callable[[pytest.MonkeyPatch], None]


def never_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(GateStep, "_arm_again", lambda _: None)


def never_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(beats, "UNHEARD_BEATS", 1_000)


def an_item_each_time(patch: pytest.MonkeyPatch) -> None:
    """What is told again is taken for an opening."""
    original = Scheduler.open_gate

    def open_gate(self: Scheduler, gate: str, opened: Any, at_ns: int) -> None:
        self.state.gates = {name: one for name, one in self.state.gates.items() if name != gate}
        original(self, gate, opened, at_ns)

    patch.setattr(Scheduler, "open_gate", open_gate)


KILLED = ((never_again, is_heard_of), (never_forgotten, is_forgotten), (an_item_each_time, is_one_item))


@pytest.mark.slow
@pytest.mark.parametrize(("mutant", "law"), KILLED, ids=lambda one: one.__name__)
def test_the_laws_kill(
    mutant: Mutant, law: Callable[[World], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    mutant(monkeypatch)

    @given(worlds)
    @hunting(5_000)
    def hunt(world: World) -> None:
        law(world)

    with pytest.raises(AssertionError):
        hunt()
