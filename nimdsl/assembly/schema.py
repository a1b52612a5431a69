"""The kind ``Schema``: a message's type and the JSON Schema of its payload."""

from __future__ import annotations

from functools import partial

from nimdsl.compile.compilation import Compilation
from nimdsl.compile.wire import compile_schema
from nimdsl.kinds import Kind
from nimdsl.kinds.schemas import shipped
from nimdsl.program import Schema


def _compile(compilation: Compilation) -> dict[str, Schema]:
    return compilation.each("Schema", compile_schema)


KIND = Kind("Schema", partial(shipped, "schema"), _compile)
