"""SEMANTICS 10 over random lives: what another garden is sure of, what it lived, and what is made of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from nimdsl.base.units import MICRO
from nimdsl.program.garden import Signals
from runtime import records
from runtime.kernel import resonance
from runtime.kernel.events import Begin
from runtime.run.chronicle import GateOpened, Judged, Signalled, Told
from runtime.run.predictions import Prediction, Predictions
from tests.support.effort import examples
from tests.support.gates import MS, GateAlone, gate_of
from tests.support.killing import Mutant, hunting

WINDOW_NS = 1_500 * MS
DECAY = 0.95
verdicts = st.tuples(
    st.sampled_from(["verified", "lived"]), st.integers(0, 6), st.sampled_from(["confirmed", "failed"])
)
waves = st.tuples(st.just("wave"), st.sampled_from([0.2, 1.0]), st.sampled_from([0.0, 20.0, 90.0]))
signals = st.tuples(st.just("signal"), st.sampled_from([0.1, 0.6, 1.0]), st.sampled_from([0.0, 20.0, 90.0]))
lives = st.lists(
    st.tuples(st.integers(0, 3_000).map(lambda ms: ms * MS), st.one_of(waves, signals, signals, verdicts)),
    max_size=30,
)
Life = list[tuple[int, tuple[str, Any, Any]]]


def is_lawful(life: Life, explores: bool) -> None:
    spec = gate_of(weight="{start: 50%, confirmed: 3%, failed: 4%, earn: 3}")
    gate = GateAlone(spec, begins=Begin(explores=explores))
    at_ns, judged, weight, openings = 0, set[tuple[str, int]](), 500_000, 0
    for gap_ns, (what, how, more) in life:
        at_ns += gap_ns
        if what in ("verified", "lived"):
            gate.until(at_ns)
            openings = gate.state.opening
            counts = 1 <= how <= openings and how > openings - 8 and (what, how) not in judged
            gate.tell(at_ns, what, {"opening": how, "outcome": more})
            if counts:
                judged.add((what, how))
                moves = what == "lived" or not explores
                weight = weighed(weight, gate.state.count, more) if moves else weight
            assert gate.state.weight == weight, "each outcome that counts, once"
        elif what == "wave":
            gate.wave(at_ns, how, more)
        else:
            is_trusted(gate, at_ns, how, more)


def weighed(weight: int, count: int, outcome: str) -> int:
    step = 30_000 if outcome == "confirmed" else -40_000
    top = MICRO if count >= 3 or weight > 800_000 else 800_000
    return max(0, min(top, weight + step))


def is_trusted(gate: GateAlone, at_ns: int, confidence: float, cm: float) -> None:
    """It scores 1, whatever was heard before; so it opens a gate by itself, if it is sure enough."""
    gate.until(at_ns)
    before = resonance.hushed(gate.gate.resonance, gate.state, at_ns).value
    gate.tell(at_ns, "signal", {"confidence": confidence, "content": {"cm": cm}})
    heard = [one.body for one in gate.host.records if isinstance(one.body, records.Resonated)][-1]
    assert (heard.score, heard.raw) == (1.0, before + confidence), "what was verified scores 1"
    assert heard.value == max(-1.0, min(1.0, before + confidence)) * DECAY
    if heard.value > gate.gate.resonance.open:
        assert gate.reading == "open", "it needs no second one"


@given(lives, st.booleans())
@settings(max_examples=examples(100))
def test_every_life_with_another_garden_is_lawful(life: Life, explores: bool) -> None:
    is_lawful(life, explores)


# Predictions

tellings = st.one_of(
    st.tuples(st.just("opens"), st.sampled_from([0.3, 0.7, 0.9])),
    st.tuples(st.just("takes"), st.integers(1, 6)),
    st.tuples(st.just("judges"), st.integers(1, 6)),
    st.tuples(st.just("fades"), st.none()),
)


def is_kept(tellings: list[tuple[str, Any]], probe: int) -> None:
    """Each prediction has one fate, and its outcome is that of the opening in which it was taken."""
    predictions = Predictions(Signals("s", 600_000, 100_000, probe), frozenset({"g"}))
    opened, unsure, fates = 0, 0, dict[int, list[str]]()
    for what, how in tellings:
        told: list[Told] = []
        if what == "opens":
            opened += 1
            unsure += how < 0.6
            fresh = predictions.expect([GateOpened("g", opened, 0, how, {})], 1)
            assert bool(fresh) == (how >= 0.6 or (probe > 0 and unsure % probe == 0)), "who is told"
        elif what == "takes" and how <= len(predictions.made):
            told = [Signalled("g", how, how)]
        elif what == "judges":
            told = [Judged("g", how, 0, "failed", MICRO)]
        elif what == "fades":
            predictions.fade()
        for one in predictions.live(told):
            assert one.real_opening > 0, "of an opening that took it"
            fates.setdefault(one.number, []).append("verified")
    for one in predictions.made:
        known = fates.get(one.number, [])
        assert len(known) == (one.fate == "verified"), "once"
        if one.fate == "waiting":
            assert one.left >= one.confidence / 2, "who waits is sure enough"
        if one.fate == "faded":
            assert one.left < one.confidence / 2


@given(st.lists(tellings, max_size=25), st.integers(0, 3))
@settings(max_examples=examples(150))
def test_every_prediction_has_one_fate(tellings: list[tuple[str, Any]], probe: int) -> None:
    is_kept(tellings, probe)


# Defects


def scores_like_a_wave(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(resonance, "trust", resonance.hear)


def counts_what_it_found_itself(patch: pytest.MonkeyPatch) -> None:
    """A gate that explores learns from its own garden."""
    verified = resonance.verified

    def _verified(rules: Any, state: Any, *rest: Any, **how: Any) -> Any:
        after = verified(rules, replace(state, explores=False), *rest, **how)
        return after and replace(after, explores=state.explores)

    patch.setattr(resonance, "verified", _verified)


def judges_twice(patch: pytest.MonkeyPatch) -> None:
    """What is lived counts as often as it is told."""
    verified = resonance.verified

    def _verified(rules: Any, state: Any, *rest: Any, lived: bool = False) -> Any:
        return verified(rules, replace(state, lived=()) if lived else state, *rest, lived=lived)

    patch.setattr(resonance, "verified", _verified)


def shares_one_memory(patch: pytest.MonkeyPatch) -> None:
    """An opening that its own garden has judged is not judged by what is lived."""
    verified = resonance.verified
    patch.setattr(resonance, "verified", lambda *rest, lived=False: verified(*rest, lived=False))


@pytest.mark.slow
@pytest.mark.parametrize(
    "mutant",
    [scores_like_a_wave, counts_what_it_found_itself, judges_twice, shares_one_memory],
    ids=lambda one: one.__name__,
)
def test_the_laws_of_gates_kill(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant(monkeypatch)
    hunt = hunting(5_000)(given(lives, st.booleans())(is_lawful))
    with pytest.raises(AssertionError):
        hunt()


def tells_everything(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Predictions, "_is_told", lambda *_: True)


def never_fades(patch: pytest.MonkeyPatch) -> None:
    def fade(self: Predictions) -> None:
        for one in self._waiting.values():
            one.left *= 0.9

    patch.setattr(Predictions, "fade", fade)


def verifies_what_nobody_took(patch: pytest.MonkeyPatch) -> None:
    made = Predictions._made

    def _made(self: Predictions, one: GateOpened, beat: int) -> Prediction:
        self._judged["g", 0] = Judged("g", 0, 0, "failed", MICRO)
        return made(self, one, beat)

    patch.setattr(Predictions, "_made", _made)


def verifies_again(patch: pytest.MonkeyPatch) -> None:
    """One that has an outcome gets another one."""
    verified = Predictions._verified

    def _verified(self: Predictions) -> Any:
        known = {**self._waiting}
        found = [*verified(self)]
        self._waiting.update(known)
        return iter(found)

    patch.setattr(Predictions, "_verified", _verified)


@pytest.mark.slow
@pytest.mark.parametrize(
    "mutant",
    [tells_everything, never_fades, verifies_what_nobody_took, verifies_again],
    ids=lambda one: one.__name__,
)
def test_the_laws_of_predictions_kill(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant(monkeypatch)
    hunt: Callable[[], None] = hunting(5_000)(
        given(st.lists(tellings, max_size=25), st.integers(0, 3))(is_kept)
    )
    with pytest.raises(AssertionError):
        hunt()
