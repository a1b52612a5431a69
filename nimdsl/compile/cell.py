"""Compiles ``Cell``: a machine of its own, the machine that its ``answers`` amount to, or both in one.

How answers become a machine is in :mod:`nimdsl.compile.answers`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from nimdsl.base.canonical import Plain
from nimdsl.base.suggest import phrase
from nimdsl.compile.addresses import ORIGIN
from nimdsl.compile.answers import Context, compile_answers, compile_beside
from nimdsl.compile.interface import ELAPSED, TOLD, Interface, add_source, event_sources
from nimdsl.compile.lets import with_lets
from nimdsl.compile.machines import compile_machine
from nimdsl.compile.purses import marks_of, may_hear_more, told_of
from nimdsl.compile.reader import Findings, Reader
from nimdsl.compile.tables import compile_tables, table_bindings
from nimdsl.compile.waves import compile_hears
from nimdsl.compile.work import NO_SCHEMAS, compile_work
from nimdsl.expression.check import Binding, Scope
from nimdsl.expression.types import ANY, DURATION, RECORD, STRING, Type, join, record_of, zero
from nimdsl.program import Schema, Work
from nimdsl.program.expression import Expression
from nimdsl.program.flatten import RETURNED, STATE, STATE_ROOT, own_event
from nimdsl.program.machine import State
from nimdsl.text.tree import MapNode, Node, Scalar


@dataclass(frozen=True)
class CompiledCell:
    """A cell before flattening: its state tree and everything that its checks need."""

    root: State
    data: Mapping[str, Plain]
    tables: Mapping[str, Plain]
    works: Mapping[str, Work]
    interface: Interface
    domain: str
    heard: Mapping[str, str] = field(default_factory=dict)
    """The ids of those whom it hears, by the event that their waves are."""


@dataclass(frozen=True)
class More:
    """What a kind that is a cell and more knows besides: names, and events from elsewhere."""

    names: Mapping[str, Binding] = field(default_factory=dict)
    events: Mapping[str, Mapping[str, Type]] = field(default_factory=dict)
    kind: str = "cell"


PLAIN = More()


def compile_cell(
    findings: Findings, reader: Reader, context: Context, more: More = PLAIN
) -> CompiledCell | None:
    """The cell's machine; None when it says neither ``machine`` nor ``answers``."""
    _check_names(reader, more)
    tables, table_types = compile_tables(reader, "tables")
    data = reader.types("data")
    own = {name: Binding(kind, ("$data", name)) for name, kind in data.items()}
    names = {**OWN, **more.names, **own, **table_bindings(table_types, "$tables")}
    scope = with_lets(reader, reader.scope(Scope(names)))
    machine = reader.sub("machine")
    if machine is None and "answers" not in reader:
        message, fix = "a cell needs a `machine` or `answers`", "add `machine:`, or `answers:`, or both"
        findings.report("NIM0204", message, reader.place(), fix)
        return None
    interface, heard = _interface(findings, reader, context, more, scope, data)
    if machine is None:
        root = compile_answers(reader, interface, context, table_types)
    else:
        told = [answer.node.get("do") for _, answer in reader.named("answers")]
        root = compile_machine(machine, interface, told)
        beside = compile_beside(reader, interface, context, table_types)
        root = replace(root, transitions=(*root.transitions, *beside))
    domain, works = reader.text("domain"), interface.works
    return CompiledCell(root, _initial(reader, data), tables, works, interface, domain, heard)


def _interface(
    findings: Findings,
    reader: Reader,
    context: Context,
    more: More,
    scope: Scope,
    data: Mapping[str, Type],
) -> tuple[Interface, dict[str, str]]:
    """What the machine can read and use, and the cells that it hears."""
    asked = _asked(reader, context, alone="machine" not in reader)
    works, arguments = compile_works(reader, scope, asked, schemas=context.schemas)
    accepted = reader.sub("accepts")
    accepts = {
        name: (inner.own_types(), accepted.place(name))
        for name, inner in reader.named("accepts")
        if accepted is not None
    }
    replies = _replies(reader, accepts)
    unsure = [name for name, one in reader.named("work") if _is_unsure(one, works[name])]
    economy = reader.reference("economy", "Economy") if "economy" in reader else ""
    own = {name: work for name, work in works.items() if name not in asked}
    events = event_sources(
        accepts, own, replies, unsure, marks_of(reader, economy, accepts), told_of(reader, accepts)
    )
    for name, fields in more.events.items():
        add_source(events, name, TOLD, fields)
    heard = compile_hears(reader, events, context.emitted)
    interface = Interface(
        scope,
        data,
        works,
        arguments,
        events,
        context.rewards_from(economy),
        findings.document.name,
        kind=more.kind,
        economy=economy,
        unsure=may_hear_more(reader),
        replies=replies,
        answering=frozenset(asked),
    )
    return interface, heard


OWN = {
    ORIGIN: Binding(STRING, ("$origin",)),
    "now": Binding(DURATION, ("$now",)),
    "time_of_day": Binding(DURATION, ("$time_of_day",)),
    STATE: Binding(STRING, (STATE_ROOT,)),
}
"""What the expressions of a cell know besides its document; in a state's they also know ``elapsed``."""
TAKEN = (*OWN, ELAPSED)


def _check_names(reader: Reader, more: More) -> None:
    """NIM0208: data, tables and constants that would hide what expressions know."""
    spec = reader.node
    accepts = spec.get("accepts")
    if isinstance(accepts, MapNode) and RETURNED in accepts.entries:
        message = f"`{RETURNED}` is what a cell hears that was down and is back: nobody can send it"
        reader.findings.report("NIM0208", message, accepts.key_place(RETURNED), "give it another name")
    for key in ("data", "tables", "for", "parameters"):
        named = spec.get(key)
        for name in (*TAKEN, *more.names):
            if isinstance(named, MapNode) and name in named.entries:
                message = f"`{name}` means something to every expression of a cell already"
                reader.findings.report("NIM0208", message, named.key_place(name), "give it another name")


def _replies(reader: Reader, accepts: Mapping[str, object]) -> dict[str, Mapping[str, Type]]:
    """The events that are answered, with the fields of the answer."""
    inner = reader.sub("replies")
    found: dict[str, Mapping[str, Type]] = {}
    for name, one in reader.named("replies"):
        found[name] = one.own_types()
        if name not in accepts and inner is not None:
            message = f"the cell does not accept the event `{name}`, so nobody can ask by it"
            fix = phrase(name, accepts) or f"add `{name}: {{}}` to `accepts`"
            reader.findings.report("NIM0301", message, inner.place(name), fix)
    if found and "machine" not in reader:
        message, fix = "`replies` are given by a machine, with the action `reply`", "remove `replies`"
        reader.findings.report("NIM0203", message, reader.place("replies"), fix)
    return found


def _initial(reader: Reader, data: Mapping[str, Type]) -> dict[str, Plain]:
    """What data begin as: constants of their types, or zero; what is wrong is reported and left out."""
    inner = reader.sub("initial")
    values: dict[str, Plain] = {name: zero(kind) for name, kind in data.items()}
    for name, node in inner.node.entries.items() if inner else ():
        assert inner is not None
        if name not in data:
            message, fix = f"the cell has no data field `{name}`", phrase(name, data)
            reader.findings.report("NIM0303", message, inner.node.key_place(name), fix)
            continue
        before = len(reader.findings.diagnostics)
        found = inner.template_in(node, Scope({}), data[name])
        if len(reader.findings.diagnostics) == before:
            values[name] = found.evaluate({})
    return values


def accepted_events(cell: CompiledCell) -> dict[str, dict[str, Type]]:
    """The events that others may send to a cell, with the types of their fields."""
    events = cell.interface.events.items()
    return {name: source.fields for name, source in events if "accepts" in source.origins}


def _asked(reader: Reader, context: Context, alone: bool) -> dict[str, Type]:
    """By work of answers: what its arguments may read as ``request``, as far as those that use it agree.

    Where there is no machine, all work is that of answers.
    """
    found: dict[str, Type] = {}
    for _, answer in reader.named("answers"):
        schema, work = context.schemas.get(answer.text("request")), answer.text("work")
        payload = schema.payload_type if schema else ANY
        kind = record_of({"payload": payload, "type": STRING})
        found[work] = join(found.get(work, kind), kind) or ANY
    declared = [name for name, _ in reader.named("work")]
    return {name: found.get(name, RECORD) for name in declared if alone or name in found}


def compile_works(
    reader: Reader,
    scope: Scope,
    asked: Mapping[str, Type],
    given: Type | None = None,
    asking: bool = True,
    schemas: Mapping[str, Schema] = NO_SCHEMAS,
) -> tuple[dict[str, Work], dict[str, Expression]]:
    """The works that a document declares under ``work``, with their arguments.

    ``asked`` is the type of the request, by work of answers; ``given`` is the type of the arguments, where
    not the document says what they are.
    """
    works: dict[str, Work] = {}
    arguments: dict[str, Expression] = {}
    started = {*_started(reader.node.get("machine"))}
    named = reader.sub("work")
    for name, inner in reader.named("work"):
        answering = name in asked
        outcomes = {one: own_event(name, one) for one in ("nack", "retry")} if answering else {}
        request = {"request": Binding(asked[name], ("$request",))} if answering else {}
        # Whoever answers compiles the arguments again, for each answer: mistakes are reported there.
        reading = inner.silent() if answering else inner
        argument = reading.template("args", scope.extended(request))
        kind = argument.type if given is None else given
        # What the machine starts too is told there, and is not blamed for what only machines can do.
        shared = answering and name in started
        told = inner.silent() if shared else inner
        work = compile_work(name, told, outcomes, kind, scope, asking and not answering, schemas)
        if answering:
            work = _renamed(work, {one: own_event(name, one) for one in ("done", "failed", "unknown")})
        works[name] = replace(work, place=named.node.key_place(name) if named else work.place)
        if not answering:
            arguments[name] = argument
    return works, arguments


def _is_unsure(reader: Reader, work: Work) -> bool:
    """Whether it is not known what the work returns: who does it is wrong itself."""
    if work.organ is not None:
        document = reader.findings.documents.get("Organ", work.organ.name)
        return document is None or document.broken
    return ("ask" in reader and work.ask is None) or "organ" in reader


def _started(node: Node | None) -> Iterator[str]:
    """The works that actions in a tree start."""
    if isinstance(node, MapNode):
        work = node.get("work")
        if isinstance(work, Scalar):
            yield str(work.value)
    inner = node.entries.values() if isinstance(node, MapNode) else getattr(node, "items", ())
    for one in inner:
        yield from _started(one)


def _renamed(work: Work, outcomes: Mapping[str, str]) -> Work:
    kept = {outcome: outcomes.get(outcome, event) for outcome, event in work.outcomes.items()}
    return replace(work, outcomes=kept)
