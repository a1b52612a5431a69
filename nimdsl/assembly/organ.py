"""The kind ``Organ``: models on cards."""

from __future__ import annotations

from functools import partial

from nimdsl.compile.compilation import Compilation
from nimdsl.compile.organ import compile_organ
from nimdsl.kinds import Kind
from nimdsl.kinds.schemas import shipped
from nimdsl.program.organ import Organ


def _compile(compilation: Compilation) -> dict[str, Organ]:
    return compilation.each("Organ", compile_organ)


KIND = Kind("Organ", partial(shipped, "organ"), _compile)
