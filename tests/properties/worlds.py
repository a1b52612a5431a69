"""Random protocols, gardens and faults, as documents; and the laws that every run of them keeps.

``worlds()`` draws a whole program with one scenario.  ``laws(result)`` yields a
sentence for each law of SEMANTICS 3 and 4 that a run breaks, by its number;
nothing is yielded for a lawful run.  ``reached(result)`` says which of the
situations that the laws are about occurred.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

import nimdsl
from gardens.report.result.result import RunResult
from gardens.virtual.driver import Options
from nimdsl.program import Program
from runtime.ledger.accounts import Entry
from runtime.ledger.economy import Ledger
from simulate import run
from tests.support.plain import plain

API = "nimdsl.dev/v1"
MICRO = 1_000_000


def document(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": API, "kind": kind, "metadata": {"name": name}, "spec": spec}


def text_of(documents: list[dict[str, Any]]) -> str:
    """Documents as YAML text: JSON is YAML."""
    return "\n---\n".join(json.dumps(one) for one in documents)


@dataclass(frozen=True)
class World:
    """A program's documents and how to run it."""

    documents: tuple[dict[str, Any], ...]
    seed: int

    def program(self) -> Program:
        return nimdsl.load_text(text_of(list(self.documents)))

    def run(self, options: Options | None = None) -> RunResult:
        return run(self.program(), "world", seed=self.seed, options=options)


def _share(draw: Any, high: int) -> str:
    return f"{draw(st.sampled_from([0, 0, 0, 0, 1, 3]) if high else st.just(0)) * high // 3}%"


def _latency(draw: Any) -> dict[str, Any]:
    found: dict[str, Any] = draw(
        st.sampled_from(
            [
                {"constant": "5ms"},
                {"uniform": ["1ms", "300ms"]},
                {"lognormal": {"median": "20ms", "p95": "200ms"}},
                {"exponential": {"mean": "40ms"}},
                {"constant": "0s"},
            ]
        )
    )
    return found


def _micro(draw: Any, low: int, high: int) -> float:
    return float(draw(st.integers(low, high))) / 10


def _schemas(phase: str) -> list[dict[str, Any]]:
    payload = {
        "type": "object",
        "additionalProperties": False,
        "required": ["item"],
        "properties": {"item": {"type": "string", "maxLength": 40}, "score": {"type": "number"}},
    }
    return [
        document("Schema", f"{phase}.ask", {"role": "request", "type": "ASK", "payload": payload}),
        document("Schema", f"{phase}.ack", {"role": "reply", "type": "ACK", "payload": payload}),
    ]


def _cell(draw: Any, phase: str, items: list[str]) -> dict[str, Any]:
    model: dict[str, Any] = {"latency": _latency(draw)}
    for key in ("failure", "nack", "retry"):
        model[key] = _share(draw, 40)
    if draw(st.integers(0, 3)) == 0:
        model["crash"] = {"chance": "30%", "down": draw(st.sampled_from(["10ms", "2s", "9s"]))}
    known = items[: draw(st.integers(max(0, len(items) - 1), len(items)))] or ["other"]
    rows = [{"item": item, "score": draw(st.integers(0, 10)) / 10} for item in known]
    answer = {
        "request": f"{phase}.ask",
        "reply": f"{phase}.ack",
        "find": {"table": "items", "where": "row.item == request.payload.item"},
        "work": "look",
        "payload": {"item": "${row.item}", "score": "${row.score}"},
        "lifeforce_delta": draw(st.sampled_from([2.0, 3.0])),
    }
    tables = {"items": {"columns": {"item": "string", "score": "real"}, "rows": rows}}
    work: dict[str, Any] = {
        "look": {"repeat": draw(st.sampled_from(["idempotent", "at-most-once"])), "virtual": model}
    }
    spec: dict[str, Any] = {"tables": tables, "answers": {"answer": answer}, "work": work}
    if draw(st.booleans()):
        _divide(draw, spec, items[0])
    if draw(st.booleans()):
        _busy(draw, spec)
    return document("Cell", f"cell-{phase}", spec)


def _divide(draw: Any, spec: dict[str, Any], item: str) -> None:
    """Two answers share a request and a work; one of them may have no value where it is begun, or ends."""
    own = {**spec["answers"]["answer"], "if": f"request.payload.item == '{item}'"}
    del own["find"]
    own["payload"] = {"item": "${request.payload.item}", "score": 0.5}
    faults = draw(st.sampled_from(["", "", "if", "args", "do"]))
    nothing = "${[0.5][size(request.payload.item) * 9]}"
    spec["data"] = {"last": "real"}
    if faults == "if":
        own["if"] = "[true][size(request.payload.item) * 9]"
    elif faults == "args":
        spec["work"]["own"] = {**spec["work"]["look"], "args": {"last": nothing}}
        own["work"] = "own"
    elif faults == "do":
        own["do"] = [{"set": {"last": nothing}}]
    spec["answers"] = {"own": own, **spec["answers"]}


def _busy(draw: Any, spec: dict[str, Any]) -> None:
    """A machine beside the answers: it works by itself, pays, and often has no value for something."""
    often = draw(st.sampled_from(["20ms", "300ms", "1s"]))
    spec["data"] = {**spec.get("data", {}), "turns": "int", "faults": "int"}
    fault = {"event": "fault", "internal": True, "do": [{"set": {"faults": "${faults + 1}"}}]}
    refused = {"event": "refused", "internal": True}
    turn = {"set": {"turns": "${turns + (10 / mod(turns, 3) + 1) * 0 + 1}"}}
    work = [{"work": "think"}]
    spec["machine"] = {
        "initial": "idle",
        "any": [fault, refused],
        "failure_policy": draw(st.sampled_from(["ignore", "fail"])),
        "states": {
            "idle": {
                "timers": [{"after": often, "to": "busy", "do": [turn]}, {"after": "2s", "to": "busy"}]
            },
            "busy": {
                "enter": work,
                "transitions": [
                    {"event": "thought", "to": "idle", "cost": draw(st.sampled_from([0, 0.1]))},
                    {"event": "failed", "to": "idle"},
                ],
                "timers": [{"after": "1s", "to": "idle"}],
            },
        },
    }
    model = {"latency": _latency(draw), "failure": _share(draw, 40)}
    spec["work"] = {**spec["work"], "think": {"done": "thought", "virtual": model}}


def _phase(draw: Any, phase: str, items: list[str]) -> dict[str, Any]:
    exits = ["accepted == handshakes", "accepted > 0", "accepted + failed + rejected == handshakes"]
    spec: dict[str, Any] = {
        "cell": f"cell-{phase}",
        "request": {
            "schema": f"{phase}.ask",
            "timeout": draw(st.sampled_from(["100ms", "1s", "3s"])),
            "attempts": draw(st.integers(1, 3)),
        },
        "reply": {"schema": f"{phase}.ack"},
        "translation": {"attempts": draw(st.integers(1, 3))},
        "handshakes": [{"name": "ask_${item}", "for": {"item": items}, "payload": {"item": "${item}"}}],
        "accept": draw(st.sampled_from(["reply.status == 'ACK'", "reply.payload.score > 0.2"])),
        "exit": draw(st.sampled_from(exits)),
        "retries": draw(st.integers(0, 1)),
    }
    rewards = st.lists(st.sampled_from(["accepted", "exit"]), unique=True, max_size=2)
    spec["rewards"] = [{"reward": f"for-{when}", "when": when} for when in draw(rewards)]
    return document("Phase", phase, spec)


def _garden(draw: Any) -> dict[str, Any]:
    bus: dict[str, Any] = {"latency": _latency(draw)}
    for key in ("loss", "duplicate"):
        bus[key] = f"{draw(st.sampled_from([0, 0, 13, 40]))}%"
    for key in ("delay", "reorder"):
        bus[key] = {"chance": _share(draw, 40), "by": {"uniform": ["0s", "2s"]}}
    return document("Garden", "garden", {"bus": bus})


@st.composite
def worlds(draw: Any) -> World:
    """A protocol of one to three phases with everything that can go wrong."""
    names = ["one", "two", "three"][: draw(st.integers(1, 3))]
    documents: list[dict[str, Any]] = []
    prices = {key: _micro(draw, 0, 5) for key in ("translation", "publish", "process")}
    worst = 3 * prices["translation"] + 3 * prices["publish"] + prices["process"]
    economy: dict[str, Any] = {
        "opening": round(worst + _micro(draw, 0, 60), 6),
        "prices": prices,
        "rewards": {"for-accepted": 2, "for-exit": draw(st.sampled_from([5, -5]))},
    }
    if draw(st.booleans()):
        economy["incomes"] = {"sun": _micro(draw, 1, 10)}
        economy["upkeep"] = {"heart": _micro(draw, 1, 10)}
    documents.append(document("Economy", "purse", economy))
    for name in names:
        items = [f"{name}{number}" for number in range(draw(st.integers(1, 4)))]
        documents += [*_schemas(name), _cell(draw, name, items), _phase(draw, name, items)]
    translator = {"virtual": {"latency": _latency(draw), "failure": _share(draw, 70)}}
    documents.append(
        document("Protocol", "protocol", {"economy": "purse", "phases": names, "translator": translator})
    )
    documents.append(_garden(draw))
    documents.append(document("Scenario", "world", {"protocol": "protocol", "garden": "garden"}))
    return World(tuple(documents), draw(st.integers(0, 2**31)))


# The laws


def laws(result: RunResult) -> Iterator[str]:
    """A sentence for each law that the run breaks."""
    yield from ledger_laws(result)
    yield from handshake_laws(result)
    yield from hold_laws(result)
    yield from cell_laws(result)
    yield from protocol_laws(result)


def ledger_laws(result: RunResult) -> Iterator[str]:
    """Those of each purse."""
    for ledger in result.run.purses.ledgers.values():
        yield from _purse_laws(result, ledger)


def _purse_laws(result: RunResult, ledger: Ledger) -> Iterator[str]:
    balances: dict[str, int] = {}
    keys: set[str] = set()
    for entry in ledger.entries:
        if entry.kind != "transfer":
            continue
        for account, amount in ((entry.source, -entry.amount), (entry.target, entry.amount)):
            balances[account] = balances.get(account, 0) + amount
        if entry.key in keys and entry.cause not in ("income", "upkeep", "overflow"):
            yield f"3.1: the transfer {entry.key} happened twice"
        keys.add(entry.key)
        if sum(balances.values()):
            yield "3.1: the accounts do not sum to zero"
        if balances.get("pool", 0) < ledger.tariff.floor:
            yield f"3.1: the pool fell below its floor at entry {entry.number}"
        if any(amount < 0 for account, amount in balances.items() if account.startswith("hold:")):
            yield f"3.1: a hold is negative at entry {entry.number}"
    if any(amount for account, amount in balances.items() if account.startswith("hold:")):
        yield "3.1: a hold is left at the end of the run"
    if balances.get("pool", 0) != ledger.balance:
        yield "3.1: the balance is not the fold of the journal"
    booked = [
        Entry.from_data(line.body["entry"])
        for line in result.journal.read("economy")
        if line.kind == "entry"
    ]
    journalled = [entry for entry in booked if entry.purse == ledger.purse]
    again = Ledger(ledger.tariff, journalled, ledger.purse)
    if tuple(journalled) != ledger.entries or again.balances() != ledger.balances():
        yield "3.1: the ledger's journal does not restore the ledger"


def handshake_laws(result: RunResult) -> Iterator[str]:
    protocol = result.program.protocols[result.scenario.protocol]
    prices = result.program.economies[result.scenario.economy].prices
    records = plain(result.run.hosts[protocol.actor.id].records)
    processed = [entry.source for entry in _transfers(result) if entry.target == "cost:process"]
    if len(set(processed)) < len(processed):
        yield "4.2: a request was processed and paid twice"
    attempts = translations = 0
    for record in records:
        if record["type"] != "handshake":
            continue
        attempts += record["attempts"]
        translations += record["translations"]
        if record["verdict"] == "accepted" and record["received"]["status"] != "ACK":
            yield f"4.2: {record['name']} was accepted without an ACK"
        elif record["verdict"] == "accepted" and _item(record["received"]) != _item(record["sent"]):
            yield f"4.2: {record['name']} was accepted for the answer to another request"
        if record["verdict"] in ("refused", "unready") and record["attempts"] + record["translations"]:
            yield f"3.3: {record['name']} was {record['verdict']} and went on"
    if result.run.stopped == "final":
        paid = {"publish": attempts * prices.publish, "translation": translations * prices.translation}
        for account, amount in paid.items():
            spent = sum(e.amount for e in _transfers(result) if e.target == f"cost:{account}")
            if spent != amount:
                yield f"4.1: {account} cost {spent}, {amount} was due"
    limits = {phase["metadata"]["name"]: phase["spec"] for phase in _documents(result, "Phase")}
    for record in records:
        if record["type"] == "handshake":
            allowed = limits[record["phase"]]
            if record["attempts"] > allowed["request"]["attempts"]:
                yield f"4.1: {record['name']} was sent {record['attempts']} times"
            if record["translations"] > allowed["translation"]["attempts"]:
                yield f"4.1: {record['name']} was translated {record['translations']} times"
            if record["verdict"] == "nack" and record["received"]["status"] != "NACK":
                yield f"4.2: {record['name']} ended as a NACK without one"
    bytes_of: dict[int, Any] = {}
    for record in records:
        if (
            record["type"] == "request"
            and bytes_of.setdefault(record["request"], record["message"]) != record["message"]
        ):
            yield "4.2: attempts of one request differ"


def hold_laws(result: RunResult) -> Iterator[str]:
    """4.2: what may still be asked for stays in a hold when its handshake ends, and nothing else."""
    protocol = result.program.protocols[result.scenario.protocol]
    process = result.program.economies[result.scenario.economy].prices.process
    ended = [
        (record["time_ns"], record["verdict"])
        for record in plain(result.run.hosts[protocol.actor.id].records)
        if record["type"] == "handshake" and record["verdict"] not in ("refused", "unready")
    ]
    holds = [entry.target for entry in _transfers(result) if entry.cause == "reserve"]
    for (end_ns, verdict), hold in zip(ended, holds, strict=False):
        if result.garden:  # there it is released when the journal has the record
            released = [e.time_ns for e in _transfers(result) if e.source == hold and e.cause == "release"]
            end_ns = min((at_ns for at_ns in released if at_ns >= end_ns), default=result.run.time_ns)
        moved = [entry for entry in _transfers(result) if entry.time_ns <= end_ns]
        there = sum(entry.amount for entry in moved if entry.target == hold)
        there -= sum(entry.amount for entry in moved if entry.source == hold)
        paid = any(entry.source == hold and entry.target == "cost:process" for entry in moved)
        if there > (process if verdict in ("timeout", "retry", "malformed") and not paid else 0):
            yield f"4.2: {hold} keeps {there} after its handshake, for nobody"


def cell_laws(result: RunResult) -> Iterator[str]:
    for host in result.run.hosts.values():
        answers: dict[str, Any] = {}
        for record in plain(host.records):
            if record["type"] == "answered_again" and str(record["request"]) not in answers:
                yield "4.2: answered again what was not settled"
            if record["type"] == "reply" and record["message"]["status"] != "RETRY":
                known = answers.setdefault(str(record["request"]), record["message"])
                if known != record["message"]:
                    yield "4.2: one request was answered in two ways"


def protocol_laws(result: RunResult) -> Iterator[str]:
    protocol = result.program.protocols[result.scenario.protocol]
    rewards = [e for e in _transfers(result) if e.source.startswith("reward:")]
    phases = result.outcome["phases"]
    if result.outcome["completed"]:
        for phase in protocol.phases:
            if not phases[phase.name]["complete"]:
                yield f"4.3: completed without the phase {phase.name}"
    accepted = {
        (record["phase"], record["name"])
        for record in plain(result.run.hosts[protocol.actor.id].records)
        if record["type"] == "handshake" and record["verdict"] == "accepted"
    }
    earned = [entry for entry in rewards if entry.source == "reward:for-accepted"]
    if len(earned) > len(accepted):
        yield "4.4: more rewards than accepted handshakes"
    if result.outcome["completed"]:
        yield from _missing_rewards(result, accepted, {entry.key for entry in rewards})
    if len({entry.key for entry in rewards}) != len(rewards):
        yield "4.4: a reward was paid twice"
    errors = sum(
        1
        for record in plain(result.run.hosts[protocol.actor.id].records)
        if record["type"] == "handshake" and record["verdict"] != "accepted"
    )
    if errors != result.outcome["errors"]:
        yield f"4.5: errors is {result.outcome['errors']}, {errors} handshakes were not accepted"
    if result.run.stopped not in ("final",):
        yield f"4.3: the run hangs: {result.run.stopped}"


def _item(message: Any) -> str:
    return str(message["payload"]["item"])


def _missing_rewards(result: RunResult, accepted: set[tuple[str, str]], paid: set[str]) -> Iterator[str]:
    """4.4: a completed protocol has each reward."""
    actor = f"protocol/{result.scenario.protocol}"
    economy = result.program.economies[result.scenario.economy]
    for phase in _documents(result, "Phase"):
        name = phase["metadata"]["name"]
        due = {
            "accepted": {f"{name}/{handshake}" for one, handshake in accepted if one == name},
            "exit": {name},
        }
        for reward in phase["spec"]["rewards"]:
            for key in due[reward["when"]] if economy.rewards[reward["reward"]] > 0 else ():
                if f"{actor}/{reward['reward']}/{key}" not in paid:
                    yield f"4.4: the reward {reward['reward']} of {key} was never paid"


def _documents(result: RunResult, kind: str) -> list[Any]:
    return [document.root.plain() for document in result.program.documents.of(kind).values()]


def _transfers(result: RunResult) -> list[Entry]:
    ledger = result.run.ledger
    assert ledger is not None
    return [entry for entry in ledger.entries if entry.kind == "transfer"]


def reached(result: RunResult) -> set[str]:
    """Which of the situations that the laws are about occurred."""
    kinds = {record["type"] for record in plain(result.records())}
    found = {one.verdict for one in result.failures}
    found |= kinds & {"answered_again", "duplicate", "refused", "stale", "deferred", "malformed"}
    found |= {incident.what.split()[-1] for incident in result.incidents}
    if any(
        host.kernel.actor.kind == "cell" and "turns" in host.snapshot.data
        for host in result.run.hosts.values()
    ):
        found.add("machine beside answers")
    if any(entry.kind == "mismatch" for entry in (result.run.ledger.entries if result.run.ledger else ())):
        found.add("mismatch")
    return found
