"""Running a scenario of a program in its virtual garden."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gardens.virtual.driver import Driver, Options
from nimdsl.canonical import Plain
from nimdsl.loading import with_overrides
from nimdsl.program import Program
from runtime.journal import Journal
from runtime.report.result import Result, result_of
from runtime.run import find_scenario


def run(
    program: Program,
    scenario: str = "",
    *,
    seed: int | None = None,
    set: Mapping[str, Plain] | None = None,
    options: Options | None = None,
    journal: Journal | None = None,
) -> Result:
    """Runs ``scenario`` and judges it.

    ``seed`` defaults to the scenario's own; ``set`` are overrides (``kind/name.field: value``)
    on top of the scenario's.  Raises SpecError when there is no such scenario or an override
    makes the documents wrong.
    """
    overrides = {**find_scenario(program, scenario).set, **(set or {})}
    program = with_overrides(program, overrides)
    found = find_scenario(program, scenario)
    chosen = replace(options or Options(), seed=found.seed if seed is None else seed)
    driver = Driver(program, found, chosen, journal)
    return result_of(program, found, chosen.seed, driver.run(), driver.journal)
