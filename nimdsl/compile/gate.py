"""Compiles ``Gate``: what it hears and compares, and the machine of its readings."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from nimdsl.base.diagnostics import Severity
from nimdsl.base.suggest import phrase
from nimdsl.base.units import MICRO
from nimdsl.compile.lets import with_lets
from nimdsl.compile.reader import Findings, Reader
from nimdsl.compile.waves import Waves, check_even, together
from nimdsl.expression.check import Binding, Scope
from nimdsl.expression.types import ANY, INT, NUMERIC, REAL, STRING, Type, record_of
from nimdsl.program.gate import GateEar, Likeness, Resonance, Weighing
from nimdsl.program.machine import Price, PriceSource, State, Transition

AMONG = "among"


@dataclass(frozen=True)
class CompiledGate:
    """A gate before it is an actor."""

    root: State
    ears: tuple[GateEar, ...]
    resonance: Resonance
    weighing: Weighing
    rest_ns: int
    below: int
    emits: str
    goes: bool
    dialogue: bool
    heard: Waves | None
    """What the waves that it hears have in common; None where nobody emits any."""
    sources: tuple[Waves, ...] = ()
    """Those that it hears."""
    times: tuple[str, ...] = ()
    """The fields of its own waves that come from the clock (:mod:`nimdsl.compile.times`)."""


def compile_gate(
    findings: Findings, reader: Reader, emitted: Sequence[Waves], later: Collection[str] = ()
) -> CompiledGate:
    """The gate; what is wrong with it is in ``findings``.

    ``emitted`` is what there is to be heard, ``later`` the domains of what is not known yet.
    """
    cost = reader.sub("cost")
    price_open, price_close = ((cost.lifeforce(key) if cost else 0) for key in ("open", "close"))
    emits = reader.sub("emits")
    ears = tuple(_ears(reader, emitted, later))
    sources = tuple(one for one in emitted if any(hears(ear.domain, one.domain) for ear in ears))
    heard = together("", sources)
    return CompiledGate(
        root=_root(findings.document.name, price_open, price_close),
        ears=ears,
        resonance=_resonance(reader, heard),
        weighing=_weighing(reader.sub("weight")),
        rest_ns=cost.duration("rest") if cost else 0,
        below=reader.value("below", 4),
        emits=emits.text("domain") if emits else "",
        heard=heard,
        sources=sources,
        goes="asleep" in reader,
        dialogue=bool(reader.value("dialogue", False)),
    )


def hears(pattern: str, domain: str) -> bool:
    """Whether an ear for a domain, `a.*` or `*` hears this domain."""
    stem = pattern.removesuffix("*")
    return pattern == domain or (stem != pattern and domain.startswith(stem) and domain != stem)


def _ears(reader: Reader, emitted: Sequence[Waves], later: Collection[str]) -> Iterator[GateEar]:
    """NIM0701 for a domain in which nobody emits: a program outside may."""
    for item in reader.items("hears"):
        domain = item.text("domain")
        there = [one for one in emitted if hears(domain, one.domain)]
        waves = together(domain, there)
        check_even(item, "domain", there)
        unknown = reader.findings.documents.damaged or any(hears(domain, one) for one in later)
        if waves is None and not unknown:
            known = {one.domain for one in emitted if one.domain}
            message = f"nobody emits in the domain `{domain}`: only a program outside could"
            fix = phrase(domain, known) or "give a cell that emits this `domain`"
            reader.findings.report("NIM0701", message, item.place("domain"), fix, Severity.WARNING)
        fields = {"domain": STRING, "confidence": REAL, "content": waves.content if waves else ANY}
        wave = record_of(fields, "the wave")
        scope = with_lets(reader, Scope({"wave": Binding(wave, ("$wave",))}))
        yield GateEar(domain, item.expression("if", scope))


def _resonance(reader: Reader, heard: Waves | None) -> Resonance:
    memory, thresholds = reader.sub("memory"), reader.sub("thresholds")
    decay = memory.share("decay", 950_000) if memory else 950_000
    silence = memory.share("silence", decay) if memory else decay
    given = (
        {key: float(thresholds.value(key, default)) for key, default in _THRESHOLDS} if thresholds else {}
    )
    found = Resonance(
        alike=tuple(_alike(reader, heard)),
        among_others=(similarity := reader.sub("similarity")) is not None
        and similarity.text(AMONG) == "others",
        window_ns=memory.duration("window", WINDOW_NS) if memory else WINDOW_NS,
        waves_max=memory.value("waves", 32) if memory else 32,
        decay=decay / MICRO,
        silence=silence / MICRO,
        **given,
    )
    _check(reader, found, heard)
    return found


WINDOW_NS = 1_500_000_000
_THRESHOLDS = (("open", 0.5), ("close", -0.5), ("slack", 0.0))


def _alike(reader: Reader, heard: Waves | None) -> Iterator[Likeness]:
    inner = reader.sub("similarity")
    for field in reader.keys("similarity") if inner else ():
        assert inner is not None
        if field == AMONG:
            continue
        _check_field(inner, field, heard)
        how = inner.sub(field)
        if how is None:
            yield Likeness(field, "same")
        elif "cosine" in how:
            yield Likeness(field, "cosine", float(how.value("cosine")))
        else:
            yield Likeness(field, "scale", float(how.value("scale", 1)))


def _check_field(reader: Reader, field: str, heard: Waves | None) -> None:
    """NIM0303 and NIM0304: a field that no wave has which is heard, or that cannot be compared so."""
    content = heard.content if heard else ANY
    kind = content.field(field) if content.fields is not None else ANY
    place, report = reader.node.key_place(field), reader.findings.report
    if kind is None:
        known = [name for name, _ in content.fields or ()]
        report("NIM0303", f"no wave that is heard contains `{field}`", place, phrase(field, known))
        return
    how = reader.sub(field)
    wanted = "" if how is None or kind == ANY else _unlike(kind, "cosine" in how)
    if wanted:
        report("NIM0304", f"{wanted} wanted here, `{field}` is {kind}", place, f"write `{field}: same`")


def _unlike(kind: Type, cosine: bool) -> str:
    """What would have to stand in place of a type to be compared; empty where it can be."""
    if cosine:
        return "" if kind.name == "list" and kind.element in (INT, REAL, ANY) else "list<real>"
    return "" if kind in NUMERIC else "a number"


def _weighing(reader: Reader | None) -> Weighing:
    if reader is None:
        return Weighing()
    unused, usual = reader.sub("unused"), Weighing()
    return Weighing(
        start=reader.share("start"),
        confirmed=reader.share("confirmed", usual.confirmed),
        failed=reader.share("failed", usual.failed),
        adjust=reader.share("adjust", usual.adjust),
        earn=reader.value("earn", usual.earn),
        reward=reader.lifeforce("reward"),
        unused_every_ns=unused.duration("every") if unused else 0,
        unused_loses=unused.share("loses") if unused else 0,
        learns=bool(reader.value("learns", True)),
    )


def _check(reader: Reader, found: Resonance, heard: Waves | None) -> None:
    """NIM0210: a memory that never forgets, or a slack that never lets go."""
    report = reader.findings.report
    if not 0 < found.silence < 1:
        memory = reader.sub("memory")
        place = memory.place("silence" if "silence" in memory else "decay") if memory else reader.place()
        message = "in silence the value must fade: with this it never does, or is gone at once"
        report("NIM0210", message, place, "write `silence: 95%`, or less")
    if not found.window_ns:
        memory = reader.sub("memory")
        place = memory.place("window") if memory else reader.place()
        report("NIM0210", "`window` must be longer than 0", place, "write for example `window: 1500ms`")
    thresholds = reader.sub("thresholds")
    _check_reach(thresholds, found, heard)
    if thresholds and found.slack > min(found.open, -found.close):
        message = "with so much slack it would stay open, or closed, on the other side of 0"
        most = min(found.open, -found.close)
        report("NIM0210", message, thresholds.place("slack"), f"write `slack: {most:g}` or less")


def _check_reach(thresholds: Reader | None, found: Resonance, heard: Waves | None) -> None:
    """NIM0704: a threshold that the value never passes, however many waves agree."""
    decay, most = found.decay, heard.most if heard else 1.0
    reach = min(decay, decay * most / (1 - decay)) if decay < 1 else 1.0
    for key, needed, does in (("open", found.open, "open"), ("close", -found.close, "read closed")):
        if thresholds is None or key not in thresholds or reach > needed:
            continue
        sure = f"waves of a confidence of at most {most:g}" if most < 1 else "any waves"
        message = f"it can never {does}: with {sure} its value stays within {reach:.3g}"
        sign = "-" if key == "close" else ""
        fix = f"write `{key}: {sign}{math.floor(reach * 90) / 100:g}`, or raise `decay`"
        thresholds.findings.report("NIM0704", message, thresholds.place(key), fix)


def _root(name: str, price_open: int, price_close: int) -> State:
    """The machine of what a gate reads."""

    def way(event: str, target: str, amount: int = 0) -> Transition:
        price = Price(amount, PriceSource.POOL, name) if amount else None
        return Transition(event, target, price=price)

    pruned = way("prunes", "pruned")
    opens = (way("opens", "open", price_open), way("flashes", "open"), way("shuts", "closed", price_close))
    return State(
        "",
        "stable",
        (
            State("stable", transitions=(*opens, pruned)),
            State("open", transitions=(way("settles", "stable"), way("rests", "resting"))),
            State("closed", transitions=(way("settles", "stable"), pruned)),
            State("resting", transitions=(way("wakes", "stable"), pruned)),
            State("pruned", final=True),
        ),
    )
