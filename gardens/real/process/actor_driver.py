"""One actor at home in the real garden: its host, its ear, its timers, its way to the economy.

An event is accepted and stepped at once; what the step wants done is done when
its journal lines are acknowledged (SEMANTICS 8.1), and in the meantime the next
event may be taken: lines and effects keep their order.  Only a question to the
economy makes the actor's other events wait (3.2).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Protocol, assert_never

from gardens.real.clock import Clock
from gardens.real.process.command_queue import CommandQueue, QueuedCommand
from gardens.real.process.work_runner import WorkRunner
from nimdsl.base.errors import NimdslError, PermanentPortError
from nimdsl.program import Work
from runtime.chance.models import Draws
from runtime.kernel.behaviour import behaviour_of
from runtime.kernel.effects import (
    AnyEffect,
    Book,
    CancelTimer,
    CancelWork,
    Deliver,
    PublishWave,
    RevokeWork,
    SendMessage,
    SendReply,
    SendRequest,
    SetTimer,
    StartWork,
)
from runtime.kernel.events import AnyEvent, Finished, Loan, Marked
from runtime.kernel.snapshot import Armed, Snapshot
from runtime.kernel.step import PriceDecision, PriceQuery, Step
from runtime.ports.bus import Bus, Message, check_size
from runtime.ports.journal import JournalEntry
from runtime.run import wire
from runtime.run.host import Host, Stepped, Taken, awaited
from runtime.run.lines import latest_ns
from runtime.run.run import has_ended

BIRTH_S_MIN = 1e-4
"""How soon it is looked again whether an actor's time has come."""
TIMER_SLACK_NS = 50_000
"""A timer that is due in less is due: event loops wake a little early."""


class Durable(Protocol):
    """What a resident needs of its process's journal, besides appending."""

    def after(self, act: Callable[[], None]) -> None:
        """Do something once everything appended so far is acknowledged."""

    def mark(self, key: str, value: int) -> None:
        """Remember a number along with the next lines."""


@dataclass(frozen=True)
class ActorContext:
    """What the residents of one process share."""

    bus: Bus
    plain_bus: Bus
    """What the books are answered on: no fault on purpose befalls what they say, nor that it was heard."""
    journal: Durable
    clock: Clock
    works: WorkRunner
    draws: Draws
    """Of the timers that may be due earlier."""
    run_id: str
    epoch: str
    payload_bytes_max: int
    horizon_ns: int
    """Garden time at which nothing happens any more."""
    starts: Mapping[str, int]
    """When those begin that are not there from the beginning, by id; ns."""
    on_incident: Callable[[str, str], None]
    before: Callable[[int], None]
    """Brings the stimuli that come before an instant, or at it."""
    fail: Callable[[Exception], None]
    """The process cannot go on: it ends, and comes back from its journal."""


class ActorDriver:
    """Delivers events to a host and carries out its effects."""

    begins_ns: int | None = None
    """The instant at which it begins; None: when it does."""

    def __init__(self, host: Host, around: ActorContext, commands: CommandQueue | None) -> None:
        self.host = host
        self.winding_down = False
        self._around = around
        self._commands = commands
        self._timers: dict[tuple[int, int], asyncio.TimerHandle] = {}
        self._inbox: deque[tuple[AnyEvent, int | None]] = deque()
        self._unsaid: dict[tuple[str, int], str] = {}
        """What the economy told and waits to know of, with where it hears that."""
        self._last_ns = 0
        """When it last took something, or something came that it did not want."""
        self.active_ns = 0
        """When it last took something."""
        self.left = False
        """Whether something came that would have happened after the horizon."""
        self._asking = False
        self._begun = False
        self._birth: asyncio.TimerHandle | None = None
        self._paused = False
        self._loop = asyncio.get_running_loop()
        topics = host.kernel.actor.hears
        self._listeners = [
            around.bus.listen(host.id, self._hear),
            *(around.bus.subscribe(topic, host.id, self._sense) for topic in topics),
        ]
        self._hold()

    # What others see

    @property
    def snapshot(self) -> Snapshot:
        """The actor's state."""
        return self.host.snapshot

    @property
    def waiting_count(self) -> int:
        """Events that wait, and things that the economy has not answered."""
        return len(self._inbox) + self.unpaid_count + self._asking

    @property
    def unpaid_count(self) -> int:
        """Questions and bookings that the economy has not answered."""
        return self._commands.count if self._commands else 0

    @property
    def timer_count(self) -> int:
        """Armed timers, also those that have gone off and are not taken."""
        return len(self.snapshot.timers) + (self._birth is not None)

    @property
    def has_ended(self) -> bool:
        """Whether the actor is in a final state, or faulted."""
        return has_ended(self.host)

    # From the journal to life

    def restore(self, entries: list[JournalEntry], carried: int) -> None:
        """Becomes what the journal says, and does again what may not have been done.

        ``carried`` is the position of the last event whose effects are known to have been
        carried out.  Receivers drop what they have accepted.
        """
        self._last_ns = self.active_ns = latest_ns(entries)
        repeated = [one for one in self.host.relive(entries) if one.pending.position > carried]
        for one in repeated:
            self._carry_out(one.pending.position, one.pending.now_ns, _to_repeat(one))

    def begin(self) -> None:
        """Begins, when its time has come, or goes on where the journal ended."""
        host = self.host
        if self._is_early():
            return
        self._begun = True
        told = host.told()
        self._carry_out(-1, self._last_ns, list(enumerate(host.resume())))
        if host.pending is not None:
            self._try(host.proceed)
        elif not host.snapshot.state:
            self.offer(host.kernel.begins, self._around.starts.get(host.id, self.begins_ns))
        for event in told:
            self.offer(event)
        self._drain()

    def _is_early(self) -> bool:
        """Whether it is not born yet, by far; then it will begin by itself.  What comes waits."""
        host, around, self._birth = self.host, self._around, None
        wait_s = around.clock.seconds_until(around.starts.get(host.id, 0))
        if host.snapshot.state or host.pending is not None or not wait_s:
            return False
        self._birth = self._loop.call_later(max(wait_s, BIRTH_S_MIN), self.begin)
        return True

    # Events

    def offer(self, event: AnyEvent, at_ns: int | None = None) -> None:
        """Takes an event, now or when its turn comes; at ``at_ns``, if that is not over, else now."""
        if self._waits:
            self._inbox.append((event, at_ns))
        else:
            self._accept(event, self._around.clock.now_ns() if at_ns is None else at_ns)

    def _accept(self, event: AnyEvent, at_ns: int) -> None:
        """The horizon is exclusive; what the books told before it is taken, however late it comes."""
        if isinstance(event, Marked | Loan):
            at_ns = min(at_ns, self._around.horizon_ns - 1)
        at_ns = max(self._last_ns, at_ns)
        if at_ns < self._around.horizon_ns:
            self._last_ns = at_ns
            self._try(lambda: self._taken(event, at_ns))
        else:
            self.left = self.left or awaited(self.snapshot, event)
        if isinstance(event, Marked | Loan):
            self._say_heard(event)

    def _taken(self, event: AnyEvent, at_ns: int) -> Taken | None:
        taken = self.host.accept(event, at_ns)
        if taken is not None:
            self.active_ns = at_ns
        return taken

    def _say_heard(self, event: Marked | Loan) -> None:
        """The economy need not tell this again, once the journal has it."""
        to = self._unsaid.pop((event.sender, event.number), "")
        if to:
            self._around.journal.after(lambda: self._around.plain_bus.send(Message(to, b"")))

    @property
    def is_due(self) -> bool:
        """Whether something that has an instant, from before the horizon, is still to be taken."""
        return False

    @property
    def _waits(self) -> bool:
        return self._asking or self._paused or not self._begun

    def _try(self, act: Callable[[], Taken | None]) -> None:
        """A step whose lines cannot be written must not be half done: the journal alone counts then."""
        try:
            taken = act()
        except NimdslError as problem:
            self._paused = True
            self._around.fail(problem)
        else:
            self._go_on(taken)

    def pause(self) -> None:
        """Takes nothing until :meth:`resume`."""
        self._paused = True
        self._hold()

    def resume(self) -> None:
        """Goes on."""
        self._paused = False
        self._drain()

    def _hear(self, message: Message) -> None:
        if message.status:
            return
        event = wire.to_event(message)
        if isinstance(event, Marked | Loan):
            self._unsaid[event.sender, event.number] = message.reply_to
        self.offer(event)

    def _sense(self, message: Message) -> None:
        if self.host.kernel.actor.hears_from(message.sender):
            self._hear(message)

    def _go_on(self, taken: Taken | None) -> None:
        if isinstance(taken, PriceQuery):
            self._ask(taken)
        elif taken is not None:
            position, at_ns, effects = self.host.position, self._last_ns, list(enumerate(taken))
            self._around.journal.after(lambda: self._carry_out(position, at_ns, effects))

    def _ask(self, query: PriceQuery) -> None:
        commands, pending = self._commands, self.host.pending
        if commands is None:
            self._try(lambda: self.host.answer(PriceDecision(True, 0)))
            return
        assert pending is not None
        item = QueuedCommand(pending.position, len(pending.answers), pending.now_ns)
        self._asking = True
        self._hold()
        self._around.journal.after(lambda: commands.ask(item, query.command, self._answered))

    def _answered(self, paid: PriceDecision) -> None:
        self._asking = False
        self._try(lambda: self.host.answer(paid))
        self._drain()

    def _drain(self) -> None:
        """First what came from inside: finished work and timers; then the bus."""
        while self._inbox and not self._waits:
            self.offer(*self._inbox.popleft())
        self._release()

    def _hold(self) -> None:
        for listener in self._listeners:
            listener.hold()

    def _release(self) -> None:
        """Whoever takes what waited may have to wait again."""
        for listener in self._listeners:
            if not self._waits:
                listener.release()

    # Effects

    def _carry_out(self, position: int, at_ns: int, effects: list[tuple[int, AnyEffect]]) -> None:
        """The effects of the event at ``position``, taken at ``at_ns``, each with its place among them."""
        around, commands = self._around, self._commands
        for index, effect in effects:
            match effect:
                case SetTimer():
                    self._set_timer(effect)
                case CancelTimer():
                    handle = self._timers.pop((effect.timer, effect.generation), None)
                    if handle is not None:
                        handle.cancel()
                case StartWork():
                    self._start_work(effect)
                case RevokeWork():
                    if not around.works.revoke(self.host.id, effect.number):
                        self.offer(Finished(effect.number, "revoked"), at_ns)
                case CancelWork():
                    around.works.cancel(self.host.id, effect.number)
                case SendMessage() | SendRequest() | SendReply():
                    self._send(effect)
                case PublishWave():
                    self._publish(effect)
                case Book():
                    if commands is not None:
                        commands.book(QueuedCommand(position, index, at_ns), effect.command)
                case _:
                    assert_never(effect)
        if position < 0:
            return
        if commands is None:
            around.journal.mark(self.host.id, position)
        else:
            commands.then(lambda: around.journal.mark(self.host.id, position))

    def _start_work(self, effect: StartWork) -> None:
        actor = self.host.kernel.actor
        work = actor.works[effect.work]
        given = behaviour_of(actor.kind).gives_time and not (work.real or work.virtual)
        if not given:  # else it takes as long as it is given
            back = partial(self._came_back, work)
            self._around.works.start(self.host.id, work, effect.number, effect.arguments, back)

    def _came_back(self, work: Work, event: Finished) -> None:
        """Work is over.  That a callable or a service failed, a person wants to hear, and why."""
        if event.outcome == "failed" and ("python" in work.real or "service" in work.real):
            self._around.on_incident(self.host.id, f"`{work.name}` failed: {event.reason}")
        self.offer(event)

    def _send(self, effect: Deliver) -> None:
        around = self._around
        message = wire.to_message(effect, self.host.id, around.run_id, around.epoch, around.clock.now_ns())
        try:
            check_size(message, around.payload_bytes_max)
            around.bus.send(message)
        except PermanentPortError as problem:
            around.on_incident(self.host.id, f"could not send to {effect.to}: {problem}")

    def _publish(self, effect: PublishWave) -> None:
        around = self._around
        message = wire.to_wave(effect, self.host.kernel.actor)
        try:
            check_size(message, around.payload_bytes_max)
            around.bus.publish(message)
        except PermanentPortError as problem:
            around.on_incident(self.host.id, f"could not publish to {message.to}: {problem}")

    def _set_timer(self, effect: SetTimer) -> None:
        key = (effect.timer, effect.generation)
        delay_s = self._around.clock.seconds_until(self._due_ns(effect))
        self._timers[key] = self._loop.call_later(delay_s, lambda: self._due(effect))

    def _due_ns(self, armed: SetTimer | Armed) -> int:
        """The instant at which a timer goes off."""
        draws, actor = self._around.draws, self.host.id
        return draws.due_ns(actor, armed.generation, armed.deadline_ns, armed.jitter_ns)

    def _due(self, effect: SetTimer) -> None:
        if self._timers.pop((effect.timer, effect.generation), None) is None:
            return
        if self._due_ns(effect) - self._around.clock.now_ns() > TIMER_SLACK_NS:
            self._set_timer(effect)
        elif self.winding_down:
            return
        else:
            self._wake(effect)

    def _wake(self, effect: SetTimer) -> None:
        """A timer went off."""
        self.offer(effect.event)

    def close(self) -> None:
        """Hears nothing and does nothing more."""
        self._paused = True
        for listener in self._listeners:
            listener.close()
        births = [self._birth] if self._birth is not None else []
        for handle in (*births, *self._timers.values()):
            handle.cancel()
        self._timers.clear()


def _to_repeat(one: Stepped) -> list[tuple[int, AnyEffect]]:
    """Effects to carry out again; timers and work come from the snapshot.

    They keep their places, by which the economy knows a booking again.
    """
    assert isinstance(one.step, Step)
    return [
        (i, e)
        for i, e in enumerate(one.step.effects)
        if isinstance(e, SendMessage | SendRequest | SendReply | PublishWave | Book)
    ]
