"""Compiles ``Gate``: what it hears and compares, and the machine of its readings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nimdsl.base.units import MICRO
from nimdsl.compile.reader import Findings, Reader
from nimdsl.expression.check import Binding, Scope
from nimdsl.expression.types import ANY, REAL, STRING, record_of
from nimdsl.program.gate import GateEar, Likeness, Resonance, Weighing
from nimdsl.program.machine import Price, PriceSource, State, Transition

WAVE = record_of({"domain": STRING, "confidence": REAL, "content": ANY}, "the wave")
"""What an ear may read of a wave."""
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


def compile_gate(findings: Findings, reader: Reader) -> CompiledGate:
    """The gate; what is wrong with it is in ``findings``."""
    cost = reader.sub("cost")
    price_open, price_close = ((cost.lifeforce(key) if cost else 0) for key in ("open", "close"))
    emits = reader.sub("emits")
    return CompiledGate(
        root=_root(findings.document.name, price_open, price_close),
        ears=tuple(_ears(reader)),
        resonance=_resonance(reader),
        weighing=_weighing(reader.sub("weight")),
        rest_ns=cost.duration("rest") if cost else 0,
        below=reader.value("below", 4),
        emits=emits.text("domain") if emits else "",
        goes="asleep" in reader,
    )


def _ears(reader: Reader) -> Iterator[GateEar]:
    scope = reader.scope(Scope({"wave": Binding(WAVE, ("$wave",))}))
    for item in reader.items("hears"):
        yield GateEar(item.text("domain"), item.expression("if", scope))


def _resonance(reader: Reader) -> Resonance:
    memory, thresholds = reader.sub("memory"), reader.sub("thresholds")
    decay = memory.share("decay", 950_000) if memory else 950_000
    silence = memory.share("silence", decay) if memory else decay
    given = (
        {key: float(thresholds.value(key, default)) for key, default in _THRESHOLDS} if thresholds else {}
    )
    found = Resonance(
        alike=tuple(_alike(reader)),
        among_others=(similarity := reader.sub("similarity")) is not None
        and similarity.text(AMONG) == "others",
        window_ns=memory.duration("window", WINDOW_NS) if memory else WINDOW_NS,
        waves_max=memory.value("waves", 32) if memory else 32,
        decay=decay / MICRO,
        silence=silence / MICRO,
        **given,
    )
    _check(reader, found)
    return found


WINDOW_NS = 1_500_000_000
_THRESHOLDS = (("open", 0.5), ("close", -0.5), ("slack", 0.0))


def _alike(reader: Reader) -> Iterator[Likeness]:
    inner = reader.sub("similarity")
    for field in reader.keys("similarity") if inner else ():
        assert inner is not None
        if field == AMONG:
            continue
        how = inner.sub(field)
        if how is None:
            yield Likeness(field, "same")
        elif "cosine" in how:
            yield Likeness(field, "cosine", float(how.value("cosine")))
        else:
            yield Likeness(field, "scale", float(how.value("scale", 1)))


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
        unused_every_ns=unused.duration("every") if unused else 0,
        unused_loses=unused.share("loses") if unused else 0,
        learns=bool(reader.value("learns", True)),
    )


def _check(reader: Reader, found: Resonance) -> None:
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
    if thresholds and found.slack > min(found.open, -found.close):
        message = "with so much slack it would stay open, or closed, on the other side of 0"
        most = min(found.open, -found.close)
        report("NIM0210", message, thresholds.place("slack"), f"write `slack: {most:g}` or less")


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
