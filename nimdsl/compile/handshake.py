"""The machine of one handshake (SEMANTICS 4.1, 4.2): ready, translating, waiting.

``ready`` reserves the worst case; ``translating`` pays for each attempt of the
translator and checks what it wrote; ``waiting`` pays for each message sent and
judges the reply.  RETRY and timeout use up an attempt, NACK ends the handshake,
a false ``accept`` is a rejection.  Every way out leaves the record
``handshake`` and returns to the pool what nothing can settle any more.
"""

from __future__ import annotations

from dataclasses import dataclass

from nimdsl.compile.answers import PROCESS
from nimdsl.compile.generated import bump, constant, expression, phase_scope, record
from nimdsl.expression.syntax import Binary
from nimdsl.expression.types import BOOL, STRING
from nimdsl.program import Prices
from nimdsl.program.expression import Expression
from nimdsl.program.flatten import FAULT, REFUSED
from nimdsl.program.machine import (
    Action,
    Append,
    AskReward,
    BeginWork,
    Close,
    Note,
    PayFromHold,
    Price,
    PriceSource,
    Request,
    Set,
    State,
    Timer,
    Transition,
)

TRANSLATE, TRANSLATED, UNTRANSLATED, REPLIED, UNREADY = (
    "translate",
    "translated",
    "untranslated",
    "replied",
    "unready",
)


@dataclass(frozen=True)
class Terms:
    """What all handshakes of a phase share."""

    phase: str
    cell: str
    request_schema: str
    reply_schema: str
    timeout_ns: int
    attempts: int
    translations: int
    prices: Prices
    rewards: tuple[tuple[str, Expression | None], ...]
    """Rewards for an accepted handshake: name, and the list of keys if there is one."""

    @property
    def reservation(self) -> int:
        """The worst case of one handshake, micro-LF."""
        sent = self.translations * self.prices.translation + self.attempts * self.prices.publish
        return sent + self.prices.process


@dataclass(frozen=True)
class HandshakeStep:
    """One handshake: its name, what it says, when its reply counts, where it leads."""

    name: str
    payload: Expression
    accept: tuple[Expression, ...]
    next: str


def handshake_state(terms: Terms, step: HandshakeStep) -> State:
    """The composite state of one handshake."""
    return _Builder(terms, step).state()


class _Builder:
    def __init__(self, terms: Terms, step: HandshakeStep) -> None:
        self.terms = terms
        self.step = step
        self.path = f"{terms.phase}/{step.name}"

    def state(self) -> State:
        return State(
            self.step.name,
            "ready",
            (self._ready(), self._translating(), self._waiting()),
            place=self.step.payload.place,
        )

    def _end(self, verdict: str, reason: Expression, keep: int = 0, reply: str = "") -> tuple[Action, ...]:
        """What every handshake that was not accepted does at its end."""
        counter = "rejected" if verdict == "rejected" else "failed"
        return (
            bump("phases", self.terms.phase, counter),
            bump("errors"),
            self._note(verdict, reason, reply),
            Close(keep, PROCESS),
        )

    def _note(self, verdict: str, reason: Expression, reply: str = "") -> Note:
        fields = {
            "phase": constant(self.terms.phase),
            "name": constant(self.step.name),
            "verdict": constant(verdict),
            "attempts": expression("attempt"),
            "translations": expression("translation"),
            "reason": reason,
            "sent": expression("message"),
            "received": expression(reply) if reply else constant({}),
        }
        return Note("handshake", record(fields))

    def _ready(self) -> State:
        terms = self.terms
        price = Price(terms.reservation, PriceSource.HOLD, terms.phase) if terms.reservation else None
        refusal = expression(
            "'the handshake reserves ' + string(price) + ' LF, the pool has ' + string(balance) + ' LF'"
        )
        return State(
            "ready",
            enter=(
                Set(("attempt",), constant(0)),
                Set(("translation",), constant(0)),
                Set(("hint",), constant("")),
                Set(("message",), constant({})),
                Set(("intent",), self.step.payload, otherwise=UNREADY),
            ),
            timers=(Timer(0, (Transition("", f"{self.path}/translating", price=price),)),),
            transitions=(
                Transition(
                    UNREADY,
                    self.step.next,
                    actions=self._end(
                        "unready", expression("'its payload cannot be made: ' + event.reason")
                    ),
                ),
                Transition(REFUSED, "refused", actions=self._end("refused", refusal)),
            ),
        )

    def _translating(self) -> State:
        more = expression(f"translation < {self.terms.translations}")
        again = f"{self.path}/translating"
        problem, reason = expression("event.problem"), expression("event.reason")
        prices = self.terms.prices
        return State(
            "translating",
            enter=(
                bump("translation"),
                *([PayFromHold("translation", prices.translation)] if prices.translation else []),
                BeginWork(TRANSLATE, self._intent()),
            ),
            transitions=(
                Transition(
                    TRANSLATED,
                    f"{self.path}/waiting",
                    expression("event.valid"),
                    actions=(Set(("message",), expression("event.message")),),
                ),
                Transition(TRANSLATED, again, more, actions=(Set(("hint",), problem),)),
                Transition(TRANSLATED, self.step.next, actions=self._end("untranslatable", problem)),
                Transition(UNTRANSLATED, again, more, actions=(Set(("hint",), reason),)),
                Transition(UNTRANSLATED, self.step.next, actions=self._end("untranslatable", reason)),
                self._faulted(),
            ),
        )

    def _intent(self) -> Expression:
        return record(
            {
                "phase": constant(self.terms.phase),
                "handshake": constant(self.step.name),
                "schema": constant(self.terms.request_schema),
                "payload": expression("intent"),
                "hint": expression("hint"),
            }
        )

    def _waiting(self) -> State:
        terms = self.terms
        more = expression(f"attempt < {terms.attempts}")
        again, process = f"{self.path}/waiting", terms.prices.process
        silence = constant(f"no reply to {terms.attempts} attempts", STRING)
        timeout = (
            Transition("", again, more),
            Transition("", self.step.next, actions=self._end("timeout", silence, keep=process)),
        )
        return State(
            "waiting",
            enter=(
                bump("attempt"),
                *([PayFromHold("publish", terms.prices.publish)] if terms.prices.publish else []),
                Request(f"cell/{terms.cell}", expression("message"), terms.reply_schema, REPLIED, process),
            ),
            timers=(Timer(terms.timeout_ns, timeout),),
            transitions=tuple(self._judgements(more, again, process)),
        )

    def _judgements(self, more: Expression, again: str, process: int) -> list[Transition]:
        given = expression("has(event.message.reason) ? event.message.reason : ''")
        rejected = constant("the reply does not satisfy `accept`", STRING)
        status = "event.message.status"
        return [
            self._judged("!event.valid", "malformed", expression("event.problem"), keep=process),
            self._judged(f"{status} == 'NACK'", "nack", given),
            Transition(REPLIED, again, _all([expression(f"{status} == 'RETRY'"), more])),
            self._judged(f"{status} == 'RETRY'", "retry", given, keep=process),
            Transition(REPLIED, self.step.next, _all(list(self.step.accept)), actions=self._accepted()),
            Transition(
                REPLIED, self.step.next, actions=self._end("rejected", rejected, 0, "event.message")
            ),
            self._faulted(),
        ]

    def _faulted(self) -> Transition:
        """An expression of the document (a reward's keys) had no value."""
        reason = expression("event.reason")
        return Transition(FAULT, self.step.next, actions=self._end("faulted", reason))

    def _judged(self, guard: str, verdict: str, reason: Expression, keep: int = 0) -> Transition:
        actions = self._end(verdict, reason, keep, "event.message")
        return Transition(REPLIED, self.step.next, expression(guard), actions=actions)

    def _accepted(self) -> tuple[Action, ...]:
        phase = ("phases", self.terms.phase)
        scope = phase_scope(self.terms.phase)
        key = constant([f"{self.terms.phase}/{self.step.name}"])
        sole = len(self.terms.rewards) == 1
        return (
            bump(*phase, "accepted"),
            Set((*phase, "steps", self.step.name, "reply"), expression("event.message")),
            Append((*phase, "replies"), expression("event.message")),
            Set((*phase, "claims"), expression("claims + event.claims", scope)),
            self._note("accepted", constant("", STRING), "event.message"),
            *(
                AskReward(name, self.terms.phase, keys or key, expression("event.claims") if sole else None)
                for name, keys in self.terms.rewards
            ),
            Close(0, PROCESS),
        )


def _all(parts: list[Expression]) -> Expression:
    """The conjunction of expressions that share names."""
    whole = parts[0]
    for part in parts[1:]:
        scope = whole.scope.extended(part.scope.names)
        scope = type(scope)(scope.names, {**whole.scope.constants, **part.scope.constants})
        whole = Expression(Binary("&&", whole.node, part.node), BOOL, scope, whole.place)
    return whole
