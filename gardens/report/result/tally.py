"""What a run amounts to, counted while it goes on: in bounded memory, however long it lasts.

The law: every record is taken once, those of an actor in their order; nothing
depends on how actors take turns.  So a tally that was told each record as it
was made, and one that was given finished lists, one actor after the other, say
the same, and there is one way to sum up a run.

The bounds, none of which touches a count: 10,000 handshakes are kept, and as
many that failed; 1,000 different notices of an actor, the rest is one more; a
refusal is three numbers; 10,000 beats are kept.

Not here: what follows from it (:mod:`gardens.report.result.outcome`,
:mod:`gardens.report.result.result`), the records themselves
(:mod:`gardens.report.result.export`).
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

from gardens.report.result.beats import BeatTally
from gardens.report.result.organs import OrganTally
from gardens.report.result.stays import Stays
from nimdsl.base.canonical import Plain
from nimdsl.program import Program, Scenario
from nimdsl.program.flatten import FAULT, REFUSED, RETURNED, TIMER
from runtime.records import (
    BeatEnded,
    Began,
    Broken,
    Dropped,
    Faulted,
    HandshakeEnded,
    Ignored,
    Malformed,
    ModelMoved,
    Moved,
    OrganAnswered,
    PhaseMarked,
    Record,
    Refused,
    WorkRepeated,
    tag_of,
)
from runtime.run.run import Run, actors_of, organs_of
from runtime.run.trace import Trace

HANDSHAKE_COUNT_MAX = 10_000
"""How many handshakes are kept, the first ones; and how many of those that were not accepted."""
NOTICE_COUNT_MAX = 1_000
"""How many different notices of one actor are told apart."""
OTHERS = "and others, of more kinds than are told apart"


@dataclass(slots=True)
class PhaseTally:
    """What is counted of one phase; times in ns."""

    begun_ns: int | None = None
    marked_ns: int = 0
    """When its last mark was made: that it started again, or ended."""
    verdict: str = ""
    """What its last mark says."""
    attempts: int = 0
    retries: int = 0


@dataclass(slots=True)
class _Activity:
    """What is counted of one actor."""

    types: dict[str, int] = field(default_factory=dict)
    notices: dict[tuple[str, str], int] = field(default_factory=dict)
    refusals: array[int] = field(default_factory=lambda: array("q"))
    """Price and balance, micro-LF, and the place of the economy in ``purses``; one after the other."""
    purses: list[str] = field(default_factory=lambda: [""])
    stays: Stays = field(default_factory=Stays)
    last_ns: int = -1
    last_count: int = 0
    """How many records it left at that time, its last."""

    def take(self, record: Record) -> None:
        body = record.body
        type_ = tag_of(body)
        self.types[type_] = self.types.get(type_, 0) + 1
        if record.time_ns != self.last_ns:
            self.last_ns, self.last_count = record.time_ns, 0
        self.last_count += 1
        match body:
            case Began() | Moved():
                self.stays.take(record)
            case Refused():
                if body.economy not in self.purses:
                    self.purses.append(body.economy)
                self.refusals.extend((body.price, body.balance, self.purses.index(body.economy)))
            case Ignored():
                if body.event not in (REFUSED, FAULT, RETURNED) and not body.event.startswith(TIMER):
                    self._notice(type_, f"`{body.event}` in `{body.state}`")
            case Faulted() | Broken() | Dropped() | Malformed():
                self._notice(type_, body.reason)
            case WorkRepeated():
                self._notice(type_, f"`{body.work}` was tried again: {body.why}")

    def _notice(self, type_: str, what: str) -> None:
        notice = type_, what
        if notice not in self.notices and len(self.notices) >= NOTICE_COUNT_MAX:
            notice = type_, OTHERS
        self.notices[notice] = self.notices.get(notice, 0) + 1


class Tally:
    """One run, summed up."""

    def __init__(self, program: Program, scenario: Scenario) -> None:
        actors = [actor.id for actor in actors_of(program, scenario)]
        protocol = program.protocols.get(scenario.protocol)
        self._economy = scenario.economy
        self.record_count = 0
        self.handshakes: list[HandshakeEnded] = []
        """The first ones, in order (:data:`HANDSHAKE_COUNT_MAX`)."""
        self.failures: list[HandshakeEnded] = []
        """The first ones that were not accepted, as many at most."""
        self.handshake_count = self.failure_count = 0
        self.phases = {phase.name: PhaseTally() for phase in protocol.phases} if protocol else {}
        self._actors = {actor: _Activity() for actor in sorted(actors)}
        self.beats = BeatTally()
        """The beats of the attention."""
        self.organs = {name: OrganTally() for name in organs_of(program, scenario)}
        self._trace = Trace(actors)
        self._unhashed: list[Sequence[Record]] = []
        self._protocol = f"protocol/{scenario.protocol}"
        self._attention = f"attention/{scenario.attention}"

    def take(self, record: Record) -> bytes:
        """Counts and hashes a record; returns its canonical bytes."""
        self._count(record)
        return self._trace.take(record)

    def take_all(self, records: Sequence[Record]) -> None:
        """Counts records of one actor that are kept anyway; they are hashed when somebody asks."""
        for record in records:
            self._count(record)
        self._unhashed.append(records)

    @property
    def trace(self) -> Trace:
        """The hash chains."""
        while self._unhashed:
            for record in self._unhashed.pop(0):
                self._trace.take(record)
        return self._trace

    def stays(self, actor: str) -> Stays:
        """How long an actor was in each of its states."""
        return self._actors[actor].stays

    def count(self, actor: str, type_: str) -> int:
        """How many records of a type an actor left."""
        return self._actors[actor].types.get(type_, 0)

    @property
    def refusals(self) -> list[Plain]:
        """Every refused price: actor, economy, price and the balance that it was judged on; micro-LF."""
        found: list[Plain] = []
        for actor, one in self._actors.items():
            told = (one.refusals[start::3] for start in range(3))
            for price, balance, place in zip(*told, strict=True):
                economy = one.purses[place] or self._economy
                found.append({"actor": actor, "economy": economy, "price": price, "balance": balance})
        return found

    @property
    def notices(self) -> list[dict[str, Plain]]:
        """What a person would otherwise miss: what nobody took, faults, what was tried again; counted."""
        return [
            {"actor": actor, "type": type_, "what": what, "count": count}
            for actor, activity in self._actors.items()
            for (type_, what), count in activity.notices.items()
        ]

    def busiest(self, count: int) -> list[str]:
        """The actors that left the most records at the last instant of all."""
        last_ns = max((one.last_ns for one in self._actors.values()), default=0)
        active = {name: one.last_count for name, one in self._actors.items() if one.last_ns == last_ns >= 0}
        return sorted(active, key=lambda actor: -active[actor])[:count]

    def _count(self, record: Record) -> None:
        actor = record.actor
        self.record_count += 1
        self._actors[actor].take(record)
        match record.body:
            case PhaseMarked() as marked if actor == self._protocol:
                self._take_phase(marked, record.time_ns)
            case HandshakeEnded() as ended if actor == self._protocol:
                self._take_handshake(ended)
            case OrganAnswered(organ=organ) | ModelMoved(organ=organ):
                self.organs[organ].take(record.body, record.time_ns)
            case BeatEnded() as ended if actor == self._attention and record.moment:
                self.beats.take(record.moment.beat, ended)

    def _take_phase(self, marked: PhaseMarked, time_ns: int) -> None:
        phase = self.phases[marked.phase]
        if phase.begun_ns is None:
            phase.begun_ns = time_ns
        phase.marked_ns, phase.verdict = time_ns, marked.verdict

    def _take_handshake(self, ended: HandshakeEnded) -> None:
        phase = self.phases[ended.phase]
        phase.attempts += ended.attempts
        phase.retries += max(0, ended.attempts - 1)
        self.handshake_count += 1
        if self.handshake_count <= HANDSHAKE_COUNT_MAX:
            self.handshakes.append(ended)
        if ended.verdict != "accepted":
            self.failure_count += 1
            if self.failure_count <= HANDSHAKE_COUNT_MAX:
                self.failures.append(ended)


def tally_of(program: Program, scenario: Scenario, run: Run) -> Tally:
    """The tally of a run whose records were kept."""
    tally = Tally(program, scenario)
    for host in run.hosts.values():
        tally.take_all(host.records)
    return tally
