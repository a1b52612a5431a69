"""Running a scenario of a program in its virtual garden."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from gardens.report.observe.watch import Look
from gardens.report.result.export import RecordFile, seal
from gardens.report.result.result import RunResult, result_of
from gardens.report.result.tally import Tally
from gardens.virtual.driver import Driver, Options
from nimdsl.base.canonical import Plain
from nimdsl.loading import with_overrides
from nimdsl.program import Program
from runtime.ports.journal import Journal
from runtime.records import Record
from runtime.run.run import find_scenario
from simulate.arguments import Place, check_journal, check_options, check_overrides, check_seed, program_of
from simulate.result import Result


def run(
    program: Program | Place | Sequence[Place] | None = None,
    scenario: str = "",
    *,
    seed: int | None = None,
    set: Mapping[str, Plain] | None = None,
    options: Options | None = None,
    journal: Journal | None = None,
    keep: bool = True,
    records: RecordFile | None = None,
    look: Look | None = None,
) -> Result:
    """Runs ``scenario`` of a program and judges it.

    ``program`` may be the path of its documents (a file or a folder), several paths, or nothing:
    the shipped specs.  ``scenario`` defaults to ``spark``, or the only one; ``seed`` to that of the
    ``options``, or else the scenario's own; ``set`` are overrides (``kind/name.field: value``) on top
    of the scenario's.
    Without ``keep`` a run takes little memory however long it is: the result has its summary, but
    its records only where they are written to (``records``, then
    :func:`gardens.report.result.export.export`), its journal only where there is a fresh
    ``journal``.  ``look`` is asked, with the program as it runs, who looks on.  Raises SpecError when the
    documents are wrong, also by an override, or there is no such scenario; PermanentPortError when
    ``records`` cannot be written, or the ``journal`` holds another run; NimdslError for an argument that
    can be none.
    """
    check_journal(journal)
    seed, options, changes = check_seed(seed), check_options(options), check_overrides(set)
    program = program_of(program)
    overrides = {**find_scenario(program, scenario).set, **changes}
    program = with_overrides(program, overrides)
    found = find_scenario(program, scenario)
    seed = next(one for one in (seed, options.seed, found.seed) if one is not None)
    options = replace(options, seed=seed)
    if not keep:
        options = replace(options, keep=False)
    tally = None
    if records is not None or not options.keep:
        tally = Tally(program, found)
        options = replace(options, observe=_telling(options.observe, tally, records))
    if look is not None:
        onlooker = look(program, found)
        options = replace(options, observe=_both(options.observe, onlooker.take), booked=onlooker.book)
    driver = Driver(program, found, options, journal)
    file = records.path if records is not None else None
    outcome = result_of(program, found, seed, driver.run(), driver.journal, tally=tally, file=file)
    if journal is not None:
        seal(journal, outcome)
    return Result.of(outcome)


def again(result: RunResult, journal: Journal) -> RunResult:
    """The same once more, without options: its program is as it ran, overrides included."""
    program, scenario, seed = result.program, result.scenario, result.seed
    driver = Driver(program, scenario, Options(seed, result.run.replication), journal)
    return result_of(program, scenario, seed, driver.run(), journal)


Observe = Callable[[Record], None]


def _both(first: Observe | None, second: Observe) -> Observe:
    if first is None:
        return second

    def tell(record: Record) -> None:
        first(record)
        second(record)

    return tell


def _telling(observe: Observe | None, tally: Tally, records: RecordFile | None) -> Observe:
    """Counts each record, writes it, and tells whoever observes the run."""

    def tell(record: Record) -> None:
        data = tally.take(record)
        if records is not None:
            records.take(record, data)
        if observe is not None:
            observe(record)

    return tell
