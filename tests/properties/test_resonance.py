"""SEMANTICS 6 on waves alone: what they do to a value, and outcomes to a weight."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace as changed
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from nimdsl.program.gate import Likeness, Resonance, Weighing
from runtime.kernel import resonance
from runtime.kernel.resonance import (
    HeardWave,
    Resonating,
    amplified,
    hear,
    hushed,
    likeness,
    silenced,
    verified,
)
from tests.support.effort import examples
from tests.support.killing import hunting

M, MS = 1_000_000, 1_000_000
WINDOW = 1_500 * MS
NEAR = Resonance(alike=(Likeness("cm", "scale", 50.0),))
START = Resonating(weight=100_000)


def wave(
    at_ns: int, confidence: float, cm: float = 20.0, sender: str = "cell/a", number: int = 0
) -> HeardWave:
    return HeardWave(at_ns, sender, number or at_ns + 1, confidence, {"cm": cm})


def after(spec: Resonance, waves: Sequence[HeardWave], state: Resonating = START) -> list[resonance.Echo]:
    """What each wave comes to, one after the other."""
    echoes = []
    for one in waves:
        echoes.append(hear(spec, hushed(spec, state, one.at_ns), one))
        state = echoes[-1].state
    return echoes


# Worked examples


def test_6_4_worked() -> None:
    """Scores of 0, 0.8 and 0.9."""
    spec = changed(NEAR, decay=1.0, silence=0.95)
    echoes = after(spec, [wave(0, 0.6, 20), wave(100 * MS, 0.7, 30), wave(200 * MS, 0.5, 25)])
    assert [one.score for one in echoes] == [0.0, 0.8, 0.9]
    assert [one.raw for one in echoes] == [0.0, 0.5599999999999999, 1.01]
    assert [one.state.value for one in echoes] == [0.0, 0.5599999999999999, 1.0]
    slower = after(NEAR, [wave(0, 0.6, 20), wave(100 * MS, 0.7, 30), wave(200 * MS, 0.5, 25)])
    assert [round(one.state.value, 6) for one in slower] == [0.0, 0.532, 0.9329]


def test_waves_that_agree_and_waves_that_do_not() -> None:
    equal = after(NEAR, [wave(number * 100 * MS, 0.3) for number in range(3)])
    assert [round(one.state.value, 6) for one in equal] == [0.0, 0.285, 0.55575]
    alone = after(NEAR, [wave(number * WINDOW, 1.0) for number in range(6)])
    assert {one.state.value for one in alone} == {0.0}
    against = after(NEAR, [wave(0, 1.0, 0.0), wave(100 * MS, 1.0, 200.0)])
    assert against[-1].state.value == -0.95


def test_together_they_are_surer() -> None:
    """math .6, calculate .5, cosine .8: amplified to .74."""
    alike = (Likeness("region", "cosine", 2.0),)
    one = HeardWave(0, "cell/speech", 1, 0.6, {"region": [1.0, 0.0]})
    other = HeardWave(1, "cell/vision", 1, 0.5, {"region": [0.8, 0.6]})
    spec = Resonance(alike=alike, among_others=True, open=0.3)
    last = after(spec, [one, other])[-1]
    assert (round(last.raw, 9), round(last.state.value, 9)) == (0.4, 0.38)
    assert round(amplified(alike, last.state.window, other), 9) == 0.74


# Laws

values = st.floats(0.0, 1.0, allow_subnormal=False)
specs = st.builds(
    Resonance,
    alike=st.just(NEAR.alike),
    among_others=st.booleans(),
    window_ns=st.integers(1, 5).map(lambda n: n * 100),
    waves_max=st.integers(1, 6),
    decay=st.sampled_from([0.5, 0.9, 0.95, 1.0]),
    silence=st.sampled_from([0.25, 0.5, 0.95]),
)
gaps = st.lists(
    st.tuples(st.integers(0, 700), values, st.integers(0, 200), st.sampled_from("ab")), max_size=30
)


def waves_of(drawn: Sequence[tuple[int, float, int, str]]) -> list[HeardWave]:
    at_ns, found = 0, []
    for number, (gap, confidence, cm, sender) in enumerate(drawn, 1):
        at_ns += gap
        found.append(HeardWave(at_ns, f"cell/{sender}", number, confidence, {"cm": float(cm)}))
    return found


def second_statement(spec: Resonance, waves: Sequence[HeardWave]) -> list[float]:
    """The values again, with a timer for every window: nothing is computed for several at once."""
    found: list[float] = []
    value, last = 0.0, None
    for number, one in enumerate(waves):
        if last is not None:
            at_ns = last + spec.window_ns
            while at_ns < one.at_ns and (value or at_ns < last + 40 * spec.window_ns):
                value *= spec.silence
                value = 0.0 if abs(value) < 1e-6 else value
                at_ns += spec.window_ns
        ring = [w for w in waves[:number] if w.at_ns > one.at_ns - spec.window_ns]
        ring = ring[len(ring) - min(len(ring), spec.waves_max) :]
        others = [w for w in ring if w.sender != one.sender] if spec.among_others else ring
        agree = [max(-1.0, 1.0 - abs(w.content["cm"] - one.content["cm"]) / 50.0) for w in others]  # type: ignore[operator]
        score = min(1.0, max(-1.0, sum(agree, 0.0) / len(agree))) if agree else 0.0
        value = min(1.0, max(-1.0, value + score * one.confidence)) * spec.decay
        value = 0.0 if abs(value) < 1e-6 else value
        found.append(value)
        last = one.at_ns
    return found


def is_lawful(spec: Resonance, drawn: Sequence[tuple[int, float, int, str]]) -> None:
    waves = waves_of(drawn)
    echoes = after(spec, waves)
    for one, echo in zip(waves, echoes, strict=True):
        state = echo.state
        assert abs(state.value) <= spec.decay, "bounds"
        assert abs(echo.raw) <= 2.0, "bounds"
        assert len(state.window) <= spec.waves_max, "bounds"
        assert all(w.at_ns > one.at_ns - spec.window_ns for w in state.window), "window"
    assert [echo.state.value for echo in echoes] == pytest.approx(second_statement(spec, waves), abs=1e-12)
    alone = [changed_time(one, place * spec.window_ns) for place, one in enumerate(waves)]
    assert {echo.state.value for echo in after(spec, alone)} <= {0.0}, "isolated"
    state = echoes[-1].state if echoes else START
    for _ in range(400):
        state = silenced(spec, state)
    assert state.value == 0.0, "silence ends"


def changed_time(one: HeardWave, at_ns: int) -> HeardWave:
    return replace(one, at_ns=at_ns)


@given(specs, gaps)
@settings(max_examples=examples(300))
def test_waves_and_silence(spec: Resonance, drawn: list[tuple[int, float, int, str]]) -> None:
    is_lawful(spec, drawn)


@given(st.floats(0.01, 1.0), st.sampled_from([0.5, 0.9, 0.95]), st.floats(0.05, 0.9))
@settings(max_examples=examples(200))
def test_equal_waves_open_where_they_can(confidence: float, decay: float, threshold: float) -> None:
    """agree: the limit of the value is decay * min(1, k / (1 - decay))."""
    spec = changed(NEAR, decay=decay, open=threshold)
    limit = decay * min(1.0, confidence / (1.0 - decay))
    most = max(one.state.value for one in after(spec, [wave(n * MS, confidence) for n in range(400)]))
    if abs(limit - threshold) > 1e-3:
        assert (most > threshold) == (limit > threshold)


weights = st.one_of(st.integers(0, M), st.integers(780_000, 830_000))
rules = st.builds(
    Weighing,
    confirmed=st.integers(0, 200_000),
    failed=st.integers(0, 200_000),
    adjust=st.integers(0, 100_000),
    earn=st.integers(0, 5),
    learns=st.booleans(),
)
outcomes = st.lists(
    st.tuples(st.integers(-1, 12), st.sampled_from([0, M, M // 2, 100_000, 900_000])), max_size=40
)


def weighs_lawfully(how: Weighing, start: int, drawn: Sequence[tuple[int, int]]) -> None:
    state, judged = Resonating(weight=start, opening=10, count=start % 4), set[int]()
    for opening, discrepancy in drawn:
        found = verified(how, state, opening, discrepancy)
        fits = 2 < opening <= 10 and opening not in judged
        assert (found is not None) == fits, "once, and only of the last eight"
        if found is None:
            continue
        judged.add(opening)
        step = found.weight - state.weight
        assert 0 <= found.weight <= M
        assert M // 2 <= found.gain <= M + M // 2
        if not how.learns:
            assert (step, found.gain) == (0, state.gain)
        assert step <= how.confirmed * (discrepancy < M // 2)
        assert -step <= max(how.failed, 0) * (discrepancy > M // 2)
        if state.weight <= 800_000 < found.weight:
            assert found.count >= how.earn, "a reflex is earned"
        if state.weight > 800_000 >= found.weight:
            assert found.count == 0, "what is lost is earned anew"
        elif how.learns:
            assert found.count == state.count + (discrepancy == 0)
        state = found


@given(rules, weights, outcomes)
@settings(max_examples=examples(400))
def test_outcomes_move_the_weight(how: Weighing, start: int, drawn: list[tuple[int, int]]) -> None:
    weighs_lawfully(how, start, drawn)


# Defects

Mutant = Callable[[pytest.MonkeyPatch], None]


def _hear(change: Callable[[Resonance, Resonating, HeardWave], Any]) -> Mutant:
    """A mutant of ``hear``, which the laws call by the module."""
    return lambda patch: patch.setitem(globals(), "hear", change)


def _no_decay(spec: Resonance, state: Resonating, one: HeardWave) -> Any:
    return resonance.hear(changed(spec, decay=1.0), state, one)


def _no_confidence(spec: Resonance, state: Resonating, one: HeardWave) -> Any:
    echo = resonance.hear(spec, state, replace(one, confidence=1.0))
    return replace(echo, state=replace(echo.state, window=(*echo.state.window[:-1], one)))


def _closed_window(spec: Resonance, state: Resonating, one: HeardWave) -> Any:
    return resonance.hear(changed(spec, window_ns=spec.window_ns + 1), state, one)


def _agrees_with_itself(spec: Resonance, state: Resonating, one: HeardWave) -> Any:
    return resonance.hear(spec, replace(state, window=(*state.window, replace(one, sender="cell/c"))), one)


def _endless_ring(spec: Resonance, state: Resonating, one: HeardWave) -> Any:
    return resonance.hear(changed(spec, waves_max=10**6), state, one)


def _negative_as_nothing(patch: pytest.MonkeyPatch) -> None:
    original = resonance.likeness
    patch.setattr(resonance, "likeness", lambda *given: max(0.0, original(*given)))


def _silence_for_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(
        globals(), "silenced", lambda spec, state: resonance.silenced(changed(spec, silence=1.0), state)
    )


def _silence_at_the_edge(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(globals(), "hushed", lambda spec, state, at: resonance.hushed(spec, state, at + 1))


def _tiny_lives_on(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(resonance, "NOTHING", 0.0)


WAVES = {
    "no decay": _hear(_no_decay),
    "confidence ignored": _hear(_no_confidence),
    "window closed at both ends": _hear(_closed_window),
    "agrees with itself": _hear(_agrees_with_itself),
    "ring without bound": _hear(_endless_ring),
    "negative scores as nothing": _negative_as_nothing,
    "silence takes nothing": _silence_for_nothing,
    "a wave at the edge comes too late": _silence_at_the_edge,
    "tiny values live on": _tiny_lives_on,
}


@pytest.mark.parametrize("mutant", WAVES)
def test_the_laws_of_waves_kill(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    WAVES[mutant](monkeypatch)
    hunt(lambda spec, drawn: is_lawful(spec, drawn), specs, gaps)


def _judged_again(*given: Any) -> Any:
    how, state, opening, discrepancy = given
    return resonance.verified(how, replace(state, judged=()), opening, discrepancy)


def _any_opening(*given: Any) -> Any:
    how, state, opening, discrepancy = given
    return resonance.verified(
        how, replace(state, opening=max(state.opening, opening + 1)), opening, discrepancy
    )


def _for_nothing(*given: Any) -> Any:
    how, *rest = given
    return resonance.verified(changed(how, earn=0), *rest)


def _kept_count(*given: Any) -> Any:
    found, state = resonance.verified(*given), given[1]
    return found and replace(found, count=max(found.count, state.count))


def _wrong_way(*given: Any) -> Any:
    how, state, opening, discrepancy = given
    return resonance.verified(how, state, opening, M - discrepancy)


WEIGHTS = {
    "judged again": _judged_again,
    "any opening": _any_opening,
    "a reflex for nothing": _for_nothing,
    "count kept": _kept_count,
    "the wrong way": _wrong_way,
}


@pytest.mark.parametrize("mutant", WEIGHTS)
def test_the_laws_of_weights_kill(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "verified", WEIGHTS[mutant])
    hunt(
        lambda args, drawn: weighs_lawfully(args[0], args[1], drawn),
        st.tuples(rules, weights),
        outcomes,
    )


def hunt(law: Callable[[Any, Any], None], *drawn: st.SearchStrategy[Any]) -> None:
    @given(*drawn)
    @hunting(20_000)
    def search(one: Any, other: Any) -> None:
        law(one, other)

    with pytest.raises(AssertionError):
        search()


def test_likeness() -> None:
    parts = (Likeness("a", "same"), Likeness("b", "cosine", 2.0), Likeness("c", "scale", 10.0))
    assert likeness(parts, {"a": "x"}, {"a": "x"}) == 1.0
    assert likeness(parts, {"a": "x", "b": [1.0, 0.0]}, {"a": "y", "b": [0.0, 1.0]}) == -0.5
    assert likeness(parts, {"b": [0.0, 0.0]}, {"b": [0.0, 1.0]}) == 0.0
    assert likeness(parts, {"c": 1}, {"c": 100}) == -1.0
    assert likeness(parts, {"a": "x"}, {"b": [1.0]}) == 0.0
