"""Experiments on the virtual garden: run a scenario, read its result.

>>> import nimdsl, simulate
>>> result = simulate.run(nimdsl.load(), "spark", seed=1)
>>> result.summary["completed"]
True
"""

from gardens.report.result.result import Result
from runtime.run.run import find_scenario
from simulate.running import run

__all__ = ["Result", "find_scenario", "run"]
