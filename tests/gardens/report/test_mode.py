"""The mode is what its definition says at every instant, however late an attention notes what happened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gardens.report.observe.mode as fold
import nimdsl
import simulate
from gardens.report.observe.mode import IDLE, ModeFold, mode_text
from gardens.report.observe.watch import view_of
from nimdsl.program import Actor
from nimdsl.program.gate import Gate, tier_of
from runtime.record_base import Identity
from runtime.records import (
    BeatEnded,
    BeatTimes,
    GivenUp,
    Moment,
    ReadingChanged,
    Record,
    Resonated,
    Weighed,
)
from tests.support.effort import examples
from tests.support.gates import MS, gate_of
from tests.support.nerves import PROGRAM, TEXT

WEIGHT = "{start: 81%, unused: {every: 4s, loses: 1%}}"
GATES = {
    name: gate_of(memory=memory, **fields)
    for name, memory, fields in (
        ("gate/plain", "{silence: 50%}", {}),
        ("gate/speech", "{silence: 90%}", {"dialogue": "true"}),
        ("gate/reflex", "{silence: 80%, window: 700ms}", {"weight": WEIGHT}),
    )
}
ATTENTION = PROGRAM.attentions["day"]
BEAT_NS = 30_000 * MS
TIMES = BeatTimes(0, 0, 0, 0, 0, 0, {})


def actors() -> list[Actor]:
    named = [replace(one, name=name.partition("/")[2]) for name, one in GATES.items()]
    return [*named, ATTENTION]


class Restated:
    """All of it looked up in the list of records, at any instant."""

    def __init__(self, records: Sequence[Record]) -> None:
        self.records = records

    def of(self, actor: str, at_ns: int) -> list[Record]:
        return [one for one in self.records if one.actor == actor and one.at_ns <= at_ns]

    def value(self, actor: str, at_ns: int) -> float:
        heard = [one for one in self.of(actor, at_ns) if isinstance(one.body, Resonated) or is_shed(one)]
        if not heard or not isinstance(heard[-1].body, Resonated):
            return 0.0
        spec, value = GATES[actor].resonance, heard[-1].body.value
        for _ in range((at_ns - heard[-1].at_ns) // spec.window_ns):
            value *= spec.silence
        return value

    def tier(self, actor: str, at_ns: int) -> int | None:
        """Of an open gate."""
        gate, known = GATES[actor], self.of(actor, at_ns)
        readings = [one.body.target for one in known if isinstance(one.body, ReadingChanged)]
        if not readings or readings[-1] != "open":
            return None
        every_ns, weight, used, due_ns = gate.weighing.unused_every_ns, gate.weighing.start, False, 0
        for at, body in [*((one.at_ns, one.body) for one in known), (at_ns + 1, None)]:
            while every_ns and due_ns + every_ns < at:
                due_ns += every_ns
                weight, used = weight - (0 if used else gate.weighing.unused_loses), False
            if isinstance(body, Weighed):
                weight, used = body.weight, True
            elif isinstance(body, ReadingChanged) and body.target == "open":
                used = True
        return tier_of(weight, gate.below)

    def is_overwhelmed(self, at_ns: int) -> bool:
        starved, found = False, False
        for one in self.of(ATTENTION.id, at_ns):
            if isinstance(one.body, GivenUp):
                starved |= one.body.reason == "starved"
            elif isinstance(one.body, BeatEnded) and one.body.settled:
                starved, found = False, starved
        return found

    def mode(self, at_ns: int) -> str:
        tiers = {name: self.tier(name, at_ns) for name in GATES}
        opened = {name for name, tier in tiers.items() if tier is not None}
        if self.is_overwhelmed(at_ns):
            return "overwhelmed"
        if 0 in tiers.values():
            return "reflex"
        if "gate/speech" in opened:
            return "dialogue"
        if opened:
            return "focused"
        return "alert" if any(abs(self.value(name, at_ns)) >= 0.2 for name in GATES) else "idle"

    def instants(self, end_ns: int) -> list[int]:
        found = {0, end_ns, *(one.at_ns for one in self.records)}
        for name, gate in GATES.items():
            window_ns, every_ns = gate.resonance.window_ns, gate.weighing.unused_every_ns
            waves = [one.at_ns for one in self.records if one.actor == name]
            found |= {at_ns + window_ns * number for at_ns in waves for number in range(1, 30)}
            found |= set(range(every_ns, end_ns, every_ns)) if every_ns else set()
        return sorted(one for one in found if one <= end_ns)

    def stays(self, end_ns: int) -> list[tuple[int, int, str]]:
        every = self.instants(end_ns)
        stays: list[tuple[int, int, str]] = []
        for at_ns, to_ns in pairwise(every):
            mode = self.mode(at_ns)
            if stays and stays[-1][2] == mode:
                stays[-1] = stays[-1][0], to_ns, mode
            else:
                stays.append((at_ns, to_ns, mode))
        return stays


def is_shed(record: Record) -> bool:
    return isinstance(record.body, ReadingChanged) and record.body.cause == "shed"


happenings = st.one_of(
    st.tuples(st.sampled_from(sorted(GATES)), st.sampled_from(["wave"] * 4 + ["open", "stable", "shed"])),
    st.tuples(st.just("gate/reflex"), st.sampled_from(["verified", "open"])),
    st.tuples(st.just(ATTENTION.id), st.sampled_from(["starved", "beat", "beat", "cut"])),
)
lives = st.lists(
    st.tuples(
        st.sampled_from([0, 0, 100, 350, 700, 1_500, 4_000, 9_000]),
        happenings,
        st.sampled_from([0.0, 0.19, 0.2, -0.5, 0.9]),
        st.sampled_from([0, 0, 2_000, 20_000]),
    ),
    max_size=30,
)


def records_of(life: list[tuple[int, tuple[str, str], float, int]]) -> tuple[list[Record], int]:
    """The records in the order in which they are made; those of the attention perhaps late."""
    found: list[Record] = []
    now_ns = noted_ns = 0
    for number, (gap_ms, (actor, what), value, late_ms) in enumerate(life):
        now_ns += gap_ms * MS
        if actor == ATTENTION.id:
            noted_ns = max(noted_ns, now_ns + late_ms * MS)
            starved = GivenUp(1, "cognition", "x", 0, "starved" if what == "starved" else "queue")
            ended = BeatEnded(what == "beat", {}, TIMES)
            body = starved if what == "starved" else ended
            found.append(Record(actor, number, noted_ns, body, Moment(0, now_ns)))
        elif what == "wave":
            found.append(Record(actor, number, now_ns, Resonated(Identity("a", 1), 0.0, 0.0, value)))
        elif what == "verified":
            weight = 800_000 + round(value * 20_000)
            found.append(Record(actor, number, now_ns, Weighed(1, "partial", weight, 0)))
        else:
            target = "resting" if what == "shed" else what
            cause = "shed" if what == "shed" else "waves"
            changed = ReadingChanged("stable", target, 1, 4, cause, 0, value, ())
            found.append(Record(actor, number, now_ns, changed))
    return sorted(found, key=lambda one: one.time_ns), max(now_ns, noted_ns) + 5_000 * MS


Life = list[tuple[int, tuple[str, str], float, int]]


def is_as_defined(life: Life) -> None:
    """The law: the fold says what the definition says of the list of records."""
    records, end_ns = records_of(life)
    folded = ModeFold(actors())
    for record in records:
        folded.take(record)
    track = folded.track(end_ns)
    assert [(one.from_ns, one.to_ns, one.name) for one in track.slices] == Restated(records).stays(end_ns)
    assert sum(time_ns for time_ns, _ in track.totals.values()) == end_ns


@settings(max_examples=examples(150), deadline=None)
@given(lives)
def test_the_mode_is_what_its_definition_says(life: Life) -> None:
    is_as_defined(life)


def test_what_an_attention_never_notes_waits_in_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fold, "PENDING_COUNT_MAX", 100)
    folded = ModeFold(actors())
    for number in range(5_000):
        reading = ("open", "stable")[number % 2]
        changed = ReadingChanged("stable", reading, 1, 4, "waves", 0, 0.0, ())
        folded.take(Record("gate/plain", number, number * MS, changed))
    assert len(folded._pending) <= 100
    track = folded.track(5_000 * MS)
    assert not track.slices
    assert track.totals["focused"][0] == track.totals[IDLE][0] == 2_500 * MS


def test_a_run_is_told_in_shares() -> None:
    result = simulate.run(nimdsl.load_text(TEXT), "s")
    view = view_of(result.program, result.scenario, result.run)
    (told,) = mode_text(view.mode, view.time_ns)
    assert told == "[bold]mode[/] focused 98 %, idle 1.5 %"


def test_dialogue_is_for_reports_alone() -> None:
    spoken = TEXT.replace("similarity: {cm", "dialogue: true\n  similarity: {cm")
    program = nimdsl.load_text(spoken)
    gate = program.of("Gate")["collision"]
    assert isinstance(gate, Gate)
    assert gate.dialogue
    assert program.sha256 == PROGRAM.sha256
    result = simulate.run(program, "s")
    same = "decision_sha256"
    assert result.summary[same] == simulate.run(PROGRAM, "s").summary[same]
    view = view_of(program, result.scenario, result.run)
    assert set(view.mode.totals) == {"dialogue", "idle"}
