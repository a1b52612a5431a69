"""Resonance: what a gate makes of waves, of silence, and of what became of its openings (SEMANTICS 6).

Pure arithmetic on a :class:`Resonating`, in IEEE double + - * / and sqrt, left to right, so the same
bits come out everywhere; weights and gains are whole millionths, rounded half to even.

* 6.2  the window: the last waves that are younger than it, in the order of arrival.
* 6.3  likeness of two waves: the mean over the fields that both have, from -1 to 1.
* 6.4  value: what it was, and the mean likeness times confidence, clamped, decayed.
* 6.5  silence: each window that passes without a wave multiplies the value.
* 6.10 outcomes: they move weight and gain, once for each of the last openings.

Not here: what is read from the value, prices, and who is told (:mod:`runtime.kernel.gate`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from nimdsl.base.units import MICRO
from nimdsl.base.values import Fields, Value
from nimdsl.program.gate import TIER_OPENS, Likeness, Resonance, Weighing

OPENING_COUNT_MAX = 8
"""Of how many openings, the latest, an outcome counts."""
NOTHING = 1e-6
"""A value nearer to 0 than this is 0."""
GAIN_LEAST, GAIN_MOST = MICRO // 2, MICRO + MICRO // 2


class HeardWave(Struct, frozen=True, forbid_unknown_fields=True):
    """A wave in the window: when it came, whose it is and which, how sure, and what it says."""

    at_ns: int
    sender: str
    number: int
    confidence: float
    content: Fields


class Resonating(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a gate is; ``weight`` and ``gain`` are millionths."""

    weight: int
    value: float = 0.0
    gain: int = MICRO
    count: int = 0
    """Confirmed outcomes since it was no reflex."""
    window: tuple[HeardWave, ...] = ()
    last_ns: int | None = None
    """When the last wave was heard."""
    silent: int = 0
    """How many windows have passed in silence since."""
    opening: int = 0
    """How often it has opened."""
    judged: tuple[int, ...] = ()
    """The openings of which the outcome is known, of the last ones."""
    lived: tuple[int, ...] = ()
    """The same of outcomes in another garden."""
    used: bool = False
    """Whether it has opened, or heard of an outcome, since disuse was last looked at."""
    dry_until_ns: int = 0
    """Until when it does not ask for a price that was refused."""
    rest_until_ns: int = 0
    opened_ns: int = 0
    """When the wave came at which it opened last."""
    asleep: bool = False
    """Whether its economy sleeps."""
    explores: bool = False
    """Whether only what is lived in another garden moves weight and gain."""


class Echo(Struct, frozen=True):
    """What a wave came to: the state after it, its score, and the value before clamp and decay."""

    state: Resonating
    score: float
    raw: float


# 6.2 to 6.4


def likeness(alike: Sequence[Likeness], one: Fields, other: Fields) -> float:
    """How alike two contents are, from -1 to 1; 0 where they have no field in common."""
    total, count = 0.0, 0
    for part in alike:
        if part.field in one and part.field in other:
            total += _part(part, one[part.field], other[part.field])
            count += 1
    return total / count if count else 0.0


def _part(part: Likeness, one: Value, other: Value) -> float:
    if part.how == "same":
        return 1.0 if one == other else -1.0
    if part.how == "cosine":
        return _cosine(_numbers(one), _numbers(other))
    return max(-1.0, 1.0 - abs(_number(one) - _number(other)) / part.size)


def _cosine(one: Sequence[float], other: Sequence[float]) -> float:
    if len(one) != len(other):
        return 0.0
    across = first = second = 0.0
    for x, y in zip(one, other, strict=True):
        across += x * y
        first += x * x
        second += y * y
    lengths = math.sqrt(first) * math.sqrt(second)
    return _clamped(across / lengths) if lengths > 0.0 else 0.0


def _number(value: Value) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _numbers(value: Value) -> list[float]:
    return [_number(item) for item in value] if isinstance(value, list | tuple) else []


def hear(spec: Resonance, state: Resonating, wave: HeardWave) -> Echo:
    """The state after a wave, which is heard: its silence was counted up to its instant."""
    window = younger(state.window, wave.at_ns - spec.window_ns)[-spec.waves_max :]
    compared = [one for one in window if not spec.among_others or one.sender != wave.sender]
    score = 0.0
    if compared:
        total = 0.0
        for one in compared:
            total += likeness(spec.alike, one.content, wave.content)
        score = _clamped(total / len(compared) * state.gain / 1_000_000.0)
    return _joined(spec, state, window, wave, score)


def trust(spec: Resonance, state: Resonating, signal: HeardWave) -> Echo:
    """The state after a signal of another garden: there it agreed with others, so it scores 1."""
    window = younger(state.window, signal.at_ns - spec.window_ns)[-spec.waves_max :]
    return _joined(spec, state, window, signal, 1.0)


def _joined(
    spec: Resonance, state: Resonating, window: tuple[HeardWave, ...], wave: HeardWave, score: float
) -> Echo:
    raw = state.value + score * wave.confidence
    kept = (*window, wave)[-spec.waves_max :]
    value = _settled(_clamped(raw) * spec.decay)
    return Echo(replace(state, value=value, window=kept, last_ns=wave.at_ns, silent=0), score, raw)


def younger(window: Sequence[HeardWave], since_ns: int) -> tuple[HeardWave, ...]:
    """The waves that came after an instant, which itself does not count."""
    return tuple(one for one in window if one.at_ns > since_ns)


# 6.5


def silence_ns(spec: Resonance, state: Resonating) -> int | None:
    """When the next window has passed in silence; None where nothing was ever heard."""
    if state.last_ns is None:
        return None
    return state.last_ns + (state.silent + 1) * spec.window_ns


def silenced(spec: Resonance, state: Resonating) -> Resonating:
    """The state after one more window in silence: the value times ``silence``, and nothing in mind."""
    return replace(state, value=_settled(state.value * spec.silence), window=(), silent=state.silent + 1)


def hushed(spec: Resonance, state: Resonating, now_ns: int) -> Resonating:
    """The state after all silence up to an instant, which itself does not count.

    A value of 0 stays: the windows behind it need not be counted one by one.
    """
    while state.value != 0.0 and (at_ns := silence_ns(spec, state)) is not None and at_ns < now_ns:
        state = silenced(spec, state)
    return state


# 6.10, 6.11


def verified(
    rules: Weighing, state: Resonating, opening: int, discrepancy: int, *, lived: bool = False
) -> Resonating | None:
    """The state after an outcome of an opening, from 0 (confirmed) to one million (failed).

    ``lived`` is of the outcome that the same had in another garden, which counts besides; of a gate that
    explores, it alone moves anything.
    None where it does not count: the opening is unknown, too old, or judged.
    """
    oldest, known = state.opening - OPENING_COUNT_MAX, state.lived if lived else state.judged
    if not oldest < opening <= state.opening or opening < 1 or opening in known:
        return None
    known = tuple(one for one in (*known, opening) if one > oldest)
    state = replace(state, lived=known) if lived else replace(state, judged=known)
    if not rules.learns or (state.explores and not lived):
        return replace(state, used=True)
    lean = MICRO - 2 * discrepancy
    step = rules.confirmed if lean >= 0 else rules.failed
    count = state.count + (discrepancy == 0)
    top = MICRO if count >= rules.earn or state.weight > TIER_OPENS else TIER_OPENS
    weight = max(0, min(top, state.weight + half_even(step * lean, MICRO)))
    if state.weight > TIER_OPENS >= weight:
        count = 0
    gain = max(GAIN_LEAST, min(GAIN_MOST, state.gain + half_even(rules.adjust * lean, MICRO)))
    return replace(state, weight=weight, gain=gain, count=count, used=True)


def disused(rules: Weighing, state: Resonating) -> Resonating:
    """The state when disuse is looked at: the weight (millionths) less what it loses, if it was unused."""
    lost = 0 if state.used else rules.unused_loses
    weight = max(0, state.weight - lost)
    count = 0 if state.weight > TIER_OPENS >= weight else state.count
    return replace(state, weight=weight, count=count, used=False)


def shed(state: Resonating, until_ns: int) -> Resonating:
    """The state of a gate that is to rest: deaf, and with nothing in mind."""
    return replace(state, value=0.0, window=(), last_ns=None, silent=0, rest_until_ns=until_ns)


# 6.12


def amplified(alike: Sequence[Likeness], window: Iterable[HeardWave], trigger: HeardWave) -> float:
    """How sure all together are of the trigger, by the latest wave of each emitter that is alike."""
    latest = {one.sender: one for one in window}
    latest[trigger.sender] = trigger
    doubt = 1.0
    for sender in sorted(latest):
        one = latest[sender]
        near = 1.0 if one is trigger else likeness(alike, one.content, trigger.content)
        doubt *= 1.0 - one.confidence * max(0.0, near)
    return 1.0 - doubt


def half_even(part: int, whole: int) -> int:
    """A quotient of whole numbers, rounded half to even."""
    quotient, rest = divmod(part, whole)
    return quotient + (2 * rest > whole or (2 * rest == whole and quotient % 2 == 1))


def _clamped(value: float) -> float:
    return max(-1.0, min(1.0, value))


def _settled(value: float) -> float:
    return 0.0 if -NOTHING < value < NOTHING else value
