"""The kind ``Economy``: opening balance, floor, prices, rewards and rates."""

from __future__ import annotations

from functools import partial

from nimdsl.compile.compilation import Compilation
from nimdsl.compile.economy import compile_economy
from nimdsl.kinds import Kind
from nimdsl.kinds.schemas import shipped
from nimdsl.program import Economy


def _compile(compilation: Compilation) -> dict[str, Economy]:
    return compilation.each("Economy", compile_economy)


KIND = Kind("Economy", partial(shipped, "economy"), _compile)
