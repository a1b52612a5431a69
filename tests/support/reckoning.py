"""What a run amounts to, reckoned from its complete lists: slow, short, and nothing remembered.

The reference for :mod:`gardens.report.result.tally`, with which it shares only the encoding of records.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from typing import Any

import msgspec

from gardens.report.result.result import RunResult
from nimdsl.base import canonical
from runtime.records import Body
from tests.support.plain import Plain, plain

NO_DECISION = {"time_ns", "number", "request", "keys", "balance", "times", "overrun_ns"}
NO_DECISION |= {"at_ns", "from_ns", "to_ns", "left_ns", "remaining_ns", "changed", "appended"}
NO_DECISION |= {"inside", "times", "why", "next_number"}
PLACE = {"actor", "sequence", "time_ns", "beat", "at_ns", "remaining_ns"}


def reckoned(result: RunResult) -> dict[str, Any]:
    """Everything that a tally knows, from the records that a run kept."""
    chains = {name: plain(host.records) for name, host in sorted(result.run.hosts.items())}
    every = [record for chain in chains.values() for record in chain]
    ended = [record for record in every if record["type"] == "handshake"]
    return {
        "records": len(every),
        "trace_sha256": _hash(chains),
        "decision_sha256": _hash(
            {
                name: [{k: v for k, v in record.items() if k not in NO_DECISION} for record in chain]
                for name, chain in chains.items()
            }
        ),
        "types": dict(Counter((record["actor"], record["type"]) for record in every)),
        "refusals": [
            {
                **{key: record[key] for key in ("actor", "price", "balance")},
                "economy": record.get("economy") or result.scenario.economy,
            }
            for record in every
            if record["type"] == "refused"
        ],
        "notices": _notices(every),
        "handshakes": [_body(record) for record in ended],
        "failures": [_body(record) for record in ended if record["verdict"] != "accepted"],
        "phases": {name: _phase(result, name) for name in result.outcome["phases"]},
        "beats": [(record["beat"], _body(record)) for record in every if record["type"] == "beat"],
        "busiest": _busiest(every),
    }


def tallied(result: RunResult) -> dict[str, Any]:
    """The same from the run's tally."""
    tally = result.tally
    types = {record["type"] for host in result.run.hosts.values() for record in plain(host.records)}
    counts = {(name, one): tally.count(name, one) for name in result.run.hosts for one in sorted(types)}
    return {
        "records": tally.record_count,
        "trace_sha256": tally.trace.trace_sha256,
        "decision_sha256": tally.trace.decision_sha256,
        "types": {key: count for key, count in counts.items() if count},
        "refusals": tally.refusals,
        "notices": tally.notices,
        "handshakes": _plain(tally.handshakes),
        "failures": _plain(tally.failures),
        "phases": {
            name: {key: phase[key] for key in ("complete", "attempts", "retries", "duration")}
            for name, phase in result.outcome["phases"].items()
        },
        "beats": [(number, one) for number, body in tally.beats for one in _plain([body])],
        "busiest": tally.busiest(2),
    }


def _body(record: Plain) -> Plain:
    """Without its place."""
    return {key: value for key, value in record.items() if key not in PLACE}


def _plain(bodies: Iterable[Body]) -> list[Plain]:
    return [msgspec.to_builtins(body) for body in bodies]


def _hash(chains: dict[str, list[Plain]]) -> str:
    heads = {}
    for name, chain in chains.items():
        head = b""
        for record in chain:
            head = hashlib.sha256(head + canonical.encode(record)).digest()
        heads[name] = head.hex()
    return canonical.sha256(heads)


def _notices(every: list[Plain]) -> list[dict[str, Any]]:
    counted: Counter[tuple[str, str, str]] = Counter()
    for record in every:
        type_, actor = record["type"], record["actor"]
        if type_ == "ignored" and record["event"] not in ("refused", "fault"):
            counted[actor, type_, f"`{record['event']}` in `{record['state']}`"] += 1
        elif type_ in ("fault", "faulted"):
            counted[actor, type_, record["reason"]] += 1
        elif type_ == "repeat":
            counted[actor, type_, f"`{record['work']}` was tried again: {record['why']}"] += 1
    return [
        {"actor": actor, "type": type_, "what": what, "count": count}
        for (actor, type_, what), count in counted.items()
    ]


def _phase(result: RunResult, name: str) -> dict[str, Any]:
    records = [
        record
        for record in plain(result.run.hosts[f"protocol/{result.scenario.protocol}"].records)
        if record.get("phase") == name
    ]
    marks = [record for record in records if record["type"] == "phase"]
    attempts = [record["attempts"] for record in records if record["type"] == "handshake"]
    end_ns = result.run.time_ns
    begun_ns = marks[0]["time_ns"] if marks else end_ns
    ended_ns = marks[-1]["time_ns"] if marks and marks[-1]["verdict"] != "started" else end_ns
    return {
        "complete": bool(marks) and marks[-1]["verdict"] == "complete",
        "attempts": sum(attempts),
        "retries": sum(max(0, count - 1) for count in attempts),
        "duration": ended_ns - begun_ns,
    }


def _busiest(every: list[Plain]) -> list[str]:
    last_ns = max((record["time_ns"] for record in every), default=0)
    last = Counter(record["actor"] for record in every if record["time_ns"] == last_ns)
    return [actor for actor, _ in last.most_common(2)]
