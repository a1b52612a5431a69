"""Compiles ``Scenario``: who takes part, where, what happens to them, what must be true afterwards."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from nimdsl.base.diagnostics import Severity
from nimdsl.base.suggest import phrase
from nimdsl.compile.addresses import expanded
from nimdsl.compile.compilation import Participant
from nimdsl.compile.families import names_of
from nimdsl.compile.hosts import check_homes
from nimdsl.compile.lets import with_lets
from nimdsl.compile.others import ActorsBeside
from nimdsl.compile.outcome import Cells, outcome_scope
from nimdsl.compile.overrides import override
from nimdsl.compile.participants import Sends, concerned, expectations, mentioned
from nimdsl.compile.purses import purses_of
from nimdsl.compile.reader import Findings, Reader
from nimdsl.compile.starts import compile_starts, ids_of
from nimdsl.compile.stimulus import Receivers, compile_stimuli
from nimdsl.expression.check import Scope
from nimdsl.expression.syntax import ExpressionNode, Index, Literal, Name, children
from nimdsl.expression.types import Type
from nimdsl.program import (
    BEAT_COUNT_MAX,
    Beat,
    Economy,
    Expectation,
    Garden,
    Organ,
    Protocol,
    Scenario,
    Work,
)
from nimdsl.program.address import EVERY

HORIZON_NS = 3_600 * 1_000_000_000


@dataclass(frozen=True)
class ScenarioContext:
    """What scenarios are compiled against; ``cells`` by name: data types and accepted events."""

    protocols: Mapping[str, Protocol]
    phase_types: Mapping[str, Type]
    economies: Mapping[str, Economy]
    gardens: Mapping[str, Garden]
    cells: Cells
    attentions: Mapping[str, Beat]
    accepts: Mapping[str, Mapping[str, Mapping[str, Type]]]
    sends: Sends
    priced: frozenset[str]
    """Cells that charge something or ask for rewards; of other kinds, their ids."""
    purses: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By cell: the economies that it names."""
    attention_purses: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By attention: the economies that its modes name."""
    resources: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By cell: the resources of which it acquires units."""
    organs: Mapping[str, Organ] = field(default_factory=dict)
    asking: Mapping[str, Sequence[Work]] = field(default_factory=dict)
    """By actor, a cell by its name: the works that ask organs."""
    participants: Mapping[str, Participant] = field(default_factory=dict)
    """The actors of kinds that scenarios have no field for, by id."""
    plurals: Mapping[str, str] = field(default_factory=dict)
    hearing: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By cell: the ids of the gates that it hears."""
    answering: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By cell: the events on which it sends to whoever sent them."""


def compile_scenario(findings: Findings, reader: Reader, context: ScenarioContext) -> Scenario:
    """The scenario; what is wrong with it is in ``findings``."""
    name = reader.reference("protocol", "Protocol") if "protocol" in reader else ""
    protocol = context.protocols.get(name)
    findings.poisoned = findings.poisoned or (bool(name) and protocol is None)
    attention = _attention(findings, reader, context)
    beside = ActorsBeside(context.participants, context.plurals)
    cells, others = _taking_part(reader, context, protocol, attention, beside)
    phases = [phase.name for phase in protocol.phases] if protocol else []
    visible = cells if "cells" in reader else context.cells  # whoever is mentioned takes part
    data = {cell: context.cells[cell] for cell in visible if cell in context.cells}
    unknown = findings.documents.damaged or ("protocol" in reader and protocol is None)
    overrides = reader.value("set", {})
    kinds = {name: context.phase_types[name] for name in phases}
    seen = {prefix: beside.seen(prefix, others) for prefix in context.plurals}
    more = {context.plurals[prefix]: kind for prefix, kind in seen.items() if kind}
    _check_overrides(findings, reader)
    economy = _economy(reader, context, protocol, [*cells, attention, *others])
    garden = _garden(reader, context)
    asked = _asked(reader, context, [*cells, *others], garden)
    used = {**_used(context, cells, attention, economy, others), "organs": sorted(asked)}
    families = _families(reader, {"cells": data, **used})
    beat = context.attentions.get(attention)
    if beat is not None and not any(path.startswith(("gate/", "attention/")) for path in overrides):
        beside.check_tiers(reader, others, beat)
    scope = with_lets(reader, outcome_scope(kinds, data, beat, more, families, **used, open=unknown))
    horizon_ns = _horizon_ns(reader)
    beats = -(-horizon_ns // beat.length_ns) if beat else 0
    accepts = {name: one.accepts for name, one in context.participants.items()}
    receivers = Receivers(
        cells, context.cells, context.accepts, attention, beat, horizon_ns, accepts, context.answering
    )
    return Scenario(
        name=findings.document.name,
        description=reader.text("description"),
        protocol=name,
        economy=economy,
        garden=garden,
        cells=tuple(sorted(cells)),
        attention=attention,
        horizon_ns=horizon_ns,
        seed=reader.value("seed", 1),
        set=overrides,
        stimuli=compile_stimuli(reader, receivers),
        expect=() if findings.poisoned or len(data) < len(cells) else _expectations(reader, scope, beats),
        actors=tuple(others),
        families=families,
        outlives=_outlives(reader, name),
        starts=compile_starts(reader, ids_of(name, cells, attention, others, context.gardens.get(garden))),
    )


def _outlives(reader: Reader, protocol: str) -> bool:
    outlives = bool(reader.value("ends", "protocol") == "horizon")
    if outlives and not protocol and "protocol" not in reader:
        message = "there is no protocol that it could end with: a run goes on to its horizon"
        reader.findings.report("NIM0203", message, reader.place("ends"), "remove `ends`")
    return outlives


def _horizon_ns(reader: Reader) -> int:
    horizon_ns = reader.duration("horizon", HORIZON_NS)
    if not horizon_ns:
        message, fix = "`horizon` must be longer than 0", "write for example `horizon: 1h`"
        reader.findings.report("NIM0210", message, reader.place("horizon"), fix)
    return horizon_ns


def _taking_part(
    reader: Reader,
    context: ScenarioContext,
    protocol: Protocol | None,
    attention: str,
    beside: ActorsBeside,
) -> tuple[list[str], list[str]]:
    """The cells that take part and the others, by id, with the gates that these cells hear."""
    others = beside.taking_part(reader)
    while True:
        cells = _cells(reader, context, protocol, attention, beside.cells_near(others))
        heard = {one for cell in cells for one in context.hearing.get(cell, ())}
        more = others if "actors" in reader else beside.with_near({*others, *heard})
        if more == others:
            return cells, others
        others = more


def _cells(
    reader: Reader,
    context: ScenarioContext,
    protocol: Protocol | None,
    attention: str,
    near: Collection[str],
) -> list[str]:
    """The cells that take part: those that are listed, without a list those that it concerns.

    ``near`` are those without which others could do nothing.
    """
    if "cells" in reader:
        return expanded(reader, "cells", "Cell")
    asked = {
        name: frozenset(one.organ.name for one in works if one.organ)
        for name, works in context.asking.items()
    }
    uses = {"economies": context.purses, "resources": context.resources, "organs": asked}
    return concerned(reader, context.cells, protocol, attention, context.sends, uses, near)


def _used(
    context: ScenarioContext,
    cells: Sequence[str],
    attention: str,
    economy: str,
    others: Sequence[str],
) -> dict[str, list[str]]:
    """The economies and resources that take part, sorted."""
    beside = (context.participants[actor] for actor in others)
    named = {name for one in beside if one.root for name in purses_of(one.root, one.economy)}
    named |= {name for cell in cells for name in context.purses.get(cell, ())}
    named |= context.attention_purses.get(attention, frozenset())
    borrowed = {name for cell in cells for name in context.resources.get(cell, ())}
    works = (work for actor in others for work in context.participants[actor].works.values())
    borrowed |= {work.acquire.resource for work in works if work.acquire is not None}
    waiting = [name for name in {economy, *named} if name in context.economies]
    givers = (context.economies[name].allowance for name in waiting)
    named |= {allowance[0] for allowance in givers if allowance is not None}
    return {"economies": sorted({economy, *named} - {""}), "resources": sorted(borrowed)}


def _asked(
    reader: Reader, context: ScenarioContext, actors: Sequence[str], garden: str
) -> dict[str, list[Work]]:
    """The organs that are asked, with the works that ask them; each must have a home in the garden."""
    found: dict[str, list[Work]] = {}
    for actor in actors:
        for work in context.asking.get(actor, ()):
            if work.organ is not None:
                found.setdefault(work.organ.name, []).append(work)
    unsure = "garden" in reader and garden not in context.gardens
    if found and not unsure and not reader.findings.poisoned:
        hosts = context.gardens[garden].hosts if garden else ()
        check_homes(reader, context.organs, found, garden, hosts)
    return found


_KINDS = {"cells": "Cell", "economies": "Economy", "resources": "Resource", "organs": "Organ"}
"""What expectations can see together, with the kind of the documents."""


def _families(
    reader: Reader, known: Mapping[str, Container[str]]
) -> dict[str, Mapping[str, tuple[str, ...]]]:
    """What expectations see together (``cells["robot-*"]``), by how they write it."""
    found: dict[str, Mapping[str, tuple[str, ...]]] = {}
    for whole, members in known.items():
        texts = {one for tree in expectations(reader) for one in mentioned(tree, whole) if EVERY in one}
        named = {text: names_of(reader.findings.documents, _KINDS[whole], text) for text in sorted(texts)}
        together = {text: names for text, names in named.items() if names and _all_in(names, members)}
        if together:
            found[whole] = together
    return found


def _all_in(names: Sequence[str], members: Container[str]) -> bool:
    return all(name in members for name in names)


def _expectations(reader: Reader, scope: Scope, beats: int) -> tuple[Expectation, ...]:
    """``beats`` is how many there are until the horizon."""
    found = tuple(Expectation(text, holds) for text, holds in reader.expressions("expect", scope))
    for one in found:
        for index in _beats_named(one.holds.node):
            if index.value >= min(beats, BEAT_COUNT_MAX):
                _report_beat(reader, one, index, beats)
    return found


def _beats_named(tree: ExpressionNode) -> Iterator[Literal]:
    """The numbers of beats that are written out: the 3 of ``beats[3]``."""
    if isinstance(tree, Index) and tree.target == Name("beats") and isinstance(tree.index, Literal):
        yield tree.index
    for child in children(tree):
        yield from _beats_named(child)


def _report_beat(reader: Reader, expectation: Expectation, index: Literal, beats: int) -> None:
    """NIM0509: a beat that the run does not have, or that nobody sees alone."""
    seen = min(beats, BEAT_COUNT_MAX)
    message = f"there is no beat {index.value}: until the horizon there are {beats:,}, counted from 0"
    fix = f"write at most `beats[{seen - 1}]`, or make the `horizon` later"
    if index.value < beats:
        message = f"beat {index.value} is not seen alone: expectations see the first {seen:,}"
        fix = f"write at most `beats[{seen - 1}]`, or read the sums in `attention`"
    place = reader.within("expect", expectation.holds.place, index.start, index.end)
    reader.findings.report("NIM0509", message, place, fix, Severity.WARNING)


def _attention(findings: Findings, reader: Reader, context: ScenarioContext) -> str:
    """The one that is named; without a name the only one, if a stimulus goes to a level or a gate."""
    if "attention" in reader:
        name = reader.reference("attention", "Attention")
        findings.poisoned = findings.poisoned or (bool(name) and name not in context.attentions)
        return name
    wanted = any("level" in item or "gate" in item for item in reader.items("stimuli"))
    return next(iter(context.attentions)) if wanted and len(context.attentions) == 1 else ""


def _check_overrides(findings: Findings, reader: Reader) -> None:
    inner = reader.sub("set")
    if inner is None or findings.documents.overridden or findings.documents.damaged:
        return
    for path, node in inner.node.entries.items():
        for problem in override(findings.documents, {path: node})[1]:
            place = problem.place if problem.place.file else inner.node.key_place(path)
            findings.report(problem.code, problem.message, place, problem.fix)


def _economy(reader: Reader, context: ScenarioContext, protocol: Protocol | None, cells: list[str]) -> str:
    if "economy" in reader:
        return reader.reference("economy", "Economy")
    if protocol is not None:
        return protocol.economy
    if "protocol" in reader:
        return ""  # the protocol is wrong itself, and says who pays
    if len(context.economies) == 1:
        return next(iter(context.economies))
    documents = reader.findings.documents
    spenders = sorted(context.priced & set(cells))
    sure = not documents.damaged and len(context.economies) == len(documents.of("Economy"))
    if spenders and sure:
        message = f"`{spenders[0]}` costs lifeforce, and nothing says which economy pays"
        fix = "add `economy: <name>`" if context.economies else "add an Economy document"
        reader.findings.report("NIM0505", message, reader.findings.document.place, fix)
    return ""


def _garden(reader: Reader, context: ScenarioContext) -> str:
    virtual = [name for name, garden in context.gardens.items() if garden.real is None]
    if "garden" not in reader:
        return virtual[0] if len(virtual) == 1 else ""
    name = reader.reference("garden", "Garden")
    if name in context.gardens and name not in virtual:
        message = f"`{name}` is a real garden; a scenario names the virtual one that predicts it"
        fix = phrase(name, virtual) or "remove `garden`, or add a Garden without `real`"
        reader.findings.report("NIM0301", message, reader.place("garden"), fix)
    return name
