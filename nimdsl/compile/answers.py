"""Compiles ``answers`` into the machine that they amount to.

The cell listens; a request takes it to the state of the first answer that
fits, where the answer's work is done; then it replies and listens again.
While it works, further requests are put aside.  ACK and NACK cost the price
of processing, settled from the hold that came with the request; RETRY is free
(SEMANTICS 4.2).  An answer without work replies at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from nimdsl.base.suggest import phrase
from nimdsl.compile.actions import compile_actions
from nimdsl.compile.generated import constant
from nimdsl.compile.interface import Interface
from nimdsl.compile.payload import check_payload
from nimdsl.compile.reader import Reader
from nimdsl.expression.check import Binding, Scope
from nimdsl.expression.syntax import Binary, Call, Field, Literal, Macro, Name
from nimdsl.expression.types import ANY, BOOL, INT, REAL, STRING, Type, list_of, record_of
from nimdsl.program import Economy, Schema
from nimdsl.program.expression import Expression
from nimdsl.program.flatten import FAULT, REFUSED
from nimdsl.program.machine import (
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
    works = reader.sub("work")
    answers = [
        _Answer(name, inner, works, interface, context, tables) for name, inner in reader.named("answers")
    ]
    requests = tuple(dict.fromkeys(answer.event for answer in answers))
    listening = tuple(answer.listening() for answer in answers)
    working = tuple(answer.working(requests) for answer in answers)
    place = reader.place("answers")
    return State(
        "", LISTENING, (State(LISTENING, transitions=listening, place=place), *working), place=place
    )


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
        self.event = f"request:{reader.text('request')}"
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

    def listening(self) -> Transition:
        """What a request does while the cell listens."""
        return Transition(self.event, self.name, self.guard, place=self.reader.place())

    def working(self, requests: tuple[str, ...]) -> State:
        """The state in which the answer is worked out; without work that is at once."""
        at_once = f"{self.name}.answer"
        work = self.interface.works.get(self.work)
        outcomes = work.outcomes if work else {"done": at_once}
        start = BeginWork(self.work, self.arguments) if work else Raise(at_once)
        refused = [
            (outcomes[outcome], status) for outcome, status in _REFUSALS.items() if outcome in outcomes
        ]
        return State(
            self.name,
            enter=(start,),
            defer=requests,
            transitions=(
                *self._answered(outcomes["done"]),
                *(self._refused(event, status) for event, status in refused),
                self._refused(FAULT, "NACK"),
                Transition(
                    REFUSED, LISTENING, actions=(_refusal(self.endings[0].reply, "RETRY", _UNPAID),)
                ),
            ),
            place=self.reader.place(),
        )

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
