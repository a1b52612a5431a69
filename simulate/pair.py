"""Two gardens to be led together: which they are, and what each of them lives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from gardens.report.result.export import discarding, journal_in
from gardens.stores.sqlite import SqliteJournal
from gardens.virtual.living import VirtualLife
from nimdsl.base import plugins
from nimdsl.base.diagnostics import error
from nimdsl.base.errors import SpecError
from nimdsl.base.suggest import phrase
from nimdsl.loading import with_overrides
from nimdsl.program import Garden, Program, Scenario
from nimdsl.program.garden import Signals
from runtime.run.living import LivingGarden
from simulate.loop import Side, beat_of, gates_of

GROUP = "nimdsl.gardens"
OWN = {"real": "gardens.real.supervisor.living:RealLife"}
VIRTUAL, REAL = "virtual", "real"
"""How the folders of the two are called."""


@dataclass(frozen=True)
class Lived:
    """A garden, and the program and scenario as it lives them."""

    garden: Garden
    program: Program
    scenario: Scenario
    seed: int


@dataclass(frozen=True)
class Pair:
    """A garden that explores, and one that finds out; ``rehearsed``: the latter's scenario, virtually."""

    rules: Signals
    virtual: Lived
    real: Lived
    beat_ns: int
    folders: tuple[str, ...] = ()
    rehearsed: bool = False


def pair_of(
    program: Program,
    virtual: str,
    real: str,
    beats: int,
    *,
    seed: int | None = None,
    rate: float | None = None,
    rehearse: bool = False,
    folders: tuple[str, ...] = (),
) -> Pair:
    """The gardens of these names, for so many beats.  Raises SpecError."""
    explores, rules = _exploring(program, virtual)
    lives = _living(program, real)
    assert lives.real is not None
    scenarios = program.scenarios[rules.scenario], program.scenarios[lives.real.scenario]
    if scenarios[0] is scenarios[1]:
        text = f"`{virtual}` and `{real}` live the same scenario, `{rules.scenario}`"
        fix = f"give `{real}` a scenario of its own"
        raise SpecError((error("NIM0301", text, fix=fix),))
    beat_ns = beat_of(with_overrides(program, scenarios[0].set), *scenarios)
    first = _lived(program, explores, scenarios[0], beats * beat_ns, {"garden": virtual}, seed)
    other = _lived(program, lives, scenarios[1], beats * beat_ns, {}, seed)
    if not gates_of(first.program, first.scenario) & gates_of(other.program, other.scenario):
        text = f"`{first.scenario.name}` and `{other.scenario.name}` have no gate in common"
        fix = "name one in the `actors` of both: its openings are what the one tells the other"
        raise SpecError((error("NIM0301", text, fix=fix),))
    if rate is not None:
        other = replace(other, garden=replace(lives, rate=rate))
    return Pair(rules, first, other, beat_ns, folders, rehearse)


def _exploring(program: Program, name: str) -> tuple[Garden, Signals]:
    explore = {key: one for key, one in program.gardens.items() if one.signals is not None}
    garden = explore.get(name)
    if garden is not None and garden.signals is not None:
        return garden, garden.signals
    if name in program.gardens:
        text = f"`{name}` does not explore: it has no `signals`"
        fix = phrase(name, explore) if explore else "add `signals: {scenario: <scenario>}` to it"
        raise SpecError((error("NIM0301", text, fix=fix),))
    text = f"there is no garden named `{name}`"
    raise SpecError((error("NIM0301", text, fix=phrase(name, explore or program.gardens)),))


def _living(program: Program, name: str) -> Garden:
    live = [key for key, one in program.gardens.items() if one.real is not None and one.real.scenario]
    garden = program.gardens.get(name)
    if garden is None:
        text = f"there is no garden named `{name}`"
        raise SpecError((error("NIM0301", text, fix=phrase(name, live or program.gardens)),))
    if garden.real is None or not garden.real.scenario:
        lacks = "is no real garden" if garden.real is None else "does not say what it lives"
        text = f"`{name}` {lacks}: it needs `real: {{scenario: <scenario>}}`"
        raise SpecError((error("NIM0301", text, fix=phrase(name, live) if live else "add that to it"),))
    return garden


def _lived(
    program: Program,
    garden: Garden,
    scenario: Scenario,
    horizon_ns: int,
    where: dict[str, Any],
    seed: int | None,
) -> Lived:
    changes = {"horizon": f"{horizon_ns}ns", **where}
    own = {f"scenario/{scenario.name}.{key}": value for key, value in changes.items()}
    changed = with_overrides(program, {**scenario.set, **own})
    found = changed.scenarios[scenario.name]
    return Lived(garden, changed, found, found.seed if seed is None else seed)


@contextmanager
def sides(pair: Pair, folder: Path) -> Iterator[tuple[Side, Side]]:
    """Both gardens, not begun, with journals in ``folder``; nothing half written is left there."""
    with ExitStack() as stack:
        journals: list[SqliteJournal] = []
        for name in (VIRTUAL, REAL):
            stack.enter_context(discarding(folder / name))
            journals.append(stack.enter_context(journal_in(folder / name)))
        first = VirtualLife(
            pair.virtual.program, pair.virtual.scenario, journals[0], seed=pair.virtual.seed
        )
        scratch = Path(stack.enter_context(TemporaryDirectory(prefix="nimdsl-loop-")))
        real = _real(pair, scratch, journals[1])
        yield (
            Side(pair.virtual.garden.name, first, pair.virtual.seed),
            Side(pair.real.garden.name, real, pair.real.seed),
        )


def _real(pair: Pair, scratch: Path, journal: SqliteJournal) -> LivingGarden:
    lived = pair.real
    if pair.rehearsed:
        return VirtualLife(lived.program, lived.scenario, journal, seed=lived.seed)
    make: Callable[..., LivingGarden] = plugins.load(plugins.points(GROUP, OWN)["real"])
    return make(
        lived.program,
        lived.scenario,
        lived.garden,
        seed=lived.seed,
        folders=pair.folders,
        scratch=scratch,
        journal=journal,
    )
