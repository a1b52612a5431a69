"""The laws of SEMANTICS 5 as sentences about the records of an attention, and about nothing else.

``broken_laws(case, garden)`` yields a sentence, with the number of the law, for each that a run breaks.
What became of each item is in :mod:`tests.properties.beat_lives`; what ran when, and whether it should
have, in :mod:`tests.properties.beat_choices`; here are the sums of the beats, the reflexes, and lifeforce.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from nimdsl.base.units import SECOND_NS
from nimdsl.program import Beat, Level
from tests.properties.beat_choices import choice_laws
from tests.properties.beat_lives import Life, Lives, window
from tests.properties.ledger_laws import check_laws
from tests.support.attentions import Case
from tests.support.small_garden import SmallGarden


def broken_laws(case: Case, garden: SmallGarden) -> Iterator[str]:
    """A sentence for each law that the run breaks."""
    lives = Lives(case.beat, garden.host.records)
    yield from lives.broken
    yield from arrival_laws(case, lives)
    yield from sum_laws(case, lives)
    yield from reflex_laws(case, lives)
    for record in lives.beats:
        yield from choice_laws(lives, record)
    if garden.ledger is not None:
        yield from money_laws(case, lives, garden)


def arrival_laws(case: Case, lives: Lives) -> Iterator[str]:
    """5.1: what arrives is what was brought: by stimuli, gates, baselines, and by what is told."""
    brought: Counter[tuple[int, str, str]] = Counter()
    beat, end_ns = case.beat, case.beats * case.beat.length_ns
    sure = case.tariff is None and not any(level.work for level in beat.levels)
    gates, stimuli = _Gates(beat, lives, sure), list(case.stimuli)
    for start_ns in range(0, end_ns + 1, beat.length_ns):
        for level in beat.levels:
            if level.baseline_ns:
                brought[start_ns, level.name, "baseline"] += 1
        brought.update(gates.begin(start_ns))
        while stimuli and stimuli[0].at_ns < min(start_ns + beat.length_ns, end_ns):
            one = stimuli.pop(0)
            payload: Any = one.payload
            if "level" in payload:
                brought[one.at_ns, payload["level"], one.event] += 1
            elif one.event == "opened":
                brought.update(gates.opens(payload["gate"], payload["tier"], one.at_ns))
            else:
                yield from gates.closes(payload["gate"], one.at_ns)
    for life in lives.items.values():
        if life.level.tells and life.done_ns is not None:
            brought[life.done_ns, life.level.tells, life.name] += 1
    came = Counter((one.from_ns, one.level.name, one.name) for one in lives.items.values())
    for what in sorted((brought - came) + (came - brought)):
        yield f"5.1: {what} was brought {brought[what]} times and came {came[what]} times"


class _Gates:
    """5.1: an open gate brings an item at a beat's start, and where it opens before the beat settles.

    Unless one of its own is not finished; a reflex at most once in a beat.
    """

    def __init__(self, beat: Beat, lives: Lives, sure: bool) -> None:
        self.beat = beat
        self.sure = sure
        """Whether whoever has had the time has a record of it."""
        self.open: dict[str, int] = {}
        self.items: dict[str, list[Life]] = {}
        self.flashed: set[str] = set()
        for life in lives.items.values():
            self.items.setdefault(life.gate, []).append(life)
        self.last: dict[str, Life] = {}
        """The latest item of each gate that may not be finished."""

    def begin(self, start_ns: int) -> Iterator[tuple[int, str, str]]:
        self.flashed = set()
        for gate in self.open:
            last = self.last.get(gate)
            over_ns = None if last is None else last.to_ns
            later = last is not None and (
                last.level.reflex or (last.dropped or {}).get("reason") == "closed"
            )
            if last is not None and over_ns is not None and over_ns + later <= start_ns:
                del self.last[gate]
            yield from self._brings(gate, start_ns)

    def opens(self, gate: str, tier: int, at_ns: int) -> Iterator[tuple[int, str, str]]:
        was_open = gate in self.open
        self.open[gate] = tier
        last = self.last.get(gate)
        if last is not None and last.to_ns is not None and last.to_ns < at_ns:
            del self.last[gate]
        if not was_open and at_ns % self.beat.length_ns < self.beat.length_ns - self.beat.settle_ns:
            yield from self._brings(gate, at_ns)

    def closes(self, gate: str, at_ns: int) -> Iterator[str]:
        self.open.pop(gate, None)
        last = self.last.get(gate)
        if last is None or (last.to_ns is not None and last.to_ns < at_ns):
            return
        closed = bool(last.dropped and last.dropped["reason"] == "closed" and last.to_ns == at_ns)
        begun = last.level.reflex or any(one["from_ns"] < at_ns for one in last.stretches)
        alive = self.sure and (last.to_ns is None or last.to_ns > at_ns)
        if (closed and begun) or (alive and not begun):
            fate = "given up" if closed else "kept"
            yield f"5.3: {gate} closed at {at_ns}, and its item {last.number} was {fate}"
        if closed:
            del self.last[gate]

    def _brings(self, gate: str, at_ns: int) -> Iterator[tuple[int, str, str]]:
        level = next((one for one in self.beat.levels if self.open[gate] in one.tiers), None)
        if level is None or gate in self.last or (level.reflex and gate in self.flashed):
            return
        if level.reflex:
            self.flashed.add(gate)
        yield at_ns, level.name, gate
        own = self.items.get(gate, [])
        if own and own[0].from_ns == at_ns:
            self.last[gate] = own.pop(0)


def sum_laws(case: Case, lives: Lives) -> Iterator[str]:
    """5.5: the parts of a beat add up; 5.1: each is what the beat says, and each beat settles."""
    beat = case.beat
    if [record["beat"] for record in lives.beats] != list(range(case.beats)):
        yield f"5.1: {len(lives.beats)} beats have ended, not {case.beats}"
    for number, record in enumerate(lives.beats):
        times, counts, start_ns = record["times"], record["counts"], number * beat.length_ns
        spent = {level.name: times["levels"][level.name]["spent_ns"] for level in beat.levels}
        taken_ns = sum(spent[level.name] for level in beat.levels if not level.reflex)
        parts = [times[f"{part}_ns"] for part in ("overhead", "charged", "reflex", "idle", "settle")]
        if sum(parts) + taken_ns != beat.length_ns or min(parts) < 0:
            yield f"5.5: the parts of beat {number} make {sum(parts) + taken_ns} of {beat.length_ns}"
        said = (times["overhead_ns"], times["settle_ns"], times["charged_ns"], times["start_ns"])
        if said != (beat.overhead_ns, beat.settle_ns, lives.charged[number], start_ns):
            yield f"5.1: beat {number} says {said} of overhead, settle, charged, start"
        if not record["settled"] or record["at_ns"] != start_ns + beat.length_ns:
            yield f"5.1: beat {number} does not settle"
        stretches = lives.stretches(number)
        for level in beat.levels:
            own = [s for s in stretches if s["level"] == level.name]
            if not level.reflex and sum(s["to_ns"] - s["from_ns"] for s in own) != spent[level.name]:
                yield f"5.5: {level.name} ran another time in beat {number} than {spent[level.name]}"
            if own and own[0]["from_ns"] != start_ns + (times["levels"][level.name]["started_ns"] or 0):
                yield f"5.5: {level.name} first ran in beat {number} at another time"
            if counts[level.name] != _counted(lives, number, level):
                yield f"5.3: beat {number} counts {counts[level.name]} of {level.name}"


def _counted(lives: Lives, beat: int, level: Level) -> dict[str, int]:
    own = [life for life in lives.items.values() if life.level is level]
    done = [s for life in own for s in life.stretches if s["ended"] == "done" and s["beat"] == beat]
    dropped = [life for life in own if life.dropped is not None and life.dropped["beat"] == beat]
    preempted = lives.preempted[beat, level.name]
    return {"preempted": preempted, "dropped": len(dropped), "done": len(done)}


def reflex_laws(case: Case, lives: Lives) -> Iterator[str]:
    """5.4: a reflex starts at its stimulus, runs through, and is bounded and charged."""
    beat, end_ns = case.beat, case.beats * case.beat.length_ns
    for life in lives.reflexes:
        to_ns = life.from_ns + life.takes_ns
        said = [(s["from_ns"], s["to_ns"], s["ended"]) for s in life.stretches]
        if (said or to_ns < end_ns) and said != [(life.from_ns, to_ns, "done")]:
            yield f"5.4: the reflex {life.number}, due at {life.from_ns} until {to_ns}, ran {said}"
    for record in lives.beats:
        number, times = record["beat"], record["times"]
        for level in beat.levels:
            if not level.reflex:
                continue
            came = [one for one in lives.items.values() if one.level is level and one.beat == number]
            started = [one for one in came if one.dropped is None]
            most = level.items_max or len(came)
            excess = [one for one in came if one.dropped and one.dropped["reason"] == "max_per_beat"]
            if len(started) > most or (excess and len(started) < most):
                yield f"5.4: {len(started)} reflexes of {level.name} in beat {number}, of {most} at most"
        opens_ns, closes_ns = window(lives, number)
        reflexes = [(one.from_ns, one.from_ns + one.takes_ns) for one in lives.reflexes]
        union_ns = covered(reflexes, opens_ns, closes_ns)
        if times["reflex_ns"] != union_ns:
            yield f"5.4: beat {number} charges {times['reflex_ns']} to reflexes, which took {union_ns}"


def covered(intervals: Sequence[tuple[int, int]], from_ns: int, to_ns: int) -> int:
    """How much of a time the intervals cover together."""
    total_ns = 0
    for start_ns, end_ns in sorted(intervals):
        start_ns, end_ns = max(start_ns, from_ns), min(end_ns, to_ns)
        if start_ns < end_ns:
            total_ns += end_ns - start_ns
            from_ns = end_ns
    return total_ns


def money_laws(case: Case, lives: Lives, garden: SmallGarden) -> Iterator[str]:
    """3.1 for the ledger; 5.5: what a level costs, and no hold outlives its beat's window."""
    ledger, beat = garden.ledger, case.beat
    assert ledger is not None
    try:
        check_laws(ledger)
    except AssertionError as broken:
        yield str(broken)
    for at_ns, held in dict(garden.held).items():
        opens_ns, closes_ns = window(lives, at_ns // beat.length_ns)
        if held and not opens_ns <= at_ns < closes_ns:
            yield f"5.5: a hold is open at {at_ns}, outside the window of its beat"
    for level in beat.levels:
        own = [s for life in lives.items.values() if life.level is level for s in life.stretches]
        if level.reflex or not own:
            continue
        items = {s["item"] for s in own}
        beats = {s["beat"] for s in own}
        ran_ns = sum(s["to_ns"] - s["from_ns"] for s in own)
        due = level.cost_fixed * len(beats) + level.cost_per_item * len(items)
        due += level.cost_per_second * ran_ns // SECOND_NS
        paid = ledger.balances().get(f"cost:{level.name}", 0)
        if not due - len(own) <= paid <= due:
            yield f"5.5: {level.name} has paid {paid} for what costs {due}"
