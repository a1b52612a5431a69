"""The kind ``Resource``: units that work borrows."""

from __future__ import annotations

from functools import partial

from nimdsl.compile.compilation import Compilation
from nimdsl.compile.resource import compile_resource
from nimdsl.kinds import Kind
from nimdsl.kinds.schemas import shipped
from nimdsl.program.resource import Resource


def _compile(compilation: Compilation) -> dict[str, Resource]:
    return compilation.each("Resource", compile_resource)


KIND = Kind("Resource", partial(shipped, "resource"), _compile)
