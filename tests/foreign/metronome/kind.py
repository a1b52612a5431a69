"""What the language needs of a metronome: schema, compiler with a check, drawing, outcome."""

from __future__ import annotations

from dataclasses import dataclass

from nimdsl.compile.compilation import Compilation, Participant
from nimdsl.compile.reader import Findings, Reader
from nimdsl.expression.types import DURATION, INT, record_of
from nimdsl.kinds import Kind
from nimdsl.program import Actor, Program
from nimdsl.program.format import tagged
from nimdsl.program.machine import State
from nimdsl.show.graph import Drawing, draw_cell

SPEC = {
    "title": "Metronome",
    "description": "Ticks, evenly.",
    "type": "object",
    "additionalProperties": False,
    "required": ["every"],
    "properties": {
        "for": {"$ref": "#/$defs/for"},
        "description": {"$ref": "#/$defs/description"},
        "every": {"$ref": "#/$defs/duration", "description": "The time between two ticks."},
        "ticks": {
            "type": "integer",
            "minimum": 1,
            "maximum": 1000,
            "default": 10,
            "description": "How many.",
        },
    },
}


@tagged("metronome")
@dataclass(frozen=True)
class Metronome(Actor):
    """An actor that ticks ``ticks`` times, the first time after ``every_ns``."""

    every_ns: int = 0
    ticks: int = 0


@dataclass(frozen=True)
class Compiled:
    """A metronome before it is an actor."""

    every_ns: int
    ticks: int


def _compile_one(findings: Findings, reader: Reader) -> Compiled:
    every_ns = reader.duration("every")
    if not every_ns:
        findings.report(
            "NIM0210", "`every` must be longer than 0", reader.place("every"), "write `every: 1s`"
        )
    return Compiled(every_ns, reader.value("ticks", 10))


def _compile(compilation: Compilation) -> dict[str, Compiled]:
    return compilation.each("Metronome", _compile_one)


def _part(compilation: Compilation, name: str, one: Compiled) -> Metronome:
    root = State("", initial="ticking", states=(State("ticking"),))
    return Metronome(
        kind="metronome",
        name=name,
        root=root,
        data={"count": 0, "period": one.every_ns},
        tables={},
        works={},
        accepts=("faster",),
        place=compilation.place_of("Metronome", name),
        every_ns=one.every_ns,
        ticks=one.ticks,
    )


def _participant(_: Compiled) -> Participant:
    return Participant({"faster": {}}, record_of({"count": INT, "period": DURATION}, "the metronome"))


def _draw(program: Program, name: str, deep: bool) -> Drawing:
    actor: Metronome = program.of("Metronome")[name]
    return draw_cell(actor, deep)


KIND = Kind(
    "Metronome",
    lambda: SPEC,
    _compile,
    _part,
    plural="metronomes",
    participant=_participant,
    draw=_draw,
    words={"tick": "A metronome's beat: its number, and when it was."},
)
