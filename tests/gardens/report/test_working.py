"""How long cells waited, from their records: for work, for answers, until they answered."""

from __future__ import annotations

import pytest

import nimdsl
from gardens.report.observe.working import ANSWER, REQUEST, WORK, Delay, Working
from nimdsl.program import Program
from runtime.records import (
    Abandoned,
    AnsweredAgain,
    AnyBody,
    Deferred,
    Identity,
    Ignored,
    Moved,
    Record,
    Replied,
    WorkStarted,
)
from simulate import run

CELL = """
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: lamp}
spec:
  data: {count: int}
  machine:
    initial: dark
    states:
      dark:
        enter: [{work: look}, {work: read}]
        transitions:
          - {event: seen, internal: true}
          - {event: had, internal: true}
          - {event: failed, internal: true}
  work:
    look: {returns: {}, done: seen, virtual: {latency: {constant: 1s}}}
    read: {returns: {}, done: had, virtual: {latency: {constant: 1s}}}
"""


def working(*told: tuple[int, AnyBody]) -> Working:
    report = nimdsl.check_text(CELL)
    assert report.program is not None, report.diagnostics
    found = Working(report.program.cells["lamp"])
    for number, (at_ns, body) in enumerate(told):
        found.take(Record("cell/lamp", number, at_ns, body))
    return found


def came(event: str) -> Moved:
    return Moved(event, "dark", "dark")


def values(delay: Delay) -> list[int]:
    return [value for value, count in delay.ended.counts for _ in range(count)]


def test_work_lasts_until_the_event_that_its_outcome_is_called() -> None:
    told = working(
        (0, WorkStarted("look", 1)),
        (5, WorkStarted("read", 2)),
        (20, Ignored("seen", "dark")),
        (30, WorkStarted("look", 3)),
        (45, came("had")),
        (70, came("seen")),
    )
    look, read = told.delays()
    assert (look.kind, look.name, look.begun, values(look), look.exact) == (WORK, "look", 2, [20, 40], True)
    assert (read.name, values(read), read.under_way) == ("read", [40], 0)
    assert look.ended.mean_ns == 30
    assert told.busy_ns(100) == 70


def test_what_a_transition_starts_anew_is_not_what_came_back() -> None:
    (look,) = working((0, WorkStarted("look", 1)), (9, WorkStarted("look", 2)), (9, came("seen"))).delays()
    assert values(look) == [9]
    assert look.exact
    assert look.under_way == 1


def test_of_several_under_way_the_oldest_came_back_and_it_is_said() -> None:
    told = working(*((n, WorkStarted("look", n)) for n in (1, 2)), (11, came("seen")), (22, came("seen")))
    (look,) = told.delays()
    assert values(look) == [10, 20]
    assert not look.exact


def test_work_that_is_given_up_is_counted_and_not_measured() -> None:
    told = working((0, WorkStarted("look", 1)), (7, Abandoned("look", 1)), (8, came("seen")))
    (look,) = told.delays()
    assert (look.abandoned, look.ended.total, look.under_way) == (1, 0, 0)
    assert told.busy_ns(100) == 7


def test_a_fault_hides_which_work_came_back() -> None:
    (look,) = working((0, WorkStarted("look", 1)), (5, came("fault")), (9, came("seen"))).delays()
    assert (look.unmeasured, look.ended.total, look.under_way) == (1, 0, 0)


def test_answers_last_from_when_the_request_came() -> None:
    first, second, third = (Identity("protocol/spark", n) for n in (1, 2, 3))
    asked = Moved("request:Question", "dark", "dark")
    (answers,) = working(
        (10, asked),
        (12, Deferred(second)),
        (20, Replied("x", first, {}, 1)),
        (20, asked),
        (50, Replied("x", second, {}, 2)),
        (60, Replied("x", third, {}, 3)),  # at once: written before its transition
        (60, asked),
        (70, AnsweredAgain(first)),
        (70, Replied("x", first, {}, 4)),
    ).delays()
    assert answers.kind == ANSWER
    assert values(answers) == [0, 10, 38]
    assert (answers.begun, answers.under_way) == (3, 0)


@pytest.fixture(scope="module")
def program() -> Program:
    return nimdsl.load()


def test_requests_of_a_protocol_are_asked_and_answered(program: Program) -> None:
    result = run(program, "spark")
    spark = Working(result.program.protocols["spark"].actor)
    for record in result.run.hosts["protocol/spark"].records:
        spark.take(record)
    asked = [one for one in spark.delays() if one.kind == REQUEST]
    assert sum(one.ended.total for one in asked) == sum(one.begun for one in asked) == 36
    assert all(one.exact and one.ended.max_ns > 0 for one in asked)


def test_requests_that_are_lost_are_given_up(program: Program) -> None:
    result = run(program, "spark", set={"garden/virtual.bus.loss": "100%"})
    spark = Working(result.program.protocols["spark"].actor)
    for record in result.run.hosts["protocol/spark"].records:
        spark.take(record)
    asked = [one for one in spark.delays() if one.kind == REQUEST]
    assert asked
    assert sum(one.ended.total for one in asked) == 0
    assert sum(one.begun for one in asked) == sum(one.abandoned + one.under_way for one in asked)
