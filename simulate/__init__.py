"""Experiments on the virtual garden: run a scenario, read its result.

>>> import simulate
>>> result = simulate.run(scenario="spark", seed=1)
>>> result.completed
True
>>> result
<Result of spark, seed 1: completed after 6.46 s, the protocol ended, 100 → 388.2 LF>

Names are loaded when they are first used, so that a run need not wait for the comparison.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gardens.virtual.driver import Options
    from runtime.run.run import find_scenario
    from simulate.journals import compare, replay
    from simulate.result import Result
    from simulate.running import run

__all__ = ["Options", "Result", "compare", "find_scenario", "replay", "run"]

_HOMES = {
    "Options": "gardens.virtual.driver",
    "Result": "simulate.result",
    "compare": "simulate.journals",
    "find_scenario": "runtime.run.run",
    "replay": "simulate.journals",
    "run": "simulate.running",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
