"""Compiles ``Cell``: a machine of its own, or the machine that its ``answers`` amount to.
How answers become a machine is in :mod:`nimdsl.compile.answers`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from nimdsl.base.canonical import Plain
from nimdsl.base.suggest import phrase
from nimdsl.compile.addresses import ORIGIN
from nimdsl.compile.answers import Context, compile_answers
from nimdsl.compile.interface import ELAPSED, Interface, event_sources
from nimdsl.compile.machines import compile_machine
from nimdsl.compile.purses import marks_of
from nimdsl.compile.reader import Findings, Reader
from nimdsl.compile.tables import compile_tables, table_bindings
from nimdsl.compile.work import compile_work
from nimdsl.expression.check import Binding, Scope
from nimdsl.expression.types import ANY, DURATION, RECORD, STRING, Type, join, record_of, zero
from nimdsl.program import Work
from nimdsl.program.expression import Expression
from nimdsl.program.flatten import RETURNED, STATE, STATE_ROOT
from nimdsl.program.machine import State
from nimdsl.text.tree import MapNode


@dataclass(frozen=True)
class CompiledCell:
    """A cell before flattening: its state tree and everything that its checks need."""

    root: State
    data: Mapping[str, Plain]
    tables: Mapping[str, Plain]
    works: Mapping[str, Work]
    interface: Interface
    answering: bool
    domain: str


def compile_cell(findings: Findings, reader: Reader, context: Context) -> CompiledCell | None:
    """The cell's machine; None when it says neither or both of ``machine`` and ``answers``."""
    _check_names(reader)
    tables, table_types = compile_tables(reader, "tables")
    data = reader.types("data")
    scope = Scope(
        {
            **OWN,
            **{name: Binding(kind, ("$data", name)) for name, kind in data.items()},
            **table_bindings(table_types, "$tables"),
        }
    )
    scope = reader.scope(scope)
    answering = "answers" in reader
    if answering == ("machine" in reader):
        message = "a cell has either a `machine` or `answers`" + (", not both" if answering else "")
        findings.report(
            "NIM0204" if not answering else "NIM0203", message, reader.place(), "keep one of them"
        )
        return None
    asked = _asked(reader, context) if answering else None
    works, arguments = compile_works(reader, scope, asked)
    accepted = reader.sub("accepts")
    accepts = {
        name: (inner.own_types(), accepted.place(name))
        for name, inner in reader.named("accepts")
        if accepted is not None
    }
    replies = _replies(reader, accepts)
    unsure = [name for name, one in reader.named("work") if "ask" in one and works[name].ask is None]
    economy = reader.reference("economy", "Economy") if "economy" in reader else ""
    interface = Interface(
        scope,
        data,
        works,
        arguments,
        event_sources(accepts, works, replies, unsure, marks_of(reader, economy, accepts)),
        context.rewards_from(economy),
        findings.document.name,
        economy=economy,
        replies=replies,
    )
    machine = reader.sub("machine")
    root = (
        compile_machine(machine, interface)
        if machine
        else compile_answers(reader, interface, context, table_types)
    )
    first = {name: zero(kind) for name, kind in data.items()} | _initial(reader, data)
    return CompiledCell(root, first, tables, works, interface, answering, reader.text("domain"))


OWN = {
    ORIGIN: Binding(STRING, ("$origin",)),
    "now": Binding(DURATION, ("$now",)),
    "time_of_day": Binding(DURATION, ("$time_of_day",)),
    STATE: Binding(STRING, (STATE_ROOT,)),
}
"""What the expressions of a cell know besides its document; in a state's they also know ``elapsed``."""
TAKEN = (*OWN, ELAPSED)


def _check_names(reader: Reader) -> None:
    """NIM0208: data, tables and constants that would hide what expressions know."""
    spec = reader.node
    accepts = spec.get("accepts")
    if isinstance(accepts, MapNode) and RETURNED in accepts.entries:
        message = f"`{RETURNED}` is what a cell hears that was down and is back: nobody can send it"
        reader.findings.report("NIM0208", message, accepts.key_place(RETURNED), "give it another name")
    for key in ("data", "tables", "for", "parameters"):
        named = spec.get(key)
        for name in TAKEN:
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
    """What data begin as: constants of their types; what is wrong is reported and left out."""
    inner = reader.sub("initial")
    values: dict[str, Plain] = {}
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


def _asked(reader: Reader, context: Context) -> dict[str, Type]:
    """By work: what its arguments may read as ``request``, as far as the answers that use it agree."""
    found: dict[str, Type] = {}
    for _, answer in reader.named("answers"):
        schema, work = context.schemas.get(answer.text("request")), answer.text("work")
        payload = schema.payload_type if schema else ANY
        kind = record_of({"payload": payload, "type": STRING})
        found[work] = join(found.get(work, kind), kind) or ANY
    return found


def compile_works(
    reader: Reader,
    scope: Scope,
    asked: Mapping[str, Type] | None,
    given: Type | None = None,
    asking: bool = True,
) -> tuple[dict[str, Work], dict[str, Expression]]:
    """The works that a document declares under ``work``, with their arguments.

    For a cell that answers, ``asked`` is the type of the request by work; ``given`` is the type of the
    arguments, where not the document says what they are.
    """
    answering = asked is not None
    works: dict[str, Work] = {}
    arguments: dict[str, Expression] = {}
    named = reader.sub("work")
    for name, inner in reader.named("work"):
        outcomes = {"nack": f"{name}.nack", "retry": f"{name}.retry"} if answering else {}
        request = {"request": Binding((asked or {}).get(name, RECORD), ("$request",))} if answering else {}
        # Whoever answers compiles the arguments again, for each answer: mistakes are reported there.
        reading = inner.silent() if answering else inner
        argument = reading.template("args", scope.extended(request))
        kind = argument.type if given is None else given
        work = compile_work(name, inner, outcomes, kind, scope, asking and not answering)
        if answering:
            own = {"done": f"{name}.done", "failed": f"{name}.failed", "unknown": f"{name}.unknown"}
            work = _renamed(work, own)
        works[name] = replace(work, place=named.node.key_place(name) if named else work.place)
        if not answering:
            arguments[name] = argument
    return works, arguments


def _renamed(work: Work, outcomes: Mapping[str, str]) -> Work:
    kept = {outcome: outcomes.get(outcome, event) for outcome, event in work.outcomes.items()}
    return replace(work, outcomes=kept)
