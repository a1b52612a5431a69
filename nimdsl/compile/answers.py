"""Compiles ``answers`` into the machine that they amount to, or into a part of the one beside them.

The cell listens; a request takes it to the state of the first answer that
fits, where the answer's work is done; then it replies and listens again.
While it works, further requests are put aside.  ACK and NACK cost the price
of processing, settled from the hold that came with the request; RETRY is free
(SEMANTICS 4.2).  An answer without work replies at once.

Beside a machine the same transitions are internal ones of every state, and the kernel remembers
which answer serves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from nimdsl.base.suggest import phrase
from nimdsl.compile.actions import compile_actions
from nimdsl.compile.generated import constant
from nimdsl.compile.interface import Interface
from nimdsl.compile.payload import check_payload
from nimdsl.compile.reader import Reader
from nimdsl.compile.waves import Waves
from nimdsl.expression.check import Binding, Scope
from nimdsl.expression.syntax import Binary, Call, Field, Literal, Macro, Name
from nimdsl.expression.types import ANY, BOOL, INT, REAL, STRING, Type, list_of, record_of
from nimdsl.program import Economy, Schema
from nimdsl.program.expression import Expression
from nimdsl.program.flatten import FAULT, REFUSED, REQUESTED, own_event
from nimdsl.program.machine import (
    Action,
    BeginWork,
    Price,
    PriceSource,
    Raise,
    Reply,
    State,
    Transition,
)
from nimdsl.schema.remedies import of_work

LISTENING = "listening"
PROCESS = "process"


@dataclass(frozen=True)
class Context:
    """What cells are compiled against; ``rewards`` is None when there is no economy to ask."""

    schemas: Mapping[str, Schema]
    rewards: frozenset[str] | None
    economies: Mapping[str, Economy]
    emitted: Mapping[str, Waves | None]
    """What the cells and gates emit of which that is known, by id; None for nothing."""

    def rewards_from(self, economy: str) -> frozenset[str] | None:
        """The rewards that a cell may ask for; without an economy of its own, those of all."""
        known = self.economies.get(economy)
        return self.rewards if known is None else frozenset(known.rewards)


@dataclass(frozen=True)
class _Ending:
    """One way an answer can end once its work is done."""

    guard: Expression | None
    reply: Reply


def compile_answers(
    reader: Reader, interface: Interface, context: Context, tables: Mapping[str, Type]
) -> State:
    """The root of the answering machine."""
    answers = _answers(reader, interface, context, tables)
    listening = tuple(way for answer in answers for way in answer.listening())
    working = tuple(answer.working() for answer in answers)
    place = reader.place("answers")
    return State(
        "", LISTENING, (State(LISTENING, transitions=listening, place=place), *working), place=place
    )


def compile_beside(
    reader: Reader, interface: Interface, context: Context, tables: Mapping[str, Type]
) -> tuple[Transition, ...]:
    """The answers of a cell that has a machine too: transitions of its root."""
    answers = _answers(reader, interface, context, tables)
    return tuple(way for answer in answers for way in answer.beside())


def _answers(
    reader: Reader, interface: Interface, context: Context, tables: Mapping[str, Type]
) -> list[_Answer]:
    works, nobody_asks = reader.sub("work"), replace(interface, replies={})
    return [
        _Answer(name, inner, works, nobody_asks, context, tables) for name, inner in reader.named("answers")
    ]


class _Answer:
    def __init__(
        self,
        name: str,
        reader: Reader,
        works: Reader | None,
        interface: Interface,
        context: Context,
        tables: Mapping[str, Type],
    ) -> None:
        self.name = name
        self.reader = reader
        self.interface = interface
        self.request = self._schema("request", context)
        self.reply = self._schema("reply", context)
        self.event = f"{REQUESTED}{reader.text('request')}"
        self.work = self._work()
        payload = self.request.payload_type if self.request else ANY
        asked = record_of({"payload": payload, "type": STRING}, reader.text("request"))
        self.scope = interface.scope.extended({"request": Binding(asked, ("$request",))})
        self.guard = reader.expression("if", self.scope)
        self.arguments = self._arguments(works)
        self.find = self._find(tables)
        self.endings = self._endings()

    def _schema(self, role: str, context: Context) -> Schema | None:
        name = self.reader.reference(role, "Schema")
        schema = context.schemas.get(name)
        if schema is not None and schema.role != role:
            message = f"`{name}` is the schema of a {schema.role}, a {role} is wanted"
            self.reader.findings.report("NIM0301", message, self.reader.place(role))
            return None
        return schema

    def _work(self) -> str:
        work, known = self.reader.text("work"), self.interface.works
        if not work or work in known:
            return work
        message = f"the cell declares no work `{work}`"
        fix = of_work(work, known)
        self.reader.findings.report("NIM0301", message, self.reader.place("work"), fix)
        return ""

    def _arguments(self, works: Reader | None) -> Expression:
        """What the work is given: unlike a machine's work it may read the request."""
        own = works.sub(self.work) if works and self.work else None
        return own.template("args", self.scope) if own else constant({})

    def _find(self, tables: Mapping[str, Type]) -> Expression | None:
        inner = self.reader.sub("find")
        if inner is None:
            return None
        table = inner.text("table")
        if table not in tables:
            message = f"the cell has no table `{table}`"
            inner.findings.report("NIM0301", message, inner.place("table"), phrase(table, tables))
            return None
        row = tables[table].element or record_of({})
        where = inner.expression("where", self.scope.extended({"row": Binding(row, ("row",))}))
        if where is None:
            return Expression(Name(table), list_of(row), self.scope)
        return Expression(Macro("filter", Name(table), "row", where.node), list_of(row), where.scope)

    def _done_scope(self) -> Scope:
        """What `do` may read once the work is done; the row is looked for after it."""
        if not self.work:
            return self.scope
        returns = self.interface.works[self.work].returns
        event = Binding(record_of(returns, f"work `{self.work}`"), ("$event",))
        return self.scope.extended({"event": event})

    def _reply_scope(self) -> Scope:
        scope = self._done_scope()
        if self.find is not None and self.find.type.element is not None:
            scope = scope.extended({"row": Binding(self.find.type.element, ("$row",))})
        return self.reader.scope(scope)

    def _endings(self) -> list[_Ending]:
        reader, scope = self.reader, self._reply_scope()
        status = reader.text("status", "ACK")
        payload = reader.template("payload", scope)
        if self.reply is not None and status == "ACK":
            check_payload(reader, scope, self.reply)
        main = Reply(
            status=status,
            schema=self.reply.name if self.reply else "",
            type=self.reply.type if self.reply else "",
            find=self.find,
            payload=payload,
            delta=_delta(reader, scope),
            reason=reader.template("reason", scope, STRING) if "reason" in reader else None,
        )
        if self.find is None:
            return [_Ending(None, main)]
        size = Call("size", (self.find.node,))
        found = Expression(Binary(">", size, Literal(0, INT)), BOOL, self.find.scope)
        nothing = Expression(Literal("nothing found", STRING), STRING, Scope({}))
        return [_Ending(found, main), _Ending(None, _refusal(main, "NACK", nothing))]

    def listening(self) -> Iterator[Transition]:
        """What a request does while the cell listens; one that cannot be begun is refused at once."""
        yield self._taken(self.name)
        yield from self._inside(self._troubles(self.name), LISTENING)

    def working(self) -> State:
        """The state in which the answer is worked out; without work that is at once."""
        return State(
            self.name,
            enter=(self._start,),
            transitions=(*self._outcomes(), *self._troubles()),
            place=self.reader.place(),
        )

    def beside(self) -> Iterator[Transition]:
        """The same within any state of a machine."""
        taken = replace(self._taken(""), actions=(self._start,))
        yield from self._inside([taken, *self._outcomes(), *self._troubles(self.name)], "")

    def _inside(self, ways: Iterable[Transition], state: str) -> Iterator[Transition]:
        for way in ways:
            yield replace(way, target=state, internal=True, answer=self.name, place=self.reader.place())

    def _taken(self, target: str) -> Transition:
        return Transition(self.event, target, self.guard, answer=self.name, place=self.reader.place())

    @property
    def _at_once(self) -> str:
        return own_event(self.name, "answer")

    @property
    def _start(self) -> Action:
        known = self.work in self.interface.works
        return BeginWork(self.work, self.arguments) if known else Raise(self._at_once)

    def _outcomes(self) -> Iterator[Transition]:
        """What becomes of the work."""
        work = self.interface.works.get(self.work)
        outcomes = work.outcomes if work else {"done": self._at_once}
        yield from self._answered(outcomes["done"])
        for outcome, status in _REFUSALS.items():
            if outcome in outcomes:
                yield self._refused(outcomes[outcome], status)

    def _troubles(self, answer: str = "") -> Iterator[Transition]:
        """What had no value, and what nobody can pay; in an ``answer``'s own words or the machine's."""
        yield self._refused(own_event(answer, FAULT), "NACK")
        unpaid = _refusal(self.endings[0].reply, "RETRY", _UNPAID)
        yield Transition(own_event(answer, REFUSED), LISTENING, actions=(unpaid,))

    def _answered(self, event: str) -> list[Transition]:
        actions = compile_actions(self.reader, "do", self._done_scope(), self.interface)
        return [
            Transition(
                event,
                LISTENING,
                ending.guard,
                _price_of(ending.reply),
                (*actions, ending.reply) if ending.reply.status == "ACK" else (ending.reply,),
            )
            for ending in self.endings
        ]

    def _refused(self, event: str, status: str) -> Transition:
        reply = _refusal(self.endings[0].reply, status, _GIVEN_REASON)
        return Transition(event, LISTENING, None, _price_of(reply), (reply,))


_REFUSALS = {"nack": "NACK", "retry": "RETRY", "failed": "RETRY", "unknown": "RETRY"}
"""How an answer ends whose work did not: a failure may pass, so it is worth another try."""

_GIVEN_REASON = Expression(
    Field(Name("event"), "reason"),
    STRING,
    Scope({"event": Binding(record_of({"reason": STRING}), ("$event",))}),
)


def _price_of(reply: Reply) -> Price | None:
    return None if reply.status == "RETRY" else Price(0, PriceSource.REQUEST, PROCESS)


_UNPAID = Expression(Literal("nothing is left to pay for the processing", STRING), STRING, Scope({}))


def _delta(reader: Reader, scope: Scope) -> Expression | None:
    key = "lifeforce_delta"
    return reader.template(key, scope, REAL) if key in reader else None


def _refusal(reply: Reply, status: str, reason: Expression) -> Reply:
    return replace(reply, status=status, find=None, delta=None, reason=reason)
