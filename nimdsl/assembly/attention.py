"""The kind ``Attention``: a beat of time and the levels that share it."""

from __future__ import annotations

from functools import partial

from nimdsl.checks.attention import check_beat
from nimdsl.checks.machines import check_machine
from nimdsl.compile.attention import CompiledAttention, compile_attention
from nimdsl.compile.compilation import Compilation
from nimdsl.compile.reader import Findings, Reader
from nimdsl.kinds import Kind
from nimdsl.kinds.schemas import shipped
from nimdsl.program import Attention, Program
from nimdsl.show.costs import attention_costs
from nimdsl.show.graph import Drawing, draw_cell


def _compile(compilation: Compilation) -> dict[str, CompiledAttention]:
    rewards = compilation.rewards

    def compile_one(findings: Findings, reader: Reader) -> CompiledAttention | None:
        one = compile_attention(findings, reader, rewards)
        if one is not None and not findings.failed:
            check_beat(findings, reader, one.beat)
        if one is not None and one.written and not findings.failed and not findings.poisoned:
            check_machine(findings, one.root, one.interface)
        return one

    return compilation.each("Attention", compile_one)


def _part(compilation: Compilation, name: str, one: CompiledAttention) -> Attention:
    return Attention(
        kind="attention",
        name=name,
        root=one.root,
        data={},
        tables={},
        works=one.works,
        beat=one.beat,
        place=compilation.place_of("Attention", name),
    )


def _draw(program: Program, name: str, deep: bool) -> Drawing:
    return draw_cell(program.attentions[name], deep)


KIND = Kind(
    "Attention",
    partial(shipped, "attention"),
    _compile,
    _part,
    needs=("Economy",),
    plural="attention",
    draw=_draw,
    costs=attention_costs,
)
