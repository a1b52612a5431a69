"""A run's journal against the virtual garden: parity, decisions, and predictions (SEMANTICS 8.4, 8.5).

L1: whether the journal replays, and whether the virtual garden does the same with the
same arrivals and outcomes.  Decisions: whether a fresh virtual run of the same program,
scenario and seed decides alike; faults of a real garden can be a reason why it does not.
L2: how long work, messages and handshakes took, how long each level of an attention had
the time, and what each scope cost, beside
replications of the virtual garden with the run's seed.

A work's time is from the step that starts it to the step that takes its end, a message's
from the step that sends it to the step that takes it, a handshake's from its first request
to its end.  All three are read from records and accepted events, in the same way on both
sides.  Times are garden time, and between two processes only as good as their clocks.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

from gardens.virtual.driver import Driver, Options
from gardens.virtual.recorded import parity
from gardens.virtual.verdict import Parity
from nimdsl.base import canonical
from nimdsl.base.units import MICRO, SECOND_NS
from nimdsl.base.values import Value
from nimdsl.compile.garden import PERFECT_BUS
from nimdsl.program import Garden
from runtime.kernel.events import Finished
from runtime.kernel.interpreters import PlainInterpreter
from runtime.ledger.accounts import OVERFLOW, Entry
from runtime.ports.journal import Journal
from runtime.record_bytes import decision_of
from runtime.records import Asked, BeatEnded, HandshakeEnded, Record, Replied, Sent, SentToEach, WorkStarted
from runtime.run.inbox import Inbox, read_inbox
from runtime.run.lines import DamagedLine, Noticed, entries_in, processes_in
from runtime.run.recording import Recording, opened
from runtime.run.replay import Replay, replay
from runtime.run.run import Run
from runtime.run.trace import trace_of

REPLICATIONS = 20
FEW = 20
"""A sample smaller than this has no 95th percentile worth the name."""

Name = tuple[str, ...]
Samples = dict[Name, list[int]]


@dataclass(frozen=True)
class Sample:
    """Durations in ns, ascending."""

    values: Sequence[int]

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.values)

    def quantile(self, share: float) -> int | None:
        """The smallest value that this share does not exceed; None of an empty sample."""
        return self.values[max(0, math.ceil(share * self.count) - 1)] if self.values else None

    @property
    def summary(self) -> dict[str, Value]:
        """Plain data for JSON; seconds."""
        shown = {"p50_s": self.quantile(0.5), "p95_s": self.quantile(0.95), "max_s": self.quantile(1)}
        seconds = {key: None if ns is None else ns / SECOND_NS for key, ns in shown.items()}
        return {"count": self.count, **seconds}


@dataclass(frozen=True)
class Durations:
    """One thing that takes time, as measured in the run and as the model predicts it."""

    name: Name
    measured: Sample
    predicted: Sample

    @property
    def summary(self) -> dict[str, Value]:
        """Plain data for JSON."""
        return {
            "name": list(self.name),
            "measured": self.measured.summary,
            "predicted": self.predicted.summary,
        }


@dataclass(frozen=True)
class CostComparison:
    """What a scope spent and earned of one economy in micro-LF: in the run, and in each replication."""

    scope: str
    economy: str
    spent: int
    earned: int
    predicted_spent: Sequence[int]
    predicted_earned: Sequence[int]

    @property
    def summary(self) -> dict[str, Value]:
        """Plain data for JSON; LF."""
        return {
            "scope": self.scope,
            "economy": self.economy,
            "spent": self.spent / MICRO,
            "earned": self.earned / MICRO,
            "predicted_spent": _spread(self.predicted_spent),
            "predicted_earned": _spread(self.predicted_earned),
        }


@dataclass(frozen=True)
class LevelTime:
    """How long a level of the attention had the time, in ns, in beats that ended: in the run, and in each
    replication."""

    level: str
    spent: int
    predicted: Sequence[int]

    @property
    def summary(self) -> dict[str, Value]:
        """Plain data for JSON; seconds."""
        return {
            "level": self.level,
            "spent_s": self.spent / SECOND_NS,
            "predicted_s": _spread(self.predicted, SECOND_NS),
        }


def _spread(values: Sequence[int], unit: int = MICRO) -> Value:
    if not values:
        return None
    low, mean, high = min(values), sum(values) / len(values), max(values)
    return {"mean": mean / unit, "min": low / unit, "max": high / unit}


@dataclass(frozen=True)
class Decision:
    """The first decision of an actor that is not that of the fresh run; a side is None where it ended."""

    actor: str
    number: int
    """Which of the actor's records it is, from 0."""
    journal: Value
    virtual: Value

    @property
    def summary(self) -> dict[str, Value]:
        """Plain data for JSON."""
        return {
            "actor": self.actor,
            "number": self.number,
            "journal": self.journal,
            "virtual": self.virtual,
        }


@dataclass(frozen=True)
class Decisions:
    """The decisions of the actors that have a journal, beside those of a fresh virtual run."""

    journal_sha256: str
    virtual_sha256: str
    differences: tuple[Decision, ...]
    excuses: tuple[str, ...]
    """Why they may differ without anything being wrong."""

    @property
    def same(self) -> bool:
        """Whether both decide alike, to the end."""
        return self.journal_sha256 == self.virtual_sha256

    @property
    def cut_short(self) -> bool:
        """Whether the journal only ends earlier."""
        return bool(self.differences) and all(one.journal is None for one in self.differences)

    @property
    def summary(self) -> dict[str, Value]:
        """Plain data for JSON."""
        return {
            "same": self.same,
            "cut_short": self.cut_short,
            "journal_sha256": self.journal_sha256,
            "virtual_sha256": self.virtual_sha256,
            "excuses": list(self.excuses),
            "differences": [one.summary for one in self.differences],
        }


@dataclass(frozen=True)
class Comparison:
    """A journal beside the virtual garden."""

    recording: Recording
    replay: Replay
    parity: Parity
    decisions: Decisions | None
    """None when the journal does not replay: then nobody knows what it decided."""
    works: tuple[Durations, ...]
    """By actor and work."""
    messages: tuple[Durations, ...]
    """By kind, sender and receiver."""
    handshakes: tuple[Durations, ...]
    """By phase."""
    levels: tuple[LevelTime, ...]
    """Of the attention, the highest first."""
    costs: tuple[CostComparison, ...]
    replications: int

    @property
    def parity_holds(self) -> bool:
        """Replay and parity."""
        return self.replay.identical and self.parity.holds

    def __repr__(self) -> str:
        scenario, seed = self.recording.scenario.name, self.recording.seed
        verdict = "ok" if self.ok() else "not ok"
        return f"<Comparison of {scenario}, seed {seed}: {verdict}, {self.replications} virtual runs>"

    def ok(self, strict: bool = False) -> bool:
        """Parity holds, and decisions are the same or, unless ``strict``, may differ."""
        decisions = self.decisions
        if decisions is None or not self.parity_holds:
            return False
        return decisions.same or (bool(decisions.excuses) and not strict)

    @cached_property
    def summary(self) -> dict[str, Value]:
        """Plain data for JSON: LF and seconds."""
        recording = self.recording
        return {
            "scenario": recording.scenario.name,
            "garden": recording.garden,
            "seed": recording.seed,
            "run_id": recording.run_id,
            "program_sha256": recording.program.sha256,
            "ok": self.ok(),
            "replay": self.replay.summary,
            "parity": self.parity.summary,
            "decisions": self.decisions.summary if self.decisions else None,
            "replications": self.replications,
            "works": [one.summary for one in self.works],
            "messages": [one.summary for one in self.messages],
            "handshakes": [one.summary for one in self.handshakes],
            "levels": [one.summary for one in self.levels],
            "costs": [one.summary for one in self.costs],
        }


def compare(
    journal: Journal | Recording,
    replications: int = REPLICATIONS,
    progress: Callable[[int], None] | None = None,
) -> Comparison:
    """Compares a run with the virtual garden; ``progress`` is told each replication that is done.

    Raises PermanentPortError for a journal whose run cannot be made again, NimdslError for
    lines that cannot be read.
    """
    recording = journal if isinstance(journal, Recording) else opened(journal)
    replayed, held = replay(recording), parity(recording)
    measured = _Measured()
    measured.add(replayed.records, recording.inboxes)
    measured.costs.append(_costs(_entries(recording.journal)))
    predicted = _Measured()
    for replication in range(1, replications + 1):
        predicted.add_run(_virtual(recording, replication))
        if progress is not None:
            progress(replication)
    return Comparison(
        recording,
        replayed,
        held,
        _decisions(recording, replayed) if replayed.identical else None,
        _durations(measured.works, predicted.works),
        _durations(measured.messages, predicted.messages),
        _durations(measured.handshakes, predicted.handshakes),
        _level_times(recording, measured.levels[0], predicted.levels),
        _compared_costs(recording.scenario.economy, measured.costs[0], predicted.costs),
        replications,
    )


def _virtual(recording: Recording, replication: int) -> tuple[Run, Journal]:
    options = Options(recording.seed, replication, recording.epoch, interpreter=PlainInterpreter)
    driver = Driver(recording.program, recording.scenario, options)
    return driver.run(), driver.journal


# Decisions


def _decisions(recording: Recording, replayed: Replay) -> Decisions:
    run, _ = _virtual(recording, 0)
    journal = {name: list(records) for name, records in replayed.records.items()}
    virtual = {name: run.hosts[name].records for name in journal}
    found = [_first_difference(name, journal[name], virtual[name]) for name in journal]
    differences = tuple(one for one in found if one is not None)
    decisions = Decisions(
        trace_of(journal).decision_sha256, trace_of(virtual).decision_sha256, differences, ()
    )
    excuses = tuple(_excuses(recording, decisions.cut_short)) if recording.garden else ()
    return Decisions(decisions.journal_sha256, decisions.virtual_sha256, differences, excuses)


def _first_difference(actor: str, journal: Sequence[Record], virtual: Sequence[Record]) -> Decision | None:
    for number in range(max(len(journal), len(virtual))):
        sides = [_decision(chain[number]) if number < len(chain) else None for chain in (journal, virtual)]
        if canonical.encode(sides[0]) != canonical.encode(sides[1]):
            return Decision(actor, number, *sides)
    return None


def _decision(record: Record) -> dict[str, Value]:
    return {key: value for key, value in decision_of(record).items() if key not in ("actor", "sequence")}


def _excuses(recording: Recording, cut_short: bool) -> Iterable[str]:
    garden = recording.program.gardens.get(recording.garden)
    if garden is not None and garden.bus != PERFECT_BUS:
        yield f"the bus of `{recording.garden}` was declared to be less than perfect"
    incidents = [line for _, line in processes_in(recording.journal) if isinstance(line, Noticed)]
    if incidents:
        yield f"incidents were noted ({len(incidents)})"
    if recording.restart_count:
        yield f"processes were started again ({recording.restart_count} times)"
    yield from _really_done(recording, garden)
    if cut_short:
        yield "the journal ends before the run did"


def _really_done(recording: Recording, garden: Garden | None) -> Iterable[str]:
    """Work and cells of a real garden whose answers no model knows."""
    real = garden.real if garden else None
    if not recording.garden:
        return
    absent = real.stand_ins if real else frozenset()
    for kernel in recording.kernels.values():
        for work in kernel.actor.works.values():
            if "python" in work.real or work.real.get("service", "") not in ("", *absent):
                yield f"`{work.name}` of {kernel.actor.name} was really done, not drawn from its model"
    for group in real.groups if real else ():
        if group.command:
            yield f"another program answered for {', '.join(group.cells)}"


# Measuring


class _Measured:
    """What was measured in one run or several."""

    def __init__(self) -> None:
        self.works: Samples = defaultdict(list)
        self.messages: Samples = defaultdict(list)
        self.handshakes: Samples = defaultdict(list)
        self.levels: list[Counter[str]] = []
        """What each level spent, in ns, by run."""
        self.costs: list[_Costs] = []

    def add_run(self, found: tuple[Run, Journal]) -> None:
        """A run of the virtual garden."""
        run, journal = found
        self.add(
            {name: host.records for name, host in run.hosts.items()},
            {name: read_inbox(journal, name) for name in run.hosts},
        )
        ledgers = run.books.purses.ledgers.values()
        self.costs.append(_costs(entry for ledger in ledgers for entry in ledger.entries))

    def add(self, records: Mapping[str, Iterable[Record]], inboxes: Mapping[str, Inbox]) -> None:
        """The records of a run, and what its actors accepted."""
        works: dict[tuple[str, int], tuple[str, int]] = {}
        sent: dict[tuple[str, int], int] = {}
        self.levels.append(Counter())
        for actor, chain in records.items():
            self._add_chain(actor, chain, works, sent)
        for actor, inbox in inboxes.items():
            for line in inbox.lines:
                event = line.event
                if isinstance(event, Finished):
                    started = works.pop((actor, event.work), None)
                    if started is not None:
                        self.works[actor, started[0]].append(line.time_ns - started[1])
                    continue
                sent_ns = sent.pop((event.sender, event.number), None)
                if sent_ns is not None:
                    self.messages[event.kind, event.sender, actor].append(line.time_ns - sent_ns)

    def _add_chain(
        self,
        actor: str,
        chain: Iterable[Record],
        works: dict[tuple[str, int], tuple[str, int]],
        sent: dict[tuple[str, int], int],
    ) -> None:
        """What an actor started, sent and had done; ``works`` and ``sent`` are by actor and number."""
        opened_ns: int | None = None
        for record in chain:
            match record.body:
                case WorkStarted(work, number):
                    works[actor, number] = work, record.time_ns
                case Asked(number=number):
                    sent[actor, number] = record.time_ns
                    opened_ns = record.time_ns if opened_ns is None else opened_ns
                case Replied(number=number) | Sent(number=number):
                    sent[actor, number] = record.time_ns
                case SentToEach(number=number, count=count):
                    sent |= {(actor, number + each): record.time_ns for each in range(count)}
                case BeatEnded() as ended:
                    levels = ended.times.levels.items()
                    self.levels[-1].update({name: level.spent_ns for name, level in levels})
                case HandshakeEnded(phase):
                    if opened_ns is not None:
                        self.handshakes[(phase,)].append(record.time_ns - opened_ns)
                    opened_ns = None


def _durations(measured: Samples, predicted: Samples) -> tuple[Durations, ...]:
    return tuple(
        Durations(name, Sample(sorted(measured.get(name, ()))), Sample(sorted(predicted.get(name, ()))))
        for name in sorted({**measured, **predicted})
    )


def _level_times(
    recording: Recording, measured: Mapping[str, int], predicted: Sequence[Mapping[str, int]]
) -> tuple[LevelTime, ...]:
    actor = recording.program.attentions.get(recording.scenario.attention)
    levels = actor.beat.levels if actor is not None else ()
    return tuple(
        LevelTime(level.name, measured.get(level.name, 0), [one.get(level.name, 0) for one in predicted])
        for level in levels
    )


def _entries(journal: Journal) -> list[Entry]:
    """The ledger's entries, as far as they are some; the audit has told what is not."""
    found: list[Entry] = []
    with suppress(DamagedLine):
        found.extend(one for one in entries_in(journal) if isinstance(one, Entry))
    return found


_Costs = Mapping[tuple[str, str], tuple[int, int]]
"""What was spent and earned, by scope and purse."""


def _costs(entries: Iterable[Entry]) -> _Costs:
    """What each scope spent and earned of each purse; what overflowed was never there to spend."""
    spent: Counter[tuple[str, str]] = Counter()
    earned: Counter[tuple[str, str]] = Counter()
    for entry in entries:
        if entry.kind == "transfer" and entry.target != OVERFLOW:
            whose = entry.scope, entry.purse
            spent[whose] += entry.amount if entry.target.startswith("cost:") else 0
            earned[whose] += entry.amount if entry.source.startswith(("reward:", "income:")) else 0
    return {whose: (spent[whose], earned[whose]) for whose in spent if spent[whose] or earned[whose]}


def _compared_costs(own: str, measured: _Costs, predicted: Sequence[_Costs]) -> tuple[CostComparison, ...]:
    """``own`` is the economy of the scenario."""
    everybody = dict.fromkeys(whose for costs in (measured, *predicted) for whose in costs)
    found: list[CostComparison] = []
    for scope, purse in everybody:
        expected = [costs.get((scope, purse), (0, 0)) for costs in predicted]
        spent, earned = measured.get((scope, purse), (0, 0))
        predictions = [one[0] for one in expected], [one[1] for one in expected]
        found.append(CostComparison(scope, purse or own, spent, earned, *predictions))
    return tuple(found)
