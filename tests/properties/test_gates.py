"""SEMANTICS 6 over random waves, poverty, outcomes and sheddings: what every life of a gate obeys."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from nimdsl.base.units import MICRO
from runtime import records
from runtime.kernel import resonance
from runtime.kernel.effects import Book
from runtime.kernel.gate import REST, GateStep
from runtime.ledger.accounts import Reward, Tariff
from runtime.ledger.economy import Ledger
from tests.support.effort import examples
from tests.support.gates import MS, GateAlone, both, gate_of
from tests.support.killing import hunting

WINDOW_NS = 1_500 * MS
Comes = tuple[int, str, Any]
waves = st.tuples(
    st.just("wave"),
    st.tuples(st.sampled_from([0.1, 0.5, 1.0, 1.0]), st.sampled_from([0.0, 10.0, 20.0, 20.0, 20.0, 90.0])),
)
outcomes = st.tuples(
    st.just("verified"),
    st.tuples(st.integers(0, 5), st.sampled_from(["confirmed", "failed"])),
)
others = st.tuples(st.sampled_from(["shed", "silence"]), st.just(()))
lives = st.lists(
    st.tuples(
        st.integers(0, 1_600).map(lambda ms: ms * MS), st.one_of(waves, waves, waves, outcomes, others)
    ),
    max_size=40,
)
gates = st.fixed_dictionaries(
    {
        "thresholds": st.sampled_from(["{open: 0.5}", "{open: 0.3, slack: 0.2}"]),
        "memory": st.sampled_from(["{silence: 25%}", "{silence: 90%}", "{decay: 60%}"]),
        "cost": st.sampled_from(["{open: 1, close: 1}", "{open: 1, rest: 2s}"]),
        "weight": st.sampled_from(
            ["{start: 10%}", "{start: 79%, earn: 2, confirmed: 5%, failed: 5%}", "{start: 82%}"]
        ),
    }
)


def lived(
    spec: dict[str, str], life: Sequence[tuple[int, tuple[str, Any]]], poor: int
) -> tuple[GateAlone, list[int]]:
    """The gate after its life, and how often it paid; it cannot each so many times."""
    paid: list[int] = []
    asked: list[int] = []
    at_ns = 0

    def pays(_: Any) -> bool:
        asked.append(at_ns)
        can = len(asked) % (poor + 1) == 0
        paid.extend([at_ns] * can)
        return can

    gate = GateAlone(gate_of(**spec), pays)
    for gap_ns, (what, how) in life:
        at_ns += gap_ns
        if what == "wave":
            gate.wave(at_ns, *how)
        elif what == "verified":
            gate.tell(at_ns, what, {"opening": how[0], "outcome": how[1]})
        elif what == "shed":
            gate.tell(at_ns, what, {})
        else:
            gate.until(at_ns)
    gate.until(at_ns + 200 * WINDOW_NS)
    return gate, paid


def is_lawful(spec: dict[str, str], life: Sequence[tuple[int, tuple[str, Any]]], poor: int) -> None:
    gate, paid = lived(spec, life, poor)
    before, opening, cost = "stable", 0, 0
    for record in gate.host.records:
        match body := record.body:
            case records.ReadingChanged():
                assert body.source == before, "chain"
                assert "stable" in (body.source, body.target) or body.target == "resting", "through stable"
                before, cost = body.target, cost + body.cost
                if body.target == "open":
                    opening += 1
                    assert body.opening == opening, "openings count themselves"
                    assert body.tier > 0 or not body.cost, "a reflex is free"
                if body.target == "resting":
                    assert body.tier > 0, "a reflex cannot be shed"
                if body.source == "open" and body.tier == 0 and body.cause == "waves":
                    heard = {r.time_ns for r in gate.host.records if isinstance(r.body, records.Resonated)}
                    assert record.time_ns not in heard, "a reflex is left in silence"
            case records.Refused():
                assert before == "stable", "refused, it stays"
    assert cost == 1_000_000 * len(paid), "what it says it paid"
    refusals = [r.time_ns for r in gate.host.records if isinstance(r.body, records.Refused)]
    gaps = [two - one for one, two in pairwise(refusals)]
    assert all(gap >= WINDOW_NS for gap in gaps), "it asks once a window"
    assert gate.reading not in ("open", "closed"), "silence ends everything"


@given(gates, lives, st.integers(0, 6))
@settings(max_examples=examples(80))
def test_every_life_is_lawful(spec: dict[str, str], life: Any, poor: int) -> None:
    is_lawful(spec, life, poor)


LEARNING = {
    "thresholds": "{open: 0.3}",
    "memory": "{silence: 25%}",
    "weight": "{start: 76%, earn: 1, confirmed: 5%, failed: 5%, reward: 50}",
}
judged = st.lists(st.sampled_from(["confirmed", "failed"]), max_size=12)


def is_rewarded_once(outcomes: Sequence[str]) -> None:
    """Each opening has one of these outcomes; the ledger gives what was earned, once."""
    gate, at_ns = GateAlone(gate_of(**LEARNING)), 0
    for opening, outcome in enumerate(outcomes, start=1):
        at_ns += 20 * WINDOW_NS
        for wave in range(3):
            gate.wave(at_ns + wave * MS, 1.0)
        gate.tell(at_ns + 4 * MS, "verified", {"opening": opening, "outcome": outcome})
    gate.until(at_ns + 20 * WINDOW_NS)
    ledger = Ledger(Tariff("body", 0, 0, None, {"gate/g": 50 * MICRO}, {}, {}, 1))
    for booked_ns, command in gate.booked:
        ledger.apply(command, booked_ns)
    weights = [one.body.weight for one in gate.host.records if isinstance(one.body, records.Weighed)]
    assert len(weights) == len(outcomes)
    earned = any(one > 800_000 for one in weights)
    assert ledger.balance == 50 * MICRO * earned, "once for all reflexes that it earned"
    assert len(gate.booked) == sum(
        before <= 800_000 < after for before, after in pairwise([760_000, *weights])
    ), "it asks when it becomes one"


@given(judged)
@settings(max_examples=examples(60))
def test_a_reflex_is_rewarded_once_however_often_it_is_earned(outcomes: Sequence[str]) -> None:
    is_rewarded_once(outcomes)


@pytest.mark.slow
def test_a_reward_for_each_time_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key is that of the opening."""

    def earned(self: GateStep) -> None:
        actor = self.context.actor
        key = f"{actor.id}/reflex-{self._state.opening}"
        self.context.effects.append(Book(Reward(actor.id, (key,), actor.id)))

    monkeypatch.setattr(GateStep, "_earned", earned)

    @given(judged)
    @hunting(2_000)
    def hunt(outcomes: Sequence[str]) -> None:
        is_rewarded_once(outcomes)

    with pytest.raises(AssertionError):
        hunt()


Mutant = Callable[[pytest.MonkeyPatch], None]


def silence_skipped(patch: pytest.MonkeyPatch) -> None:
    """Of several windows in silence only one counts."""
    original = resonance.hushed

    def hushed(spec: Any, state: Any, now_ns: int) -> Any:
        after = original(spec, state, now_ns)
        return after if after.silent == state.silent else resonance.silenced(spec, state)

    patch.setattr(resonance, "hushed", hushed)


def never_reset(patch: pytest.MonkeyPatch) -> None:
    """Windows are counted on over a wave."""
    original = resonance.hear

    def hear(spec: Any, state: Any, wave: Any) -> Any:
        echo = original(spec, state, wave)
        return replace(echo, state=replace(echo.state, silent=state.silent))

    patch.setattr(resonance, "hear", hear)


def asks_at_each_wave(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(GateStep, "_may_ask", True)


def counted_when_refused(patch: pytest.MonkeyPatch) -> None:
    original = GateStep._refused

    def refused(self: GateStep) -> None:
        self.context.gate = replace(self._state, opening=self._state.opening + 1)
        original(self)

    patch.setattr(GateStep, "_refused", refused)


def reflex_pays(patch: pytest.MonkeyPatch) -> None:
    original = GateStep._open
    patch.setattr(GateStep, "_open", lambda self, event, trigger: original(self, "opens", trigger))


def reflex_is_shed(patch: pytest.MonkeyPatch) -> None:
    def shed(self: GateStep) -> None:
        if self._reading == "open":
            until_ns = self.context.now_ns + WINDOW_NS
            self._move("rests", "shed")
            self.context.gate = resonance.shed(self._state, until_ns)
            self.context.arm(REST, until_ns)

    patch.setattr(GateStep, "_shed", shed)


def left_at_the_value(patch: pytest.MonkeyPatch) -> None:
    """A reflex is left by a wave, as others are."""
    original = GateStep._read

    def read(self: GateStep, trigger: Any) -> None:
        spec = self.spec
        if self._reading == "open" and self._state.value <= spec.open - spec.slack:
            self._settle()
        original(self, trigger)

    patch.setattr(GateStep, "_read", read)


CHAIN = (asks_at_each_wave, counted_when_refused, reflex_pays, reflex_is_shed, left_at_the_value)
LAZY = (silence_skipped, never_reset)


@pytest.mark.slow
@pytest.mark.parametrize("mutant", [*CHAIN, *LAZY], ids=lambda one: one.__name__)
def test_the_laws_kill(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant(monkeypatch)
    plain = {"thresholds": "{open: 0.5}", "memory": "{silence: 90%}"}

    @given(gates, lives, st.integers(0, 6))
    @hunting(20_000)
    def hunt(spec: dict[str, str], life: Any, poor: int) -> None:
        if mutant in CHAIN:
            is_lawful(spec, life, poor)
            return
        at_ns, came = 0, []
        for gap_ns, (what, how) in life:
            at_ns += 3 * gap_ns
            if what == "wave":
                came.append((at_ns, *how, "cell/a"))
        found, wanted = both(gate_of(**plain), came, at_ns + 200 * WINDOW_NS)
        assert found == wanted

    with pytest.raises(AssertionError):
        hunt()
