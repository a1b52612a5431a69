"""How a rack takes one event (SEMANTICS 9).

A rack is the cards of one host.  Actors ask it (:mod:`runtime.kernel.organs`); loading, serving, training
and unloading are its own work.  After every event it does what :mod:`runtime.kernel.arbiter` says is next,
until nothing is.  One timer tells it when something is over.

The law: each request ends once, by a reply or by a reason, and not after its time.  Who finishes at that
very instant has finished.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from nimdsl.base.errors import InternalError
from nimdsl.base.values import Fields
from nimdsl.program.rack import LOAD, SERVE, TRAIN, UNLOAD, Rack, work_of
from runtime import records
from runtime.kernel import arbiter, asks, learning
from runtime.kernel.arbiter import (
    FREE,
    LOADING,
    READY,
    SERVING,
    TRAINING,
    UNLOADING,
    Evict,
    LoadOnto,
    LoadTrouble,
    OrganRequest,
    RackState,
    Resident,
    Serve,
)
from runtime.kernel.effects import RevokeWork, StartWork
from runtime.kernel.events import AnyEvent, Begin, Finished, Marked, Received, Role, TimerDue
from runtime.kernel.kernel import AskPrice, Kernel, PriceDecision
from runtime.kernel.learning import Learning
from runtime.kernel.machine_step import MachineStep
from runtime.kernel.snapshot import Serving, Underway
from runtime.kernel.step_context import StepContext
from runtime.ledger.accounts import Charge
from runtime.ledger.sleep import SLUMBER
from runtime.records import Identity

OVER = -2
"""The timer of what is over next."""
SERVED, FULL, TIMEOUT, BROKEN, REVOKED, LIFEFORCE, FAILED, ASLEEP = (
    "served",
    "full",
    "timeout",
    "broken",
    "revoked",
    "lifeforce",
    "failed",
    "asleep",
)
"""How a request ends."""
IGNORED = "ignored"
"""Why nothing became of what is no request."""


class RackStep(MachineStep):
    """One event of a rack."""

    def __init__(
        self,
        kernel: Kernel,
        rack: Rack,
        context: StepContext,
        answers: Sequence[PriceDecision],
        asked: AskPrice | None,
    ) -> None:
        super().__init__(kernel, context, answers, asked)
        self.organs = rack.organs

    def take(self, event: AnyEvent) -> None:
        """Requests, what became of work, and what is over."""
        context = self.context
        match event:
            case Begin(cards=cards):
                context.rack = RackState(cards)
                super().take(event)
            case Received(role=Role.ASK):
                self._asked(event)
            case Received(role=Role.WITHDRAWAL):
                self._end_of(Identity(event.sender, event.ask), gone=True)
            case Received():
                context.note(records.Ignored(event.name, self.table.states[context.state]))
            case Marked(name=name):
                self._sleep(event.sender, name == SLUMBER)
            case Finished():
                self.finished(event)
            case TimerDue(timer=timer):
                del context.timers[timer]
                self._expire()
            case _:
                super().take(event)
        self._go_on()

    @property
    def _state(self) -> RackState:
        if self.context.rack is None:
            raise InternalError(f"{self.context.actor.id} has not begun")
        return self.context.rack

    def _sleep(self, economy: str, asleep: bool) -> None:
        """The economy sleeps, or is awake: nobody waits for what will not serve."""
        context = self.context
        context.rack = replace(self._state, asleep=asleep)
        context.note(records.Slumbering(economy, asleep))
        for request in self._state.waiting:
            if self._sleeps(request.organ):
                self._end(request, ASLEEP)

    def _sleeps(self, organ: str) -> bool:
        return arbiter.sleeps(self.organs, self._state, organ)

    def _learnt(self, organ: str) -> Learning:
        return self._state.learnt.get(organ) or Learning()

    def _learns(self, organ: str, learnt: Learning) -> None:
        self.context.rack = replace(self._state, learnt={**self._state.learnt, organ: learnt})

    def _set(self, organ: str, resident: Resident | None) -> None:
        """What is known of an organ's model; None: it is on no card any more."""
        left = {name: one for name, one in self._state.residents.items() if name != organ}
        residents = left if resident is None else {**left, organ: resident}
        self.context.rack = replace(self._state, residents=residents)

    def _move(self, organ: str, resident: Resident, target: str, cause: str, cost: int = 0) -> None:
        """The record that a model is something else."""
        before = self._state.residents.get(organ)
        source = FREE if before is None else before.state
        version = self._learnt(organ).version
        self.context.note(records.ModelMoved(organ, resident.card, source, target, cause, cost, version))

    # Requests

    def _asked(self, event: Received) -> None:
        """A request waits in line, or is refused; one that comes again keeps its place."""
        context, asked = self.context, Identity(event.sender, event.ask)
        if asks.is_repeated(context, event):
            return
        request = self._request(event, asked)
        if request is None:
            asks.answer(
                context, _serving(event.name, asked), {"reason": IGNORED}, Role.IGNORED, (), event.attempt
            )
            return
        if self._renews(request):
            context.note(records.Duplicate(asked))
            return
        state, organ = self._state, request.organ
        context.rack = replace(state, arrivals=request.number, waiting=(*state.waiting, request))
        context.note(records.OrganAsked(organ, request.task, asked, request.priority, request.stage))
        trouble = state.troubles.get(organ)
        if self._sleeps(organ):
            self._end(request, ASLEEP)
        elif trouble is not None and trouble.broken and arbiter.is_held(state, organ, context.now_ns):
            self._end(request, BROKEN)
        elif sum(one.organ == organ for one in state.waiting) >= self.organs[organ].queue:
            self._end(request, FULL)

    def _request(self, event: Received, asked: Identity) -> OrganRequest | None:
        """The request in a message; None where it is none."""
        match event.payload:
            case {
                "task": str(task),
                "payload": dict(payload),
                "stage": str(stage),
                "priority": int(priority),
                "timeout_ns": int(timeout_ns),
                "timed": bool(timed),
            } if event.name in self.organs:
                now_ns = self.context.now_ns
                arguments: Fields = {"task": task, "payload": payload, "stage": stage}
                return OrganRequest(
                    self._state.arrivals + 1,
                    event.name,
                    asked,
                    priority,
                    now_ns,
                    now_ns + timeout_ns,
                    timed,
                    arguments,
                    event.attempt,
                )
        return None

    def _renews(self, request: OrganRequest) -> bool:
        """Whether it waits or is served already: then it has all its time again."""

        def renewed(one: OrganRequest) -> OrganRequest:
            if one.asked != request.asked:
                return one
            return replace(one, attempt=max(one.attempt, request.attempt), by_ns=request.by_ns)

        state = self._state
        waiting = tuple(renewed(one) for one in state.waiting)
        residents = {
            name: replace(one, request=renewed(one.request)) if one.request else one
            for name, one in state.residents.items()
        }
        known = [*state.waiting, *(one.request for one in state.residents.values() if one.request)]
        self.context.rack = replace(state, waiting=waiting, residents=residents)
        return any(one.asked == request.asked for one in known)

    def _end_of(self, asked: Identity, gone: bool = False) -> None:
        """Who asked has waited long enough, or with ``gone`` does not wait any more."""
        for request in self._state.waiting:
            if request.asked == asked:
                self._end(request, self._why(request), told=not gone)
        for organ, resident in sorted(self._state.residents.items()):
            if resident.request is not None and resident.request.asked == asked:
                self._end(resident.request, self._why(resident.request), resident, told=not gone)
                self._set(organ, replace(resident, request=None))
                self._revoke(resident.work)

    def _why(self, request: OrganRequest) -> str:
        return TIMEOUT if request.by_ns <= self.context.now_ns else REVOKED

    def _revoke(self, work: int) -> None:
        """Its time is over; it is served no further, and comes back when it has really ended."""
        context = self.context
        context.works[work] = replace(context.works[work], revoked_ns=context.now_ns)
        context.effects.append(RevokeWork(work))

    def _end(
        self, request: OrganRequest, outcome: str, resident: Resident | None = None, *, told: bool = True
    ) -> None:
        """The end of a request; ``resident`` is what served it, ``told`` whether who asked is told why."""
        context, state = self.context, self._state
        waiting = tuple(one for one in state.waiting if one.number != request.number)
        context.rack = replace(state, waiting=waiting)
        begun_ns = context.now_ns if resident is None else resident.begun_ns
        ended = records.OrganAnswered(
            request.organ,
            request.task,
            outcome,
            request.asked,
            0 if resident is None else self.organs[request.organ].price_in(request.stage),
            begun_ns - request.since_ns,
            context.now_ns - begun_ns,
            self._learnt(request.organ).version,
        )
        context.note(ended)
        if told and outcome != SERVED:
            serving = _serving(request.organ, request.asked)
            asks.answer(context, serving, {"reason": outcome}, Role.IGNORED, (), request.attempt)

    def _reply(self, request: OrganRequest, values: Fields) -> None:
        """What the organ returned, for who asked; it is remembered for one who asks again."""
        context, times = self.context, tuple(values) if request.timed else ()
        asks.answer(context, _serving(request.organ, request.asked), values, Role.REPLY, times)
        context.answered = context.answered.with_one(str(request.asked), values)

    # What is over

    def _expire(self) -> None:
        """Those that have waited long enough."""
        state, now_ns = self._state, self.context.now_ns
        served = [one.request for _, one in sorted(state.residents.items()) if one.request is not None]
        for request in (*state.waiting, *served):
            if request.by_ns <= now_ns:
                self._end_of(request.asked)

    def finished(self, event: Finished) -> None:
        """A load, an answer, a slice or an unloading came back."""
        context = self.context
        del context.works[event.work]
        found = [name for name, one in self._state.residents.items() if one.work == event.work]
        if not found:
            raise InternalError(f"{context.actor.id} has no model of the work {event.work}")
        (organ,) = found
        resident = self._state.residents[organ]
        match resident.state:
            case "loading" if event.outcome == "done":
                self._ready(organ, resident, "loaded")
                troubles = {name: one for name, one in self._state.troubles.items() if name != organ}
                context.rack = replace(self._state, troubles=troubles)
            case "loading":
                self._move(organ, resident, FREE, "failed")
                self._set(organ, None)
                self._failed(organ)
            case "serving":
                if resident.request is not None:
                    self._end(resident.request, SERVED if event.outcome == "done" else FAILED, resident)
                    if event.outcome == "done":
                        self._reply(resident.request, event.values)
                        self._count(organ)
                self._ready(
                    organ, resident, {"done": SERVED, "revoked": REVOKED}.get(event.outcome, FAILED)
                )
            case "training":
                self._trained(organ, resident, event.outcome == "done")
            case _:
                self._move(organ, resident, FREE, "unloaded")
                self._set(organ, None)

    def _count(self, organ: str) -> None:
        """It served one more, and learns from that."""
        if self.organs[organ].training is not None:
            self._learns(organ, learning.after_serving(self._learnt(organ)))

    def _trained(self, organ: str, resident: Resident, done: bool) -> None:
        """A slice is over; for its stay, and for who leaves first, it counts as if it had not been."""
        training = self.organs[organ].training
        if training is None:
            raise InternalError(f"{organ} does not train")
        learnt, cause = learning.after_slice(training, self._learnt(organ), done)
        self._learns(organ, learnt)
        self._move(organ, resident, READY, cause)
        self._set(organ, Resident(resident.card, READY, resident.used_ns))

    def _ready(self, organ: str, resident: Resident, cause: str) -> None:
        self._move(organ, resident, READY, cause)
        self._set(organ, Resident(resident.card, READY, self.context.now_ns))

    def _failed(self, organ: str) -> None:
        """A load failed: it is tried again later, or the organ is broken for a while."""
        spec, state, now_ns = self.organs[organ], self._state, self.context.now_ns
        before = state.troubles.get(organ)
        failures = 1 if before is None or before.broken else before.failures + 1
        broken = failures >= spec.attempts
        wait_ns = spec.cooldown_ns if broken else spec.backoff_ns << (failures - 1)
        troubles = {**state.troubles, organ: LoadTrouble(failures, now_ns + wait_ns, broken)}
        self.context.rack = replace(state, troubles=troubles)
        if broken:
            for request in state.waiting:
                if request.organ == organ:
                    self._end(request, BROKEN)

    # What follows

    def _go_on(self) -> None:
        """Does what is next until nothing is; then what has time is trained, what is left over unloaded."""
        context = self.context
        while (move := arbiter.next_move(self.organs, self._state, context.now_ns)) is not None:
            match move:
                case Serve():
                    self._serve(move)
                case LoadOnto():
                    self._load(move)
                case Evict():
                    for organ in move.organs:
                        self._unload(organ, "room", move.request.organ)
        while (trains := arbiter.next_slice(self.organs, self._state, context.now_ns)) is not None:
            self._train(trains)
        for organ, resident in sorted(self._state.residents.items()):
            over_ns = resident.used_ns + self.organs[organ].keep_ns
            is_idle = resident.state == READY and not arbiter.is_awaited(self._state, organ)
            if is_idle and (over_ns <= context.now_ns or self._sleeps(organ)):
                self._unload(organ, "asleep" if self._sleeps(organ) else "idle")
        due_ns = arbiter.next_due_ns(self.organs, self._state, context.now_ns)
        context.rearm(OVER, None if due_ns is None else max(due_ns, context.now_ns))
        context.let_flow(
            {name: (0, self.organs[name].warm) for name in self._state.residents if self.organs[name].warm}
        )

    def _serve(self, move: Serve) -> None:
        context, request = self.context, move.request
        organ = request.organ
        cost = self.organs[organ].price_in(request.stage)
        if not self._is_paid(organ, cost):
            self._end(request, LIFEFORCE)
            return
        state, resident = self._state, self._state.residents[organ]
        waiting = tuple(
            replace(one, passed=one.passed + 1) if one.number in move.passed else one
            for one in state.waiting
            if one.number != request.number
        )
        context.rack = replace(state, waiting=waiting)
        serving = replace(
            resident,
            state=SERVING,
            work=self._start(SERVE, organ, {**request.arguments, "version": self._learnt(organ).version}),
            request=request,
            begun_ns=context.now_ns,
        )
        self._move(organ, serving, SERVING, "request", cost)
        self._set(organ, serving)

    def _train(self, organ: str) -> None:
        """A slice begins, if it is paid; else none is asked for in a while."""
        training, resident = self.organs[organ].training, self._state.residents[organ]
        if training is None:
            raise InternalError(f"{organ} does not train")
        if not self._is_paid(organ, training.price):
            until_ns = self.context.now_ns + training.pause_ns
            self._learns(organ, replace(self._learnt(organ), until_ns=until_ns))
            return
        slice_ = Resident(resident.card, TRAINING, resident.used_ns, self._start(TRAIN, organ, {}))
        self._move(organ, slice_, TRAINING, "train", training.price)
        self._set(organ, slice_)

    def _load(self, move: LoadOnto) -> None:
        organ = move.request.organ
        cost = self.organs[organ].price_load
        if not self._is_paid(organ, cost):
            self._end(move.request, LIFEFORCE)
            return
        loading = Resident(move.card, LOADING, self.context.now_ns, self._start(LOAD, organ, {}))
        self._move(organ, loading, LOADING, "request", cost)
        self._set(organ, loading)

    def _unload(self, organ: str, cause: str, room: str = "") -> None:
        resident = self._state.residents[organ]
        self._move(organ, resident, UNLOADING, cause)
        work = self._start(UNLOAD, organ, {})
        self._set(organ, Resident(resident.card, UNLOADING, resident.used_ns, work, room=room))

    def _start(self, what: str, organ: str, arguments: Fields) -> int:
        context, name = self.context, work_of(what, organ)
        number = context.next_number()
        context.works[number] = Underway(name, arguments)
        context.effects.append(StartWork(number, name, arguments))
        return number

    def _is_paid(self, organ: str, cost: int) -> bool:
        if not cost:
            return True
        actor = self.context.actor
        key = f"{actor.id}/{self.context.effect_number}"
        decision = self.ask(Charge(key, f"organ/{organ}", cost, actor.id, actor.economy))
        if decision.granted:
            self.context.next_number()
        else:
            state = self.table.states[self.context.state]
            refused = records.Refused(organ, state, cost, decision.balance, economy=decision.purse)
            self.context.note(refused)
        return decision.granted


def _serving(organ: str, asked: Identity) -> Serving:
    """What an answer to a request needs to know of it."""
    return Serving(asked, asked.asker, {}, "", 0, 0, organ)
