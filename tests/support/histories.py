"""Runs of all kinds of actors, and what must hold when their steps are looked at again."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import simulate
from gardens.report.result.result import RunResult
from runtime import records
from runtime.run.causes import causes_of
from runtime.run.guards import tried
from runtime.run.history import History, Past
from runtime.run.recording import opened
from runtime.run.replay import replay
from simulate import journals
from tests.support.organs import cell, organ, world

CREATURE = Path("tests/support/creature.yaml")
FLEET = Path("examples/fleet.yaml")
ROOTS = ("begin", "stimulus", "mark", "returned")
RUNS: dict[str, tuple[Any, str, dict[str, Any]]] = {
    "creature": (CREATURE, "s", {"scenario/s.horizon": "4s"}),
    "pauper": (CREATURE, "s", {"scenario/s.horizon": "1s", "economy/body.opening": 0.2}),
    "organs": (world(organ(), cell("one"), cell("two", after="2s", timeout="5s")), "s", {}),
    "fleet": (FLEET, "shift", {"scenario/shift.horizon": "2h"}),
    "spark": (None, "spark-nack", {}),
    "attention": (None, "overwhelmed", {}),
}


@cache
def result_of(name: str) -> RunResult:
    program, scenario, changed = RUNS[name]
    return simulate.run(program, scenario, set=changed)


def past_of(name: str) -> Past:
    with journals.opened(result_of(name)) as journal:
        return Past(opened(journal))


def histories(past: Past) -> list[History]:
    return [history for actor in past.recording.kernels if (history := past.of(actor)) is not None]


def looks_at_what_was_taken(past: Past) -> None:
    """A step that is looked at is the step that was taken."""
    replayed = replay(past.recording).records
    for history in histories(past):
        assert tuple(history.records) == replayed[history.actor]
        for number in reversed(range(len(history.lines))):
            looked = history.look(number)
            if number + 1 < len(history.lines):
                assert looked.after == history.before(number + 1)
            assert [one.time_ns for one in looked.records] == [looked.line.time_ns] * len(looked.records)
            assert all(history.step_of(one.sequence) == number for one in looked.records)
            assert len(looked.asked) == len(looked.line.answers)


def tells_the_row_that_was_taken(past: Past) -> None:
    """The row taken is the last one that was tried, and the only one that held."""
    for history in histories(past):
        for record in history.records:
            body = record.body
            if not isinstance(body, records.Moved):
                continue
            looked = history.look(history.step_of(record.sequence))
            *others, taken = tried(looked, history.kernel.actor.table, record.sequence)
            assert (taken.event, taken.target) == (body.event, body.target)
            assert taken.guard is None or taken.guard.holds
            assert not any(row.guard is None or row.guard.holds for row in others)


def names_what_came_before(past: Past) -> None:
    """Each record has a main cause, and others aside; each is a root, or a step that came before."""
    for history in histories(past):
        for record in history.records:
            step = history.step_of(record.sequence)
            first, *others = causes_of(past, history.actor, step, record.sequence)
            assert not first.aside
            assert all(one.aside for one in others)
            for cause in (first, *others):
                assert cause.what
                assert (cause.kind in ROOTS) == (cause.origin is None)
                if cause.origin is None:
                    continue
                origin = past.of(cause.origin.actor)
                assert origin is not None
                assert origin.lines[cause.origin.step].time_ns <= history.lines[step].time_ns
                assert cause.origin.actor != history.actor or cause.origin.step < step
                if cause.origin.record is not None:
                    assert origin.step_of(cause.origin.record) == cause.origin.step


LAWS = (looks_at_what_was_taken, tells_the_row_that_was_taken, names_what_came_before)
