"""One attention in the smallest garden there is: a heap of events, perhaps a ledger.

It delivers in the order of SEMANTICS 2.2 and carries out effects as the gardens do; a run takes about
a millisecond.  ``program_of`` is the same attention for a whole garden.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

from gardens.stores.memory import MemoryJournal
from nimdsl import program as declared
from nimdsl.compile.attention import default_modes
from nimdsl.program import Attention, Beat, Economy, Periodic, Prices, Program, Scenario, Work
from nimdsl.program.flatten import Table
from runtime.kernel.effects import AnyEffect, Book, RevokeWork, SetTimer, StartWork
from runtime.kernel.events import BEGIN, AnyEvent, Boundary, Finished, Stimulus
from runtime.kernel.interpreters import Interpreter, PlainInterpreter
from runtime.kernel.step import Kernel, PriceDecision, PriceQuery
from runtime.ledger.accounts import LenderCommand, Question, Tariff
from runtime.ledger.economy import Ledger
from runtime.run.host import Checks, Host
from tests.support.outcomes import Comes

NAME = "small"
ATTENTION, SCENARIO = 0, 1
"""The emitters, by kind."""
EVENT_COUNT_MAX = 20_000


@dataclass(frozen=True)
class Lasts:
    """How long things last; ns."""

    work_ns: int = 0
    """Work, by itself."""
    revoked_ns: int = 0
    """Work that goes on after it was revoked."""
    timer_ns: int = 0
    """The most by which a timer is late."""
    begin_ns: int = 0
    """Until the attention begins."""


PUNCTUAL = Lasts()


@dataclass
class SmallGarden:
    """A run of one attention; ``held`` says after each event its time, and whether a hold was open."""

    host: Host
    ledger: Ledger | None
    lasts: Lasts
    held: list[tuple[int, bool]] = field(default_factory=list)
    events: list[tuple[int, int, int, int, int, AnyEvent]] = field(default_factory=list)
    ties: count[int] = field(default_factory=count)

    def run(self, stimuli: Sequence[Comes], until_ns: int) -> None:
        """Everything that is due before that time, and the end of a beat at it."""
        self.due(self.lasts.begin_ns, ATTENTION, 0, BEGIN)
        for number, one in enumerate(stimuli, start=1):
            stimulus = Stimulus(one.event, dict(one.payload), sender=f"scenario/{NAME}", number=number)
            self.due(one.at_ns, SCENARIO, number, stimulus)
        end = (until_ns, Boundary.priority)
        for _ in range(EVENT_COUNT_MAX):
            if not self.events or self.events[0][:2] > end:
                return
            now_ns, *_, event = heapq.heappop(self.events)
            self.deliver(event, now_ns)
        raise AssertionError("time stands still")

    def due(self, at_ns: int, emitter: int, number: int, event: AnyEvent) -> None:
        order = (at_ns, event.priority, emitter, number, next(self.ties))
        heapq.heappush(self.events, (*order, event))

    def deliver(self, event: AnyEvent, now_ns: int) -> None:
        taken = self.host.accept(event, now_ns)
        while isinstance(taken, PriceQuery):
            taken = self.host.answer(self.ask(taken.command, now_ns))
        for effect in taken or ():
            self.carry_out(effect, now_ns)
        if self.ledger is not None:
            self.held.append((now_ns, bool(self.ledger.holds())))

    def ask(self, command: Question, now_ns: int) -> PriceDecision:
        if self.ledger is None:
            return PriceDecision(True, 0)
        answer = self.ledger.apply(command, now_ns)
        return PriceDecision(answer.granted, answer.balance)

    def carry_out(self, effect: AnyEffect, now_ns: int) -> None:
        match effect:
            case SetTimer():
                late_ns = effect.generation * effect.generation % (self.lasts.timer_ns + 1)
                at_ns = max(now_ns, effect.deadline_ns + late_ns)
                self.due(at_ns, ATTENTION, effect.generation, effect.event)
            case StartWork():
                at_ns = now_ns + self.lasts.work_ns
                self.due(at_ns, ATTENTION, effect.number, Finished(effect.number, "done"))
            case RevokeWork():
                at_ns = now_ns + self.lasts.revoked_ns
                self.due(at_ns, ATTENTION, effect.number, Finished(effect.number, "revoked"))
            case Book() if self.ledger is not None and not isinstance(effect.command, LenderCommand):
                self.ledger.apply(effect.command, now_ns)


def lived(
    actor: Attention,
    stimuli: Sequence[Comes],
    beats: int,
    *,
    tariff: Tariff | None = None,
    lasts: Lasts = PUNCTUAL,
    checks: Checks | None = None,
    interpreter: Callable[[Table], Interpreter] = PlainInterpreter,
    program: str = "",
) -> SmallGarden:
    """A run of so many beats; the stimuli are in the order of their times."""
    host = Host(Kernel(actor, interpreter(actor.table), {}, program), MemoryJournal(), checks)
    garden = SmallGarden(host, Ledger(tariff) if tariff else None, lasts)
    garden.run(stimuli, beats * actor.beat.length_ns + lasts.timer_ns)
    return garden


def actor_of(beat: Beat, works: Mapping[str, Work]) -> Attention:
    """An attention with the modes that it has by default."""
    return Attention("attention", NAME, default_modes(beat), {}, {}, works, beat=beat)


def program_of(
    actor: Attention, stimuli: Sequence[Comes], beats: int, tariff: Tariff | None = None
) -> Program:
    """The same for a whole garden, with its only scenario."""
    economies = {}
    if tariff is not None:
        figures = (tariff.opening, tariff.floor, tariff.capacity, Prices(0, 0, 0))
        rates = (tariff.rewards, tariff.incomes, tariff.upkeep, tariff.window_ns)
        economies[NAME] = Economy(NAME, *figures, *rates)
    scenario = Scenario(
        name=NAME,
        description="",
        protocol="",
        economy=NAME if economies else "",
        garden="",
        cells=(),
        attention=NAME,
        horizon_ns=beats * actor.beat.length_ns + 1,
        seed=1,
        set={},
        stimuli=tuple(
            declared.StimulusSpec((actor.id,), one.event, one.payload, Periodic(one.at_ns, 0, 1))
            for one in stimuli
        ),
        expect=(),
    )
    return Program({"Economy": economies, "Attention": {NAME: actor}, "Scenario": {NAME: scenario}})
