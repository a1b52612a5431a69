"""Compiles ``Phase`` into a composite state: start, its handshakes, verdict, complete, failed.

Handshakes run one after the other; a failed one does not stop the phase;
``exit`` is evaluated once, after the last (SEMANTICS 4.3).  A phase that
fails starts again while it has retries.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nimdsl.base.canonical import Plain
from nimdsl.base.suggest import phrase
from nimdsl.compile.documents import Document, Documents
from nimdsl.compile.generated import (
    PHASE_COUNTERS,
    bump,
    constant,
    expression,
    phase_scope,
    record,
)
from nimdsl.compile.handshake import HandshakeStep, Terms, handshake_state
from nimdsl.compile.lets import with_lets
from nimdsl.compile.payload import check_payload
from nimdsl.compile.reader import Findings, Reader
from nimdsl.expression.check import Binding, Scope
from nimdsl.expression.types import ANY, REAL, STRING, Type, list_of, record_of
from nimdsl.program import Economy, Handshake, Phase, Prices, Schema
from nimdsl.program.expression import Expression
from nimdsl.program.flatten import FAULT
from nimdsl.program.machine import Action, AskReward, Note, Set, State, Timer, Transition
from nimdsl.text.tree import MapNode, Scalar

HANDSHAKE_COUNT_MAX = 1_000


@dataclass(frozen=True)
class PhaseContext:
    """What phases are compiled against."""

    schemas: Mapping[str, Schema]
    phase_types: Mapping[str, Type]
    economy: Economy | None


@dataclass(frozen=True)
class CompiledPhase:
    """A phase with its state; ``complete`` has no way on yet: its protocol gives it one."""

    phase: Phase
    after: tuple[str, ...]
    terms: Terms
    state: State
    data: Mapping[str, Plain]
    exit: Expression | None
    conditions: tuple[tuple[Scalar, Expression], ...] = ()
    """Each ``accept`` and the ``exit``, where it is written."""


REPLY = {"status": STRING, "payload": ANY, "lifeforce_delta": REAL, "reason": STRING}
"""What every reply has."""


def reply_type(schema: Schema | None) -> Type:
    """The type of ``reply`` in expressions."""
    payload = schema.payload_type if schema else ANY
    fields = {**REPLY, "payload": payload}
    return record_of(fields, schema.name if schema else "the reply")


def phase_types(documents: Documents, schemas: Mapping[str, Schema]) -> dict[str, Type]:
    """What ``phases.<name>`` offers to expressions, for every phase."""
    phases = documents.of("Phase").items()
    return {name: ANY if phase.broken else _phase_type(phase, schemas) for name, phase in phases}


def _phase_type(document: Document, schemas: Mapping[str, Schema]) -> Type:
    reader = Reader(Findings(document, documents=_NO_DOCUMENTS), document.spec, document.constants)
    reply = reader.sub("reply")
    kind = reply_type(schemas.get(reply.text("schema")) if reply else None)
    steps = {name: record_of({"reply": kind}) for name, _ in _instances(reader)}
    return record_of({**PHASE_COUNTERS, "replies": list_of(kind), "steps": record_of(steps)})


_NO_DOCUMENTS = Documents({}, damaged=True)


def _instances(reader: Reader) -> list[tuple[str, Reader]]:
    return [(item.text("name"), item) for item in reader.items("handshakes")]


def compile_phase(findings: Findings, reader: Reader, context: PhaseContext) -> CompiledPhase:
    """The phase; what is wrong with it is in ``findings``."""
    return _Compiler(findings, reader, context).compile()


class _Compiler:
    def __init__(self, findings: Findings, reader: Reader, context: PhaseContext) -> None:
        self.findings = findings
        self.reader = reader
        self.context = context
        self.name = findings.document.name
        self.conditions: list[tuple[Scalar, Expression]] = []
        self.request = self._schema("request")
        self.reply = self._schema("reply")
        self.scope = with_lets(reader, reader.scope(self._scope()))
        self.reply_scope = self.scope.extended(
            {"reply": Binding(reply_type(self.reply), ("$event", "message"))}
        )

    def _schema(self, role: str) -> Schema | None:
        inner = self.reader.sub(role)
        name = inner.reference("schema", "Schema") if inner else ""
        schema = self.context.schemas.get(name)
        if schema and schema.role != role and inner:
            message = f"`{name}` is the schema of a {schema.role}, a {role} is wanted"
            self.findings.report("NIM0301", message, inner.place("schema"))
            return None
        return schema

    def _scope(self) -> Scope:
        own = self.context.phase_types.get(self.name, ANY)
        path = ("$data", "phases", self.name)
        names = {key: Binding(kind, (*path, key)) for key, kind in own.fields or ()}
        phases = record_of(
            dict(self.context.phase_types), "the phases", open=self.findings.documents.damaged
        )
        return Scope({**names, "phases": Binding(phases, ("$data", "phases"))})

    def compile(self) -> CompiledPhase:
        reader, instances = self.reader, _instances(self.reader)
        self.names = [name for name, _ in instances]
        terms = self._terms()
        self._check_names(instances)
        accept = self._condition(reader, "accept", self.reply_scope)
        exit_ = self._condition(reader, "exit", self.scope)
        following = [*(name for name, _ in instances[1:]), "verdict"]
        states = [
            handshake_state(terms, self._step(name, item, accept, f"{self.name}/{after}"))
            for (name, item), after in zip(instances, following, strict=True)
        ]
        first = instances[0][0]
        state = State(
            self.name,
            "start",
            (
                self._start(first),
                *states,
                self._verdict(exit_),
                self._complete(),
                self._failed(),
            ),
            place=self.findings.document.place,
        )
        handshakes = tuple(Handshake(name, name.replace("_", " ")) for name, _ in instances)
        phase = Phase(self.name, terms.cell, handshakes, terms.reservation, self.reader.text("exit"), state)
        data = {
            **dict.fromkeys(PHASE_COUNTERS, 0),
            "handshakes": len(instances),
            "replies": [],
            "claims": [],
            "steps": {name: {} for name, _ in instances},
        }
        conditions = tuple(self.conditions)
        return CompiledPhase(phase, tuple(self._after()), terms, state, data, exit_, conditions)

    def _condition(self, reader: Reader, key: str, scope: Scope) -> Expression | None:
        node, found = reader.scalar(key), reader.expression(key, scope)
        self.conditions += [(node, found)] if node is not None and found is not None else []
        return found

    def _after(self) -> list[str]:
        return self.reader.references("after", "Phase")

    def _check_names(self, instances: list[tuple[str, Reader]]) -> None:
        seen: set[str] = set()
        for name, item in instances:
            if name in seen or name in ("start", "verdict", "complete", "failed"):
                message = (
                    f"`{name}` is used already" if name in seen else f"`{name}` is a name of every phase"
                )
                fix = "put a `for` variable into the name" if "for" in item else "choose another name"
                self.findings.report("NIM0208", message, item.place("name"), fix)
            if not name.isidentifier():
                fix = "use letters, digits and `_`: expressions read it as `steps.<name>`"
                self.findings.report(
                    "NIM0209", f"{name!r} is not a good name here", item.place("name"), fix
                )
            seen.add(name)
        if len(instances) > HANDSHAKE_COUNT_MAX:
            message = f"a phase has at most {HANDSHAKE_COUNT_MAX} handshakes, this one {len(instances)}"
            self.findings.report("NIM0210", message, self.reader.place("handshakes"))

    def _terms(self) -> Terms:
        reader, economy = self.reader, self.context.economy
        request, translation = reader.sub("request"), reader.sub("translation")
        assert request is not None
        cell = reader.reference("cell", "Cell")
        self._check_cell(cell)
        timeout_ns = request.duration("timeout")
        if not timeout_ns and not self.findings.failed:
            message, fix = "`timeout` must be longer than 0", "write for example `timeout: 5s`"
            self.findings.report("NIM0210", message, request.place("timeout"), fix)
        return Terms(
            phase=self.name,
            cell=cell,
            request_schema=self.request.name if self.request else "",
            reply_schema=self.reply.name if self.reply else "",
            timeout_ns=timeout_ns,
            attempts=request.value("attempts", 3),
            translations=translation.value("attempts", 3) if translation else 3,
            prices=economy.prices if economy else Prices(),
            rewards=tuple(self._rewards("accepted", self.reply_scope)),
        )

    def _check_cell(self, name: str) -> None:
        document = self.findings.documents.get("Cell", name)
        if document is None or document.broken or not self.request or not self.reply:
            return
        answers = document.spec.get("answers")
        pairs = []
        for answer in answers.entries.values() if isinstance(answers, MapNode) else ():
            assert isinstance(answer, MapNode)
            pair = answer.get("request"), answer.get("reply")
            pairs.append(tuple(part.value for part in pair if isinstance(part, Scalar)))
        if (self.request.name, self.reply.name) not in pairs:
            message = f"`{name}` does not answer `{self.request.name}` with `{self.reply.name}`"
            fix = f"add an answer to `{name}`, or choose a cell that answers it"
            self.findings.report("NIM0502", message, self.reader.place("cell"), fix)

    def _rewards(self, when: str, scope: Scope) -> list[tuple[str, Expression | None]]:
        found: list[tuple[str, Expression | None]] = []
        known = self.context.economy.rewards if self.context.economy else None
        for item in self.reader.items("rewards"):
            if item.text("when") != when:
                continue
            name = item.text("reward")
            if known is not None and name not in known:
                message = f"the economy knows no reward `{name}`"
                self.findings.report("NIM0301", message, item.place("reward"), phrase(name, known))
            found.append((name, item.expression("each", scope, list_of(STRING))))
        return found

    def _step(self, name: str, reader: Reader, accept: Expression | None, after: str) -> HandshakeStep:
        if self.request is not None:
            check_payload(reader, self.scope, self.request)
        payload = reader.template("payload", self.scope)
        own = self._condition(reader, "accept", self.reply_scope)
        return HandshakeStep(
            name, payload, tuple(part for part in (accept, own) if part) or (constant(True),), after
        )

    # The states around the handshakes

    def _start(self, first: str) -> State:
        path = ("phases", self.name)
        return State(
            "start",
            enter=(
                *(Set((*path, key), constant(0)) for key in ("accepted", "rejected", "failed")),
                *(Set((*path, key), constant([])) for key in ("replies", "claims")),
                Set((*path, "steps"), constant({name: {} for name in self.names})),
                bump(*path, "tries"),
                self._note("started"),
            ),
            timers=(Timer(0, (Transition("", f"{self.name}/{first}"),)),),
        )

    def _note(self, verdict: str) -> Note:
        scope = phase_scope(self.name)
        counters = {key: expression(key, scope) for key in PHASE_COUNTERS}
        return Note(
            "phase", record({"phase": constant(self.name), "verdict": constant(verdict), **counters})
        )

    def _verdict(self, exit_: Expression | None) -> State:
        transitions = (
            Transition("", f"{self.name}/complete", exit_ or constant(True)),
            Transition("", f"{self.name}/failed"),
        )
        fault = Transition(FAULT, f"{self.name}/failed")
        return State("verdict", transitions=(fault,), timers=(Timer(0, transitions),))

    def _complete(self) -> State:
        key = constant([self.name])
        claims = expression("claims", phase_scope(self.name))
        accepted = any(item.text("when") == "accepted" for item in self.reader.items("rewards"))
        rewards: list[Action] = [
            AskReward(name, self.name, keys or key, None if accepted else claims)
            for name, keys in self._rewards("exit", self.scope)
        ]
        return State("complete", enter=(*rewards, self._note("complete")), label="complete")

    def _failed(self) -> State:
        tries = expression("tries", phase_scope(self.name)).scope
        again = expression(f"tries <= {self.reader.value('retries', 0)}", tries)
        timer = Timer(0, (Transition("", f"{self.name}/start", again), Transition("", "failed")))
        return State("failed", enter=(self._note("failed"),), timers=(timer,), label="failed")
