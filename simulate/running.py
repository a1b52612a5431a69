"""Running a scenario of a program in its virtual garden."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gardens.virtual.driver import Driver, Options
from nimdsl.canonical import Plain
from nimdsl.diagnostics import error
from nimdsl.errors import SpecError
from nimdsl.loading import with_overrides
from nimdsl.program import Program, Scenario
from nimdsl.suggest import phrase
from runtime.journal import Journal, MemoryJournal
from runtime.report.outcome import outcome_of
from runtime.report.result import Result
from runtime.report.verdicts import judge


def find_scenario(program: Program, name: str = "") -> Scenario:
    """The scenario of that name; without one ``spark``, or the only one.  Raises SpecError."""
    known = program.scenarios
    wanted = name or ("spark" if "spark" in known or len(known) != 1 else next(iter(known)))
    if wanted in known:
        return known[wanted]
    if not known:
        problem = error(
            "NIM0301", "there is no Scenario in these documents", fix="add a document of kind Scenario"
        )
    elif not name:
        problem = error("NIM0301", "several scenarios: say which", fix=phrase("", known))
    else:
        problem = error("NIM0301", f"there is no Scenario named `{name}`", fix=phrase(name, known))
    raise SpecError((problem,))


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
    journal = journal if journal is not None else MemoryJournal()
    finished = Driver(program, found, chosen, journal).run()
    outcome = outcome_of(program, found, finished)
    protocol = program.protocols.get(found.protocol)
    criteria = tuple(judge(c.text, c.holds, outcome) for c in protocol.criteria) if protocol else ()
    judged = {**outcome, "completed": outcome["completed"] and all(verdict.held for verdict in criteria)}
    return Result(
        program=program,
        scenario=found,
        seed=chosen.seed,
        run=finished,
        journal=journal,
        outcome=outcome,
        criteria=criteria,
        expectations=tuple(judge(e.text, e.holds, judged) for e in found.expect),
    )
