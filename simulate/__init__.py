"""Experiments on the virtual garden: run a scenario, read its result.

>>> import nimdsl, simulate
>>> result = simulate.run(nimdsl.load(), "spark", seed=1)
>>> result.summary["completed"]
True
"""

from runtime.report.result import Result
from simulate.running import find_scenario, run

__all__ = ["Result", "find_scenario", "run"]
