"""The kind ``Garden``: a world to live in."""

from __future__ import annotations

from functools import partial

from nimdsl.compile.compilation import Compilation
from nimdsl.compile.garden import compile_garden
from nimdsl.kinds import Kind
from nimdsl.kinds.schemas import shipped
from nimdsl.program import Garden


def _compile(compilation: Compilation) -> dict[str, Garden]:
    return compilation.each("Garden", compile_garden)


KIND = Kind("Garden", partial(shipped, "garden"), _compile)
