"""What surrounds a step by the kind of its actor: a gate's waves, a nerve's senses, a beat, cards.

Each section has lines for people and the same as plain data: seconds, LF, shares from 0 to 1.  A kind that
is not known here has none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from gardens.report import words
from nimdsl.base.units import MICRO, SECOND_NS
from nimdsl.base.values import Fields, Value
from nimdsl.base.words import counted
from nimdsl.program import Actor, Attention, Nerve
from nimdsl.program.gate import Gate, tier_of
from nimdsl.program.nerve import BOUND_NS
from nimdsl.program.rack import Rack
from runtime import records
from runtime.kernel import arbiter, resonance
from runtime.kernel.arbiter import RackState, Resident
from runtime.kernel.beat import BeatState, LevelState, remaining_ns
from runtime.kernel.events import WAVE, Received, Stimulus
from runtime.kernel.gate import ear_of
from runtime.kernel.kernel import Kernel
from runtime.kernel.nerve import CONFIRMED, FAILED
from runtime.kernel.offered import fields_of
from runtime.kernel.resonance import HeardWave
from runtime.kernel.step_context import StepContext
from runtime.records import Record
from runtime.run.guards import Tested, tested
from runtime.run.history import Looked

SHOWN_MAX: Final = 6
"""How many waves, levels, requests are shown; the rest are counted."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What surrounds a step: lines with their labels, the same as data, and what was tested beside rows."""

    lines: tuple[tuple[str, str], ...] = ()
    data: Fields = field(default_factory=dict)
    conditions: tuple[tuple[str, Tested], ...] = ()
    """Conditions that are no guard of a row, each with what it decides."""
    waves: tuple[tuple[str, str], ...] = ()
    """Of a gate: the waves that it had in mind, as lines."""


def seconds(time_ns: int) -> str:
    """An instant, exactly: ``12.36 s``."""
    return f"{time_ns // SECOND_NS}.{time_ns % SECOND_NS:09d}".rstrip("0").rstrip(".") + " s"


def surroundings_of(kernel: Kernel, looked: Looked, record: Record | None) -> Surroundings:
    """What surrounds a step."""
    actor = kernel.actor
    match actor:
        case Gate():
            return _of_a_gate(kernel, actor, looked)
        case Nerve():
            return _of_a_nerve(kernel, actor, looked, record)
        case Attention():
            return _of_attention(actor, looked)
        case Rack():
            return _of_a_rack(actor, looked)
    if record is not None and isinstance(record.body, records.HandshakeEnded):
        return _of_a_handshake(record.body)
    return _of_a_request(actor, looked)


def _shown(lines: list[tuple[str, str]], label: str, count_max: int = SHOWN_MAX) -> list[tuple[str, str]]:
    """The last of many lines, and how many more there are."""
    left = len(lines) - count_max
    if left <= 0:
        return lines
    return [*lines[left:], (label, f"and {left} earlier")]


# A gate


def _of_a_gate(kernel: Kernel, gate: Gate, looked: Looked) -> Surroundings:
    before, after = looked.before.gate, looked.after.gate
    if after is None:
        return Surroundings()
    before = after if before is None else before
    spec, heard = gate.resonance, _heard(looked)
    value = (
        f"{before.value:.4g} → {after.value:.4g}" if before.value != after.value else f"{after.value:.4g}"
    )
    reads = f"{looked.after.state}; opens above {spec.open:g}, closes below {spec.close:g}"
    reads += f", slack {spec.slack:g}" if spec.slack else ""
    tier = tier_of(after.weight, gate.below)
    weighs = f"{words.share(after.weight, MICRO)}, tier {tier}, gain {after.gain / MICRO:g}"
    lines = [
        ("value", value + _made_of(heard, before.value, spec.decay)),
        ("reads", reads),
        ("weighs", weighs),
    ]
    wave = heard[0] if heard else None
    window = after.window if heard else before.window
    waves = [("wave", _wave(gate, one, wave)) for one in window]
    data: Fields = {
        "value": {"before": before.value, "after": after.value},
        "heard": None if heard is None else {"score": heard[1].score, "raw": heard[1].raw},
        "reading": looked.after.state,
        "thresholds": {"open": spec.open, "close": spec.close, "slack": spec.slack},
        "weight": after.weight / MICRO,
        "gain": after.gain / MICRO,
        "tier": tier,
        "opening": after.opening,
        "window": [_wave_data(gate, one, wave) for one in window],
    }
    shown = tuple(_shown(waves, "wave"))
    return Surroundings((*lines, *shown), data, tuple(_hearing(kernel, gate, looked)), shown)


def _heard(looked: Looked) -> tuple[HeardWave, records.Resonated] | None:
    """The wave of the step, if it was heard."""
    echo = next((one.body for one in looked.records if isinstance(one.body, records.Resonated)), None)
    after = looked.after.gate
    if echo is None or after is None or not after.window:
        return None
    return after.window[-1], echo


def _made_of(heard: tuple[HeardWave, records.Resonated] | None, value: float, decay: float) -> str:
    if heard is None:
        return ""
    wave, echo = heard
    was = echo.raw - echo.score * wave.confidence
    silence = "" if abs(was - value) < 1e-9 else " after silence"
    made = f"score {echo.score:.4g} × confidence {wave.confidence:.4g}"
    return f"; raw {echo.raw:.4g} = {was:.4g}{silence} + {made}; decay {decay:g}"


def _wave(gate: Gate, one: HeardWave, wave: HeardWave | None) -> str:
    told = f"{one.number} of {one.sender} at {seconds(one.at_ns)}: {words.fields({}, one.content)}"
    told += f", confidence {one.confidence:.4g}"
    alike = _likeness(gate, one, wave)
    told += "" if alike is None else f", likeness {alike:.4g}"
    return told + (", just heard" if one is wave else "")


def _likeness(gate: Gate, one: HeardWave, wave: HeardWave | None) -> float | None:
    """How alike a wave is to the one that was heard; None where they were not compared."""
    spec = gate.resonance
    if wave is None or one is wave or (spec.among_others and one.sender == wave.sender):
        return None
    return resonance.likeness(spec.alike, one.content, wave.content)


def _wave_data(gate: Gate, one: HeardWave, wave: HeardWave | None) -> dict[str, Value]:
    return {
        "sender": one.sender,
        "number": one.number,
        "at_s": one.at_ns / SECOND_NS,
        "confidence": one.confidence,
        "content": dict(one.content),
        "likeness": _likeness(gate, one, wave),
    }


def _hearing(kernel: Kernel, gate: Gate, looked: Looked) -> Iterator[tuple[str, Tested]]:
    """What the ear asks for, of the wave of the step."""
    event = looked.line.event
    if not isinstance(event, Received | Stimulus) or event.name != WAVE:
        return
    payload = fields_of(event)
    ear = ear_of(gate, str(payload.get("domain", "")))
    if ear is not None and ear.guard is not None:
        context = StepContext(kernel, looked.before, looked.line.time_ns)
        yield "is heard", tested(ear.guard, {**context.environment(), "$wave": payload})


# A nerve


def _of_a_nerve(kernel: Kernel, nerve: Nerve, looked: Looked, record: Record | None) -> Surroundings:
    state, now_ns = looked.after.nerve, looked.line.time_ns
    if state is None:
        return Surroundings()
    lines = [
        ("sense", f"{name}: {_told(one.content)}, confidence {one.confidence:.4g}, at {seconds(one.at_ns)}")
        for name, one in state.senses.items()
    ]
    lines = _shown(lines, "sense")
    if state.absent:
        able = "; it cannot act" if nerve.lacks(state.absent) else ""
        lines.append(("absent", ", ".join(state.absent) + able))
    opening = state.opening or (looked.before.nerve.opening if looked.before.nerve else None)
    if opening is not None:
        bound_ns = BOUND_NS[min(max(opening.tier, 0), len(BOUND_NS) - 1)]
        since = f"wave at {seconds(opening.since_ns)}, {words.span(now_ns - opening.since_ns)} ago"
        told = f"{opening.number} of gate/{opening.gate}, {since}; tier {opening.tier}, {opening.stage}"
        lines.append(("opening", f"{told}; the cell agrees within {words.span(bound_ns)}"))
    data: Fields = {
        "senses": {
            name: {"content": one.content, "confidence": one.confidence, "at_s": one.at_ns / SECOND_NS}
            for name, one in state.senses.items()
        },
        "absent": list(state.absent),
        "opening": None
        if opening is None
        else {
            "number": opening.number,
            "gate": opening.gate,
            "tier": opening.tier,
            "stage": opening.stage,
            "since_s": opening.since_ns / SECOND_NS,
            "agreed_s": None if opening.agreed_ns is None else opening.agreed_ns / SECOND_NS,
        },
    }
    return Surroundings(tuple(lines), data, tuple(_judging(kernel, nerve, looked, record)))


def _judging(
    kernel: Kernel, nerve: Nerve, looked: Looked, record: Record | None
) -> Iterator[tuple[str, Tested]]:
    """What decides the outcome of an opening, where the record is of one."""
    verify = nerve.verify
    if verify is None or record is None or not isinstance(record.body, records.OutcomeJudged):
        return
    environment = StepContext(kernel, looked.after, looked.line.time_ns).environment()
    for outcome, condition in ((CONFIRMED, verify.confirmed), (FAILED, verify.failed)):
        if condition is not None:
            yield outcome, tested(condition, environment)


def _told(content: Value) -> str:
    return words.fields({}, content) if isinstance(content, dict) else str(content)


# Attention


def _of_attention(attention: Attention, looked: Looked) -> Surroundings:
    state = looked.after.beat
    if state is None:
        return Surroundings()
    beat, now_ns = attention.beat, looked.line.time_ns
    left_ns = remaining_ns(state, now_ns)
    told = f"{state.beat}, {state.phase}; {words.seconds(left_ns)} of {words.seconds(beat.window_ns)} left"
    lines = [("beat", f"{told} for levels")]
    levels: list[Value] = []
    for number, level in enumerate(beat.levels):
        had = state.levels[number]
        why = _why(state, number, level.reflex)
        allotted = f", {words.seconds(had.left_ns)} left of its part" if had.allotted else ""
        lines.append(("level", f"{level.name}: {why}; had {words.seconds(had.spent_ns)}{allotted}"))
        levels.append(
            {
                "name": level.name,
                "why": why,
                "waiting": [item.name for item in had.queue],
                "spent_s": had.spent_ns / SECOND_NS,
                "left_s": had.left_ns / SECOND_NS if had.allotted else None,
            }
        )
    if state.gates:
        gates = ", ".join(f"{name} (tier {one.tier})" for name, one in sorted(state.gates.items()))
        lines.append(("gates", f"{gates} open"))
    data: Fields = {
        "beat": state.beat,
        "phase": state.phase,
        "remaining_s": left_ns / SECOND_NS,
        "levels": levels,
        "gates": {name: one.tier for name, one in sorted(state.gates.items())},
    }
    return Surroundings(tuple(lines), data)


def _why(state: BeatState, number: int, is_reflex: bool) -> str:
    """Why a level has the time, or has not."""
    level = state.levels[number]
    if any(reflex.level == number for reflex in state.reflexes):
        return "a reflex is active"
    if is_reflex:
        return "no reflex is active"
    if not level.queue:
        return "nothing waits"
    waiting = f"{len(level.queue)} waiting"
    if state.running == number:
        return f"{level.queue[0].name} has the time, {waiting}: nothing above it could"
    return f"{waiting}; {_hindered(state, number, level)}"


def _hindered(state: BeatState, number: int, level: LevelState) -> str:
    if level.out:
        return "out for this beat: nothing left, or not paid"
    if state.phase != "window":
        return f"no level has time in the {state.phase}"
    if state.reflexes:
        return "a reflex has the time"
    if state.running is not None and state.running < number:
        return "a higher level has the time"
    return "not chosen yet"


# A rack


def _of_a_rack(rack: Rack, looked: Looked) -> Surroundings:
    state = looked.before.rack or looked.after.rack
    if state is None:
        return Surroundings()
    lines = [("card", _card(rack, state, number)) for number in range(len(state.cards))]
    queue = arbiter.in_line(state, looked.line.time_ns)
    waiting = [
        f"{one.organ} {one.task} for {one.asked}, priority {one.priority}, since {seconds(one.since_ns)},"
        f" until {seconds(one.by_ns)}"
        for one in queue
    ]
    lines += [("queue", one) for one in waiting[:SHOWN_MAX]] or [("queue", "nobody waits")]
    if len(waiting) > SHOWN_MAX:
        lines.append(("queue", f"and {len(waiting) - SHOWN_MAX} more"))
    troubles = sorted(state.troubles.items())
    lines += [("trouble", f"{name}: {_trouble(one)}") for name, one in troubles[:SHOWN_MAX]]
    data: Fields = {
        "cards": {
            card.name: {name: one.state for name, one in _on(state, card.name)} for card in state.cards
        },
        "queue": [
            {
                "organ": one.organ,
                "task": one.task,
                "request": str(one.asked),
                "priority": one.priority,
                "since_s": one.since_ns / SECOND_NS,
                "until_s": one.by_ns / SECOND_NS,
            }
            for one in queue
        ],
    }
    return Surroundings(tuple(lines), data)


def _on(state: RackState, card: str) -> list[tuple[str, Resident]]:
    return [(name, one) for name, one in sorted(state.residents.items()) if one.card == card]


def _card(rack: Rack, state: RackState, number: int) -> str:
    card = state.cards[number]
    used = arbiter.used_bytes(rack.organs, state, card)
    models = ", ".join(f"{name} {one.state}" for name, one in _on(state, card.name)) or "empty"
    return f"{card.name}: {words.size(used)} of {words.size(card.memory_bytes)} used: {models}"


def _trouble(trouble: arbiter.LoadTrouble) -> str:
    what = "given up" if trouble.broken else "its load failed"
    return f"{what} after {trouble.failures} failures, until {seconds(trouble.until_ns)}"


# Protocols and requests


def _of_a_handshake(body: records.HandshakeEnded) -> Surroundings:
    tried = f"{counted(body.attempts, 'attempt')}, {counted(body.translations, 'translation')}"
    ended = f"{body.verdict} after {tried}"
    lines = [("ended", ended + (f": {body.reason}" if body.reason else ""))]
    lines += [(name, words.fields({}, said)) for name, said in _said(body) if said]
    data: Fields = {
        "phase": body.phase,
        "handshake": body.name,
        "verdict": body.verdict,
        "attempts": body.attempts,
        "translations": body.translations,
        "reason": body.reason,
        "sent": dict(body.sent),
        "received": dict(body.received),
    }
    return Surroundings(tuple(lines), data)


def _said(body: records.HandshakeEnded) -> tuple[tuple[str, Fields], ...]:
    return ("sent", body.sent), ("received", body.received)


def _of_a_request(_: Actor, looked: Looked) -> Surroundings:
    """The request that the actor waits for, and the one that it serves."""
    lines, data = list[tuple[str, str]](), dict[str, Value]()
    opened = looked.after.request or looked.before.request
    if opened is not None:
        lines.append(("request", f"{opened.number}, opened at {seconds(opened.opened_ns)}"))
        data["request"] = opened.number
    served = looked.after.serving or looked.before.serving
    if served is not None:
        lines.append(("serves", f"{served.request}, since {seconds(served.opened_ns)}"))
        data["serves"] = str(served.request)
    return Surroundings(tuple(lines), data)
