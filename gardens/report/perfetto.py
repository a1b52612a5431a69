"""A run as a trace for Perfetto (https://ui.perfetto.dev) and chrome://tracing.

Chrome's trace event format: a JSON object with ``traceEvents``, written event by
event, so that memory is bounded by the number of actors and levels.  Times are
garden time in microseconds with three digits behind the point, exact to the
nanosecond.  A process for each kind of actor; of the attention a thread for its
beats, one for its modes and one for each level, in their order (more where
reflexes overlap each other); of a protocol its phases and handshakes; a thread
with the states of every other actor.

The law: slices of one thread nest or follow each other, none has a negative
duration, and every thread that has events has a name.  Not here: what is kept of
a run for the page (:mod:`gardens.report.observe.view`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TextIO

from gardens.report.observe.moments import (
    BeatSummary,
    Drop,
    Move,
    Refusal,
    Stretch,
    beat_of,
    drop_of,
    move_of,
    refusal_of,
    stretch_of,
)
from gardens.report.observe.slices import Slice
from gardens.report.observe.tracks import HANDSHAKES, PHASES, STATES, Slicing
from gardens.report.result.ending import ending
from nimdsl.base.units import MICRO, SECOND_NS
from nimdsl.program import Beat, Program, Scenario
from runtime.ledger.accounts import POOL, Entry
from runtime.record_bytes import noted_data
from runtime.records import (
    Arrived,
    BeatEnded,
    Began,
    GivenUp,
    Moved,
    Noted,
    Overran,
    Ran,
    Record,
    Refused,
    tag_of,
)
from runtime.run.run import Run

_PROCESSES = ("attention", "protocol", "cell", "gate", "nerve", "rack", "economy")
_BEATS, _MODES, _LEVELS = 1, 2, 100
"""Threads of the attention; each level has a hundred numbers for lanes of its own."""
LANE_COUNT_MAX = 100
Args = Mapping[str, Any]
NONE: Args = {}
_TOLD = ("begin", "transition", "phase", "handshake", "work", "request", "reply", "send", "wave")
"""Records that are no moments of their own: they are slices, or the ordinary run of things."""


class PerfettoTrace:
    """Writes the trace of one run; :meth:`close` completes it."""

    def __init__(self, file: TextIO, program: Program, scenario: Scenario) -> None:
        self._events = _Events(file)
        actor = program.attentions.get(scenario.attention)
        beat = actor.beat if actor else None
        self._attention = _Attention(self._events, actor.id, beat) if actor and beat else None
        self._actors: dict[str, _Actor] = {}
        self._pools: dict[str, int] = {}
        about = {"scenario": scenario.name, "program": program.sha256}
        self._events.begin(about)

    def take(self, record: Record) -> None:
        """One record more, of any actor, in that actor's order."""
        actor = record.actor
        if self._attention is not None and actor == self._attention.id:
            self._attention.take(record)
            return
        if actor not in self._actors:
            self._actors[actor] = _Actor(self._events, actor, len(self._actors))
        self._actors[actor].take(record)

    def book(self, entry: Entry) -> None:
        """One entry of the ledger more."""
        moved = (entry.target == POOL) - (entry.source == POOL)
        if entry.kind == "transfer" and moved:
            pool = self._pools[entry.purse] = self._pools.get(entry.purse, 0) + moved * entry.amount
            name = entry.purse or "lifeforce"
            self._events.counter("economy", name, entry.time_ns, {"LF": pool / MICRO})

    def close(self, run: Run) -> None:
        """What is still open ends with the run, and the trace is complete."""
        if self._attention is not None:
            host = run.hosts.get(self._attention.id)
            for record in ending(host, run.time_ns) if host else ():
                self._attention.take(record)
            self._attention.close(run.time_ns)
        for actor in self._actors.values():
            actor.slicing.close(run.time_ns)
        self._events.end()


class _Events:
    """The file, event by event."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._named: set[tuple[int, int]] = set()
        self._before = ""

    def begin(self, about: dict[str, Any]) -> None:
        other = json.dumps(about, ensure_ascii=False)
        self._file.write(f'{{"displayTimeUnit":"ms","otherData":{other},"traceEvents":[\n')

    def end(self) -> None:
        self._file.write("\n]}\n")

    def slice(
        self, thread: tuple[int, int], name: str, from_ns: int, to_ns: int, args: Args = NONE
    ) -> None:
        """A complete event, from when to when it was."""
        self._write("X", thread, name, from_ns, f',"dur":{micros(max(0, to_ns - from_ns))}', args)

    def instant(self, thread: tuple[int, int], name: str, at_ns: int, args: Args = NONE) -> None:
        """Something that took no time."""
        self._write("i", thread, name, at_ns, ',"s":"t"', args)

    def counter(self, kind: str, name: str, at_ns: int, values: dict[str, float]) -> None:
        """A value from now on."""
        self._write("C", (self.process(kind), 0), name, at_ns, "", values)

    def process(self, kind: str) -> int:
        """The number of the process for a kind of actor, which has a name from now on."""
        place = _PROCESSES.index(kind) + 1 if kind in _PROCESSES else len(_PROCESSES) + 1
        if (place, 0) not in self._named:
            self._named.add((place, 0))
            self._name("process_name", (place, 0), kind if kind in _PROCESSES else "others")
            self._sort("process_sort_index", (place, 0), place)
        return place

    def thread(self, kind: str, number: int, name: str) -> tuple[int, int]:
        """The thread of that number, which has a name from now on; sorted by number."""
        thread = self.process(kind), number
        if thread not in self._named:
            self._named.add(thread)
            self._name("thread_name", thread, name)
            self._sort("thread_sort_index", thread, number)
        return thread

    def _name(self, what: str, thread: tuple[int, int], name: str) -> None:
        self._write("M", thread, what, 0, "", {"name": name})

    def _sort(self, what: str, thread: tuple[int, int], place: int) -> None:
        self._write("M", thread, what, 0, "", {"sort_index": place})

    def _write(
        self, phase: str, thread: tuple[int, int], name: str, at_ns: int, more: str, args: Args
    ) -> None:
        fields = {"ph": phase, "pid": thread[0], "tid": thread[1], "name": name, "args": args}
        text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
        self._file.write(f'{self._before}{text[:-1]},"ts":{micros(at_ns)}{more}}}')
        self._before = ",\n"


class _Attention:
    """Beats, modes and levels."""

    def __init__(self, events: _Events, actor: str, beat: Beat) -> None:
        self.id = actor
        self._events = events
        self._beat = beat
        self._levels = tuple(level.name for level in beat.levels)
        self._lanes: dict[str, list[int]] = {name: [0] for name in self._levels}
        self._mode = ""
        self._since_ns = 0

    def take(self, record: Record) -> None:
        at_ns = record.at_ns
        match record.body:
            case Began(state):
                self._mode, self._since_ns = state, at_ns
            case Ran() as ran:
                self._grant(stretch_of(ran))
            case Arrived() as arrived:
                self._arrival(arrived, at_ns)
            case GivenUp() as given_up:
                self._drop(drop_of(given_up, at_ns))
            case Moved() as moved:
                self._transition(move_of(moved, at_ns, record.moment))
            case Overran() as overran:
                self._overrun(overran, at_ns)
            case Refused() as refused:
                self._refused(refusal_of(refused, at_ns))
            case BeatEnded() as ended:
                index = record.moment.beat if record.moment else 0
                self._end_beat(beat_of(ended, index, at_ns, self._levels))
            case other:
                tag = tag_of(other)
                if tag not in _TOLD:
                    self._events.instant(self._thread(_MODES, "modes"), tag, at_ns, _plain(record))

    def close(self, end_ns: int) -> None:
        if self._mode:
            self._leave(end_ns)

    def _thread(self, number: int, name: str) -> tuple[int, int]:
        return self._events.thread("attention", number, name)

    def _level(self, name: str, lane: int = 0) -> tuple[int, int]:
        number = _LEVELS * (1 + self._levels.index(name)) + lane
        return self._thread(number, name if not lane else f"{name} {lane + 1}")

    def _grant(self, one: Stretch) -> None:
        lane = self._lane(one.level, one.from_ns, one.to_ns)
        thread = self._level(one.level, lane)
        said = {"item": one.item, "name": one.name, "ended": one.ended}
        self._events.slice(thread, one.name, one.from_ns, one.to_ns, said)
        if one.ended in ("preempted", "suspended"):
            self._events.instant(thread, one.ended, one.to_ns, {"item": one.item})

    def _lane(self, level: str, from_ns: int, to_ns: int) -> int:
        """The first lane that was free since then: stretches come in the order of their ends."""
        ends = self._lanes[level]
        for lane, end_ns in enumerate(ends):
            if end_ns <= from_ns or lane == LANE_COUNT_MAX - 1:
                ends[lane] = max(end_ns, to_ns)
                return lane
        ends.append(to_ns)
        return len(ends) - 1

    def _arrival(self, body: Arrived, at_ns: int) -> None:
        if not body.baseline:
            said = {"item": body.item, "takes_ms": body.takes_ns / MICRO}
            self._events.instant(self._level(body.level), f"{body.name} arrives", at_ns, said)

    def _drop(self, one: Drop) -> None:
        said = {"item": one.item, "reason": one.reason, "left_ms": one.left_ns / MICRO}
        self._events.instant(self._level(one.level), f"{one.name} dropped", one.at_ns, said)

    def _transition(self, move: Move) -> None:
        self._leave(move.at_ns)
        self._mode, self._since_ns = move.target, move.at_ns
        self._remaining(move.at_ns, move.remaining_ns)

    def _leave(self, at_ns: int) -> None:
        thread = self._thread(_MODES, "modes")
        if at_ns > self._since_ns:
            self._events.slice(thread, self._mode, self._since_ns, at_ns)

    def _remaining(self, at_ns: int, remaining_ns: int) -> None:
        self._events.counter("attention", "remaining", at_ns, {"s": remaining_ns / SECOND_NS})

    def _overrun(self, body: Overran, at_ns: int) -> None:
        said = {"item": body.item, "overrun_ms": body.overrun_ns / MICRO}
        self._events.instant(self._level(body.level), "overrun", at_ns, said)

    def _refused(self, one: Refusal) -> None:
        thread = self._level(one.level) if one.level else self._thread(_MODES, "modes")
        said = {"price_LF": one.price / MICRO, "balance_LF": one.balance / MICRO}
        self._events.instant(thread, "refused", one.at_ns, said)

    def _end_beat(self, one: BeatSummary) -> None:
        thread = self._thread(_BEATS, "beats")
        said = {"settled": one.settled, "dropped": one.dropped, "preempted": one.preempted}
        times = {f"{name}_ms": time_ns / MICRO for name, time_ns in self._times(one).items() if time_ns}
        self._events.slice(thread, f"beat {one.index}", one.start_ns, one.end_ns, {**said, **times})
        opens_ns = min(one.start_ns + one.overhead_ns, one.end_ns)
        parts = (
            ("overhead", one.start_ns, opens_ns),
            ("charged", opens_ns, min(opens_ns + one.charged_ns, one.end_ns)),
            ("settle", one.end_ns - one.settle_ns, one.end_ns),
        )
        for name, from_ns, to_ns in parts:
            if to_ns > from_ns:
                self._events.slice(thread, name, from_ns, to_ns)

    def _times(self, one: BeatSummary) -> dict[str, int]:
        spent = {name: share.spent_ns for name, share in zip(self._levels, one.shares, strict=True)}
        return {**spent, "idle": one.idle_ns}


class _Actor:
    """The slices and moments of any other actor."""

    def __init__(self, events: _Events, actor: str, place: int) -> None:
        self._events = events
        self._kind, _, self._name = actor.partition("/")
        self._first = 10 * (place + 1)
        self.slicing = Slicing(self._tell)

    def take(self, record: Record) -> None:
        self.slicing.take(record)
        tag = tag_of(record.body)
        if tag not in _TOLD:
            self._events.instant(self._thread(STATES), tag, record.at_ns, _plain(record))

    def _tell(self, what: str, piece: Slice) -> None:
        said = {"verdict": piece.verdict} if piece.verdict else {}
        if piece.to_ns > piece.from_ns or piece.verdict:
            self._events.slice(self._thread(what), piece.name, piece.from_ns, piece.to_ns, said)

    def _thread(self, what: str) -> tuple[int, int]:
        number = self._first + (PHASES, HANDSHAKES, STATES).index(what)
        name = f"{self._name} {what}" if self._kind == "protocol" else self._name
        return self._events.thread(self._kind, number, name)


def micros(time_ns: int) -> str:
    """Microseconds as a JSON number, exact: ``1500`` ns are ``1.5``."""
    whole, rest = divmod(time_ns, 1000)
    return f"{whole}.{rest:03d}".rstrip("0") if rest else f"{whole}"


def _plain(record: Record) -> dict[str, Any]:
    """What a record says besides who and when, without what is long."""
    return {
        key: value
        for key, value in noted_data(Noted(record.body, record.moment)).items()
        if key not in ("type", "at_ns") and isinstance(value, str | int | float)
    }
