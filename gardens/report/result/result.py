"""The result of a run: a summary, the records, and the journal they come from.

One unit a name: amounts are LF and times seconds (``_s``) in the summary and in
``beats``, ``cells`` and ``ledger``; ``outcome``, ``run`` and records keep micro-LF
and nanoseconds (``_ns``).  A long run does not keep its records: then the summary
comes from what was counted as it went (:mod:`gardens.report.result.tally`), and the
records from the file that they were written to, if there is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from gardens.report.result.beats import in_seconds
from gardens.report.result.books import Books
from gardens.report.result.outcome import outcome_of, with_families
from gardens.report.result.quantities import in_units
from gardens.report.result.tally import Tally, tally_of
from gardens.report.result.verdicts import Verdict, judge
from gardens.report.words import ENDS, lifeforce, span
from nimdsl.base import canonical
from nimdsl.base.canonical import Plain
from nimdsl.base.errors import NimdslError
from nimdsl.base.units import MICRO, SECOND_NS
from nimdsl.base.values import Value
from nimdsl.compile.outcome import AMOUNTS
from nimdsl.program import BEAT_COUNT_MAX, Program, Scenario
from runtime.kernel.behaviour import behaviour_of
from runtime.ledger.flows import Span
from runtime.ports.journal import Journal
from runtime.record_bytes import from_data, to_data
from runtime.records import HandshakeEnded, Record
from runtime.run.run import Incident, Run, actors_of, origin_of
from runtime.run.trace import Trace

REFUSAL_COUNT_MAX = 1_000
"""How many refusals a summary lists; expectations read all of them."""


@dataclass(frozen=True)
class RunResult:
    """What came of one run of one scenario."""

    program: Program
    scenario: Scenario
    seed: int
    run: Run
    journal: Journal
    outcome: Mapping[str, Any]
    """What criteria and expectations read; micro-LF, nanoseconds."""
    criteria: tuple[Verdict, ...]
    expectations: tuple[Verdict, ...]
    tally: Tally
    """What was counted."""
    garden: str = ""
    """The real garden that it ran in; empty for a virtual one."""
    file: Path | None = None
    """Where the records are once they are exported, when they were not kept."""

    @property
    def completed(self) -> bool:
        """The protocol reached its end and every criterion holds; without one, nothing went wrong."""
        return bool(self.outcome["completed"]) and all(verdict.held for verdict in self.criteria)

    @property
    def ok(self) -> bool:
        """Every expectation held; a scenario without expectations expects completion."""
        if self.expectations:
            return all(verdict.held for verdict in self.expectations)
        return self.completed

    @property
    def failures(self) -> tuple[HandshakeEnded, ...]:
        """The handshakes that were not accepted, with their reasons; the first 10,000."""
        return tuple(self.tally.failures)

    @property
    def notices(self) -> list[dict[str, Plain]]:
        """What a person would otherwise miss: faults, what nobody took or answered, second attempts."""
        return [*self.tally.notices, *unanswered(self.run)]

    @property
    def kept(self) -> bool:
        """Whether the run kept its records."""
        return all(host.keep for host in self.run.hosts.values())

    @property
    def left_out(self) -> dict[str, int]:
        """How many entries the lists of the summary lack, by its keys; empty when they are whole."""
        counts = {
            "failures": self.tally.failure_count - len(self.tally.failures),
            "refusals": max(0, len(self.outcome["refusals"]) - REFUSAL_COUNT_MAX),
            "incidents": self.run.incidents_left_out,
            "beats": max(0, self.outcome.get("attention", {}).get("beats", 0) - BEAT_COUNT_MAX),
        }
        return {name: count for name, count in counts.items() if count}

    @property
    def lambda_(self) -> float | None:
        """Earned over owed in the last window of the economy; None when nothing was owed."""
        return None if self._flowed is None else self._flowed.ratio

    @property
    def reserve_ns(self) -> int | None:
        """How long the pool lasts at the pace of that window; None where it does not shrink."""
        ledger, flowed = self.run.ledger, self._flowed
        return None if ledger is None or flowed is None else flowed.reserve_ns(ledger.balance)

    @property
    def _flowed(self) -> Span | None:
        economy, ledger = self.program.economies.get(self.scenario.economy), self.run.ledger
        if economy is None or ledger is None:
            return None
        return ledger.flowed_over(economy.window_ns, self.run.time_ns)

    @property
    def beats(self) -> list[dict[str, Value]]:
        """The beats of the attention, in seconds, the first 10,000; none without one."""
        return in_seconds(self.outcome.get("beats", ()))

    @property
    def cells(self) -> dict[str, dict[str, Value]]:
        """The ``state`` and the ``data`` of each cell at the end, by name; shares from 0 to 1.

        With the ``states`` that it was in (how often entered, seconds in all and at most), and how many
        events it ``dropped``.
        """
        actors = self.program.cells
        return {
            name: {
                **cell,
                "data": in_units(actors[name].types, cell["data"]),
                "states": {
                    path: {**stay, "time": stay["time"] / SECOND_NS, "longest": stay["longest"] / SECOND_NS}
                    for path, stay in cell["states"].items()
                    if stay["entered"]
                },
            }
            for name, cell in self.outcome["cells"].items()
        }

    @property
    def ledger(self) -> Books:
        """What was booked, LF and seconds."""
        return Books(self.run.ledger)

    @property
    def origin(self) -> dict[str, Value]:
        """What the journal says of the run."""
        run = self.run
        real: dict[str, Value] = {"rate": run.rate, "epoch": run.epoch} if run.epoch else {}
        identity = self.garden, self.seed, run.run_id, run.replication
        return origin_of(self.program, self.scenario, *identity, real)

    @property
    def incidents(self) -> tuple[Incident, ...]:
        """What the garden did to messages and actors; the first 10,000 in a virtual one."""
        return self.run.incidents

    @cached_property
    def summary(self) -> dict[str, Any]:
        """Plain data for JSON: LF and seconds."""
        trace = self.tally.trace
        return {
            "scenario": self.scenario.name,
            "seed": self.seed,
            **({"garden": self.garden} if self.garden else {}),
            "run_id": self.run.run_id,
            "program_sha256": self.program.sha256,
            "trace_sha256": trace.trace_sha256,
            "decision_sha256": trace.decision_sha256,
            "completed": self.completed,
            "ok": self.ok,
            "stopped": self.run.stopped,
            "duration_s": self.run.time_ns / SECOND_NS,
            "errors": self.outcome["errors"],
            "lifeforce": _purse(self.outcome["lifeforce"]),
            **self._economies(),
            **self._lent_and_asked(),
            "lambda": self.lambda_,
            **({} if self.reserve_ns is None else {"reserve_s": self.reserve_ns / SECOND_NS}),
            "phases": [_phase(name, phase) for name, phase in self.outcome["phases"].items()],
            **({"beats": self.beats} if "beats" in self.outcome else {}),
            "criteria": [{"text": v.text, "held": v.held} for v in self.criteria],
            "expectations": [
                {"text": v.text, "held": v.held, "values": dict(v.values)} for v in self.expectations
            ],
            "failures": [
                {"phase": one.phase, "name": one.name, "verdict": one.verdict, "reason": one.reason}
                for one in self.failures
            ],
            "notices": self.notices,
            "refusals": [
                {**refusal, "price": refusal["price"] / MICRO, "balance": refusal["balance"] / MICRO}
                for refusal in self.outcome["refusals"][:REFUSAL_COUNT_MAX]
            ],
            "incidents": [
                {"time_s": i.time_ns / SECOND_NS, "actor": i.actor, "what": i.what} for i in self.incidents
            ],
            "cells": self.cells,
            **({"actors": self._others()} if self.scenario.actors else {}),
            **({"left_out": self.left_out} if self.left_out else {}),
        }

    def _economies(self) -> dict[str, Value]:
        """The economies by name, where there are others than the scenario's own."""
        known = self.outcome["economies"]
        if set(known) <= {self.scenario.economy}:
            return {}
        return {"economies": {name: _purse(one) for name, one in known.items()}}

    def _lent_and_asked(self) -> dict[str, Value]:
        """The resources and the organs, where there are some."""
        organs: dict[str, Value] = {
            name: {**one, "resident": one["resident"] / SECOND_NS}
            for name, one in self.outcome["organs"].items()
        }
        resources = self._resources()
        return {**({"resources": resources} if resources else {}), **({"organs": organs} if organs else {})}

    def _resources(self) -> dict[str, Value]:
        """The resources by name; waits in seconds, the utilisation from 0 to 1."""
        return {
            name: {
                **one,
                "utilisation": one["utilisation"] / MICRO,
                "waited": one["waited"] / SECOND_NS,
                "waited_max": one["waited_max"] / SECOND_NS,
            }
            for name, one in self.outcome["resources"].items()
        }

    def _others(self) -> dict[str, Value]:
        """What became of actors of other kinds, by id."""
        return {
            actor: behaviour_of(actor.partition("/")[0]).outcome(host.kernel.actor, host.snapshot)
            for actor, host in self.run.hosts.items()
            if actor in self.scenario.actors
        }

    def records(self) -> list[Record]:
        """Every record, by time, actor and sequence; in nanoseconds and micro-LF.

        Raises NimdslError when they were neither kept nor exported, or the file is not this run's.
        """
        if not self.kept:
            return self._exported()
        every = [record for host in self.run.hosts.values() for record in host.records]
        return sorted(every, key=lambda r: (r.time_ns, r.actor, r.sequence))

    def _exported(self) -> list[Record]:
        if self.file is None:
            raise NimdslError(
                "the records of this run were not kept: run it with `keep=True`, or export them (`--out`)"
            )
        trace, found = Trace(actor.id for actor in actors_of(self.program, self.scenario)), []
        try:
            with self.file.open("rb") as file:
                for line in file:
                    found.append(from_data(canonical.decode(line)))
                    trace.take(found[-1])
        except (OSError, ValueError, LookupError, TypeError) as problem:
            raise NimdslError(f"{self.file}: the records of this run cannot be read: {problem}") from None
        if trace.trace_sha256 != self.tally.trace.trace_sha256:
            raise NimdslError(f"{self.file}: these are the records of another run")
        return found

    def to_pandas(self) -> Any:
        """The records as a pandas DataFrame, in nanoseconds and micro-LF as they are.

        Raises NimdslError without pandas, and as ``records``.
        """
        try:
            import pandas
        except ModuleNotFoundError:
            raise NimdslError('`to_pandas` needs pandas: `pip install "nimdsl[notebook]"`') from None
        return pandas.DataFrame([to_data(record) for record in self.records()])

    def __repr__(self) -> str:
        state = "completed" if self.completed else "not completed"
        force = [lifeforce(self.outcome["lifeforce"][key]) for key in ("initial", "final")]
        told = f", {' → '.join(force)} LF" if self.run.ledger else ""
        why = f"{state} after {span(self.run.time_ns)}, {ENDS[self.run.stopped]}"
        return f"<Result of {self.scenario.name}, seed {self.seed}: {why}{told}>"


def result_of(
    program: Program,
    scenario: Scenario,
    seed: int,
    run: Run,
    journal: Journal,
    garden: str = "",
    tally: Tally | None = None,
    file: Path | None = None,
) -> RunResult:
    """What came of ``run``, judged by its protocol's criteria and the scenario's expectations.

    ``tally`` was told the records of a run that did not keep them; ``file`` is where they go.
    """
    tally = tally or tally_of(program, scenario, run)
    outcome = outcome_of(program, scenario, run, tally)
    protocol = program.protocols.get(scenario.protocol)
    criteria = tuple(judge(c.text, c.holds, outcome) for c in protocol.criteria) if protocol else ()
    judged = with_families(outcome, scenario)
    judged = {**judged, "completed": outcome["completed"] and all(verdict.held for verdict in criteria)}
    return RunResult(
        program=program,
        scenario=scenario,
        seed=seed,
        run=run,
        journal=journal,
        outcome=outcome,
        criteria=criteria,
        expectations=tuple(judge(e.text, e.holds, judged) for e in scenario.expect),
        tally=tally,
        garden=garden,
        file=file,
    )


def _purse(economy: Mapping[str, Any]) -> dict[str, Value]:
    """What became of an economy: LF and seconds; ``starved_at_s`` only where it starved."""
    starved: dict[str, Value] = {"starved": economy["starved"]}
    if economy["starved"]:
        starved["starved_at_s"] = economy["starved_at"] / SECOND_NS
    return {**{name: economy[name] / MICRO for name in AMOUNTS}, **starved}


def _phase(name: str, phase: Mapping[str, Any]) -> dict[str, Value]:
    return {
        "name": name,
        "handshakes": phase["handshakes"],
        "accepted": phase["accepted"],
        "attempts": phase["attempts"],
        "retries": phase["retries"],
        "spent": phase["spent"] / MICRO,
        "earned": phase["earned"] / MICRO,
        "duration_s": phase["duration"] / SECOND_NS,
        "complete": phase["complete"],
    }


def unanswered(run: Run) -> list[dict[str, Plain]]:
    """Who serves an ask in the end that nobody waits for any more, and so nobody else."""
    found: list[dict[str, Plain]] = []
    for name, host in run.hosts.items():
        serving = host.snapshot.serving
        if serving is None or not serving.event or serving.sender not in run.hosts:
            continue
        if serving.request.number not in run.hosts[serving.sender].snapshot.works:
            asker = serving.sender.partition("/")[2]
            what = (
                f"took `{serving.event}` of {asker}, which waits no more, and has not replied: others wait"
            )
            found.append({"actor": name, "type": "unanswered", "what": what, "count": 1})
    return found
