"""The host: a price question that fails leaves the event pending, and the journal whole (SEMANTICS 8.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

import nimdsl
from gardens.stores.memory import MemoryJournal
from nimdsl.base.errors import InternalError, TemporaryPortError
from nimdsl.program import Program
from runtime.kernel.events import BEGIN, Stimulus
from runtime.kernel.interpreters import PlainInterpreter
from runtime.kernel.step import Kernel, PriceDecision
from runtime.ledger.accounts import Question
from runtime.run.host import Host, fold
from runtime.run.lines import Accepted, write
from tests.support.texts import cell

MACHINE = """
    initial: a
    states:
      a: {transitions: [{event: push, to: a, cost: 1, do: [{set: {m: "${m + 1}"}}]}]}"""
PROGRAM: Program = nimdsl.load_text(cell(MACHINE, "  accepts: {push: {}}\n  data: {m: int}\n"))


def push(number: int) -> Stimulus:
    return Stimulus("push", {}, sender="test", number=number)


Ask = Callable[[Question], PriceDecision]


def host_that_fails_at(failing: set[int], journal: MemoryJournal) -> tuple[Host, Ask]:
    def counted() -> Iterator[int]:
        number = 0
        while True:
            yield number
            number += 1

    calls = counted()

    def ask(command: Question) -> PriceDecision:
        if next(calls) in failing:
            raise TemporaryPortError("the economy cannot be reached")
        return PriceDecision(True, 10)

    actor = PROGRAM.cells["c"]
    return Host(Kernel(actor, PlainInterpreter(actor.table), PROGRAM.schemas), journal), ask


@pytest.mark.parametrize("failing", range(4))
def test_a_failed_question_is_asked_again_and_nothing_is_lost(failing: int) -> None:
    journal = MemoryJournal()
    host, ask = host_that_fails_at({failing}, journal)
    host.accept(BEGIN, 0, ask)
    for number in range(1, 5):
        try:
            host.accept(push(number), number, ask)
        except TemporaryPortError:
            with pytest.raises(InternalError):
                host.accept(push(99), number)
            host.restore(journal.read(host.id))
            assert host.pending is not None, "what was accepted still waits"
            host.proceed(ask)
    assert host.snapshot.data == {"m": 4}
    snapshot, records, pending = fold(host.kernel, journal.read(host.id))
    assert (snapshot, records, pending) == (host.snapshot, host.records, None)


def test_a_journal_that_goes_on_after_an_unanswered_event_is_refused() -> None:
    journal = MemoryJournal()
    host, _ = host_that_fails_at(set(), journal)
    host.accept(BEGIN, 0)
    for number in (1, 2):
        write(journal, host.id, Accepted(push(number), 1, host.kernel.program))
    with pytest.raises(InternalError, match="goes on"):
        fold(host.kernel, journal.read(host.id))


def test_work_is_resumed_in_the_order_of_its_numbers() -> None:
    machine = """
    initial: a
    states:
      a:
        transitions:
          - {event: push, to: a, do: [{work: w}]}
          - {event: done, to: a}
          - {event: failed, to: a}"""
    program = nimdsl.load_text(cell(machine, "  accepts: {push: {}}\n  work: {w: {}}\n"))
    actor = program.cells["c"]
    kernel = Kernel(actor, PlainInterpreter(actor.table), program.schemas)
    host = Host(kernel, MemoryJournal())
    host.accept(BEGIN, 0)
    for number in range(1, 13):
        host.accept(push(number), number)
    numbers = [getattr(effect, "number", 0) for effect in host.resume()]
    assert numbers == sorted(numbers)
    assert len(numbers) == 12


def test_2_2_timers_come_back_in_the_order_of_their_deadlines() -> None:
    machine = """
    initial: a
    states:
      a:
        timers: [{after: 5s, to: a}, {after: 2s, to: a}]"""
    program = nimdsl.load_text(cell(machine))
    actor = program.cells["c"]
    host = Host(Kernel(actor, PlainInterpreter(actor.table), program.schemas), MemoryJournal())
    host.accept(BEGIN, 0)
    deadlines = [getattr(effect, "deadline_ns", 0) for effect in host.resume()]
    assert deadlines == [2_000_000_000, 5_000_000_000]
