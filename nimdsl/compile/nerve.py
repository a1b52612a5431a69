"""Compiles ``Nerve``: the machine of a cell that acts on the openings of a gate, and judges what it did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from nimdsl.base.suggest import phrase
from nimdsl.compile.answers import Context
from nimdsl.compile.cell import CompiledCell, More, compile_cell
from nimdsl.compile.handshake import TRANSLATE
from nimdsl.compile.interface import Interface
from nimdsl.compile.reader import Findings, Reader
from nimdsl.compile.waves import heard_by
from nimdsl.expression.check import Binding
from nimdsl.expression.syntax import Binary, Conditional, ExpressionNode, Field, Literal, Name
from nimdsl.expression.types import (
    ANY,
    BOOL,
    DURATION,
    INT,
    LIFEFORCE,
    REAL,
    STRING,
    Type,
    record_of,
)
from nimdsl.program import Work
from nimdsl.program.amount import Amount, Computed, most_of
from nimdsl.program.expression import Expression
from nimdsl.program.machine import Price, PriceSource, State, Transition
from nimdsl.program.nerve import DELIBERATE, HYBRID, Verifying

GRANTED = "granted"
GRANT: Mapping[str, Type] = {
    "gate": STRING,
    "tier": INT,
    "opening": INT,
    "beat": INT,
    "since": DURATION,
}
"""What a nerve is told when its gate's opening is granted; ``since`` is when the wave came."""
TOLD: Mapping[str, Mapping[str, Type]] = {
    GRANTED: {**GRANT, "stage": STRING},
    "revoked": {"gate": STRING, "opening": INT},
    "closed": {"gate": STRING, "opening": INT},
    "disabled": {},
    "enabled": {},
}
"""What it hears of its gate, of attention, and of its own health."""


@dataclass(frozen=True)
class CompiledNerve:
    """A nerve before it is an actor."""

    cell: CompiledCell
    gate: str
    stale_ns: Mapping[str, int]
    needs: Mapping[str, str]
    patience_ns: int
    verify: Verifying | None

    @property
    def root(self) -> State:
        """Its machine."""
        return self.cell.root


def compile_nerve(findings: Findings, reader: Reader, context: Context) -> CompiledNerve | None:
    """The nerve; None where it has no machine.  What is wrong with it is in ``findings``."""
    more = More(_names(heard_by(findings.document), context), TOLD, "nerve")
    _check_work(reader)
    cell = compile_cell(findings, reader, context, more)
    if cell is None:
        return None
    cell = replace(cell, root=_with_overhead(cell.root, reader, cell.interface), works=_works(cell.works))
    verify = _verify(reader, cell)
    return CompiledNerve(
        cell,
        reader.reference("gate", "Gate"),
        {name: one.duration("stale") for name, one in reader.named("hears") if "stale" in one},
        dict(_needs(reader, cell)),
        reader.duration("patience", 200_000_000),
        verify,
    )


def _names(heard: Mapping[str, str], context: Context) -> dict[str, Binding]:
    """What a nerve's expressions know that a cell's do not."""
    senses = {}
    for name, emitter in heard.items():
        waves = context.emitted.get(emitter)
        content = waves.content if waves else ANY
        senses[name] = record_of({"confidence": REAL, "content": content}, f"`senses.{name}`")
    return {
        "senses": Binding(record_of(senses, "the nerve"), ("$senses",)),
        "degraded": Binding(BOOL, ("$degraded",)),
        "stage": Binding(STRING, ("$stage",)),
    }


def _check_work(reader: Reader) -> None:
    """NIM0208: work that is called like the translator's."""
    inner = reader.sub("work")
    if inner is not None and TRANSLATE in inner:
        message = f"`{TRANSLATE}` is what the translator does"
        reader.findings.report("NIM0208", message, inner.place(TRANSLATE), "give the work another name")


def _works(works: Mapping[str, Work]) -> dict[str, Work]:
    """The works, and the translator's where it writes commands."""
    schemas = {one.command.schema: one.command.schema for one in works.values() if one.command}
    if not schemas:
        return dict(works)
    outcomes = {"done": "translated", "failed": "untranslated"}
    return {**works, TRANSLATE: Work(TRANSLATE, {"text": STRING}, outcomes, produces=schemas)}


def _needs(reader: Reader, cell: CompiledCell) -> Iterator[tuple[str, str]]:
    """What is needed, by sense or id of a cell; NIM0301 for what is neither."""
    inner = reader.sub("cells")
    commanded = {one.command.to for one in cell.works.values() if one.command}
    senses, findings = reader.keys("hears"), reader.findings
    unsure = findings.failed or findings.poisoned or findings.documents.damaged
    known = [*senses, *(to.removeprefix("cell/") for to in sorted(commanded))]
    for name in reader.keys("cells"):
        need = inner.text(name) if inner else ""
        if need == "optional":
            continue
        if name in senses:
            yield name, need
        elif f"cell/{name}" in commanded:
            yield f"cell/{name}", need
        elif inner is not None and not unsure:
            message = f"`{name}` is neither a sense of this nerve nor a cell that it commands"
            reader.findings.report("NIM0301", message, inner.node.key_place(name), phrase(name, known))


def _verify(reader: Reader, cell: CompiledCell) -> Verifying | None:
    """How it judges its commands; NIM0204 where it has none."""
    inner = reader.sub("verify")
    if inner is None:
        return None
    if not any("command" in one for _, one in reader.named("work")):
        message = "`verify` judges a command, and this nerve has none"
        reader.findings.report("NIM0204", message, reader.place("verify"), "add work with a `command`")
    if not inner.duration("within") and inner.text("within").startswith("0"):
        message, fix = "no time is left to judge in", "write for example `within: 3s`"
        inner.findings.report("NIM0210", message, inner.place("within"), fix)
    scope = cell.interface.scope
    confirmed = inner.expression("confirmed", scope)
    if confirmed is None:
        return None
    failed, off = inner.expression("failed", scope), inner.expression("discrepancy", scope, REAL)
    return Verifying(inner.duration("within"), confirmed, failed, off)


def _with_overhead(root: State, reader: Reader, interface: Interface) -> State:
    """The machine whose transitions on ``granted`` cost what thinking costs in each stage."""
    inner = reader.sub("overhead")
    amounts = {stage: inner.lifeforce(stage) for stage in (DELIBERATE, HYBRID)} if inner else {}
    if not any(amounts.values()):
        return root

    def dearer(way: Transition) -> Transition:
        if way.event != GRANTED:
            return way
        own = way.price.amount if way.price else 0
        amount = _dearer(own, amounts, interface)
        return replace(way, price=Price(amount, PriceSource.POOL, interface.name))

    def within(state: State) -> State:
        ways, inside = tuple(map(dearer, state.transitions)), tuple(map(within, state.states))
        return replace(state, transitions=ways, states=inside)

    return within(root)


def _dearer(own: Amount, amounts: Mapping[str, int], interface: Interface) -> Amount:
    """An amount and what is added to it by ``event.stage``."""
    scope = interface.scope_for(GRANTED, "")
    stage = Field(Name("event"), "stage")
    added: ExpressionNode = Literal(0, LIFEFORCE)
    for name, amount in amounts.items():
        is_it = Binary("==", stage, Literal(name, STRING))
        added = Conditional(is_it, Literal(amount, LIFEFORCE), added)
    most = most_of(own) + max(amounts.values())
    node: ExpressionNode = Literal(own, LIFEFORCE) if isinstance(own, int) else own.expression.node
    whole = scope if isinstance(own, int) else own.expression.scope
    return Computed(Expression(Binary("+", node, added), LIFEFORCE, whole), most)
