"""The trace file keeps the rules of the trace event format, and every nanosecond."""

from __future__ import annotations

import io
import json
from collections import defaultdict
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

import nimdsl
from gardens.report.observe.watch import feed
from gardens.report.perfetto import PerfettoTrace, micros
from nimdsl.program import Program
from simulate import Result, run
from tests.support.plain import plain

SCENARIOS = ["voice", "danger", "overwhelmed", "open-gates", "spark", "spark-nack"]
Event = dict[str, Any]


@pytest.fixture(scope="module")
def program() -> Program:
    return nimdsl.load()


def trace(result: Result) -> dict[str, Any]:
    file = io.StringIO()
    writing = PerfettoTrace(file, result.program, result.scenario)
    feed(writing, result.run)
    writing.close(result.run)
    return dict(json.loads(file.getvalue(), parse_float=Decimal))


@pytest.fixture(scope="module", params=SCENARIOS)
def drawn(request: pytest.FixtureRequest, program: Program) -> tuple[Result, list[Event]]:
    result = run(program, request.param)
    return result, trace(result)["traceEvents"]


def hostile(program: Program) -> Result:
    return run(program, "hostile", set={"scenario/hostile.horizon": "70s"})


def test_every_event_has_what_its_phase_wants(drawn: tuple[Result, list[Event]]) -> None:
    _, events = drawn
    assert {event["ph"] for event in events} <= {"X", "i", "C", "M"}
    for event in events:
        assert isinstance(event["name"], str)
        assert event["name"]
        assert type(event["pid"]) is int
        assert type(event["tid"]) is int
        assert event["ts"] >= 0
        assert isinstance(event["args"], dict)
        if event["ph"] == "X":
            assert event["dur"] >= 0
        if event["ph"] == "i":
            assert event["s"] == "t"
        if event["ph"] == "C":
            assert event["args"]
            assert all(isinstance(value, int | Decimal) for value in event["args"].values())


def check_threads(events: list[Event]) -> None:
    """Every process and thread has one name and one place, and its slices nest or follow each other."""
    named = defaultdict(list)
    for event in events:
        if event["ph"] == "M":
            named[event["name"], event["pid"], event["tid"]].append(event["args"])
    assert all(len(args) == 1 for args in named.values())
    threads = defaultdict(list)
    for event in events:
        assert ("process_name", event["pid"], 0) in named
        if event["ph"] in "Xi":
            assert ("thread_name", event["pid"], event["tid"]) in named
            assert ("thread_sort_index", event["pid"], event["tid"]) in named
        if event["ph"] == "X":
            threads[event["pid"], event["tid"]].append((event["ts"], event["ts"] + event["dur"]))
    for slices in threads.values():
        open_ends: list[Any] = []
        for start, end in sorted(slices, key=lambda one: (one[0], -one[1])):
            while open_ends and open_ends[-1] <= start:
                open_ends.pop()
            assert not open_ends or end <= open_ends[-1], "slices of a thread overlap"
            open_ends.append(end)


def test_threads_have_names_and_their_slices_nest(drawn: tuple[Result, list[Event]]) -> None:
    check_threads(drawn[1])


def test_reflexes_that_overlap_get_lanes_of_their_own(program: Program) -> None:
    events = trace(hostile(program))["traceEvents"]
    check_threads(events)
    names = {event["args"]["name"] for event in events if event["name"] == "thread_name"}
    assert {"reflex", "reflex 2", "safety", "modes", "beats"} <= names


def nanoseconds(value: Any) -> int:
    exact = Decimal(value) * 1000
    assert exact == int(exact)
    return int(exact)


def test_every_stretch_is_there_to_the_nanosecond(program: Program) -> None:
    result = hostile(program)
    events = trace(result)["traceEvents"]
    grants = [record for record in plain(result.records()) if record["type"] == "grant"]
    told = sorted((r["from_ns"], r["to_ns"], r["item"], r["ended"]) for r in grants)
    found = sorted(
        (
            nanoseconds(event["ts"]),
            nanoseconds(event["ts"]) + nanoseconds(event["dur"]),
            event["args"]["item"],
            event["args"]["ended"],
        )
        for event in events
        if event["ph"] == "X" and "item" in event["args"] and event["args"]["ended"] != "running"
    )
    assert set(told) <= set(found)
    assert len(found) - len(told) <= 2, "what the last beat had not noted yet"


def test_moments_are_there(program: Program) -> None:
    result = hostile(program)
    events = trace(result)["traceEvents"]
    records = plain(result.records())

    def count(part: str) -> int:
        return sum(event["ph"] == "i" and part in event["name"] for event in events)

    def of(kind: str, **fields: Any) -> int:
        return sum(
            r["type"] == kind and all(r[name] == value for name, value in fields.items()) for r in records
        )

    assert count(" arrives") == of("arrival", baseline=False)
    assert count(" dropped") >= of("drop") > 0
    assert count("suspended") == of("grant", ended="suspended") > 0
    assert count("preempted") == of("grant", ended="preempted")


def test_modes_follow_each_other_without_a_gap(program: Program) -> None:
    result = run(program, "voice")
    events = trace(result)["traceEvents"]
    thread = next(
        (event["pid"], event["tid"])
        for event in events
        if event["name"] == "thread_name" and event["args"]["name"] == "modes"
    )
    slices = sorted(
        (nanoseconds(event["ts"]), nanoseconds(event["dur"]))
        for event in events
        if event["ph"] == "X" and (event["pid"], event["tid"]) == thread
    )
    assert slices[0][0] == 0
    assert all(start + length == following for (start, length), (following, _) in pairwise(slices))
    assert slices[-1][0] + slices[-1][1] == result.run.time_ns


def test_the_balance_is_a_counter(drawn: tuple[Result, list[Event]]) -> None:
    result, events = drawn
    assert result.run.ledger is not None
    balances = [event["args"]["LF"] for event in events if event["name"] == "lifeforce"]
    assert float(balances[-1]) == result.run.ledger.balance / 1_000_000


def test_a_protocol_shows_phases_and_handshakes(program: Program) -> None:
    result = run(program, "spark-nack")
    events = trace(result)["traceEvents"]
    slices = [event for event in events if event["ph"] == "X"]
    verdicts = {event["name"]: event["args"]["verdict"] for event in slices if "verdict" in event["args"]}
    assert verdicts["connection"] == "failed"
    assert verdicts["greet"] == "nack"
    assert sum(event["args"].get("verdict") == "accepted" for event in slices) == 31


def test_the_file_says_what_was_run(program: Program) -> None:
    result = run(program, "voice")
    told = trace(result)["otherData"]
    assert told == {"scenario": "voice", "program": result.program.sha256}


@pytest.mark.parametrize(
    ("time_ns", "text"),
    [(0, "0"), (1, "0.001"), (1_000, "1"), (1_500, "1.5"), (86_399_999_999_999, "86399999999.999")],
)
def test_microseconds_are_exact(time_ns: int, text: str) -> None:
    assert micros(time_ns) == text
    assert round(json.loads(text) * 1000) == time_ns
