"""Packages beside the project that are broken: each is named, with what to do, and nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.foreign.shell import ORCHESTRA, Shell, put_beside

POINTS = {
    "nimdsl.kinds": ("Metronome", "metronome.kind:KIND"),
    "nimdsl.behaviours": ("metronome", "metronome.behaviour:BEHAVIOUR"),
    "nimdsl.presentations": ("metronome", "metronome.presentation:PRESENTATION"),
}
"""What the metronome registers."""

Change = tuple[str, str, str]
"""A module of the metronome, and what stands in it instead of what."""
Beside = Callable[..., Shell]


@pytest.fixture
def beside(tmp_path: Path) -> Beside:
    """Puts the metronome beside the project, changed."""

    def put(*changes: Change, **points: str) -> Shell:
        folder = put_beside(tmp_path / "site", POINTS, points)
        for module, old, new in changes:
            path = folder / f"{module}.py"
            text = path.read_text(encoding="utf-8")
            assert old in text
            path.write_text(text.replace(old, new), encoding="utf-8")
        return Shell(tmp_path / "site", tmp_path)

    return put


@pytest.mark.parametrize(
    ("line", "raised"),
    [
        ("def broken(:", "SyntaxError: "),
        ('raise ValueError("out of tune")', "ValueError: out of tune"),
        ("import metronome_strings", "ModuleNotFoundError: No module named 'metronome_strings'"),
    ],
)
def test_a_package_that_cannot_be_imported_is_named(beside: Beside, line: str, raised: str) -> None:
    shell = beside(("kind", "SPEC = {", f"{line}\nSPEC = {{"))
    done = shell.do("validate", ORCHESTRA)
    assert done.returncode == 2, done.stderr
    assert f"`Metronome` (nimdsl.kinds) of the package `nimdsl-metronome` cannot be loaded: {raised}" in (
        done.stderr
    )
    assert "uninstall it" in done.stderr
    assert done.stderr.count("\n") == 1


def test_an_entry_point_that_names_no_object_is_told(beside: Beside) -> None:
    done = beside(Metronome=":::").do("validate", ORCHESTRA)
    assert done.returncode == 2
    assert "`Metronome` (nimdsl.kinds) of the package `nimdsl-metronome` names no object" in done.stderr
    assert "write `module:object` instead of `:::`" in done.stderr


@pytest.mark.parametrize(
    ("name", "other"), [("CELL", "Cell"), ("METRONOME", "Metronome"), ("metronomE", "Metronome")]
)
def test_a_kind_with_the_ids_of_another_is_refused(beside: Beside, name: str, other: str) -> None:
    again = f"from dataclasses import replace\nAGAIN = replace(KIND, name={name!r})\n"
    shell = beside()
    with (shell.site / "metronome" / "kind.py").open("a", encoding="utf-8") as file:
        file.write(again)
    shell.register("nimdsl.kinds", name, "metronome.kind:AGAIN")
    done = shell.do("validate", ORCHESTRA)
    assert done.returncode == 2, done.stderr
    said = f"has the same ids as `{other if other == 'Cell' else min(name, other)}`"
    assert said in done.stderr
    assert f"`{name.lower()}/…`: rename it" in done.stderr


@pytest.mark.parametrize("plural", ["cells", "lifeforce", "phases", "beats", "attention"])
def test_a_plural_that_expectations_know_is_refused(beside: Beside, plural: str) -> None:
    shell = beside(("kind", 'plural="metronomes"', f'plural="{plural}"'))
    done = shell.do("validate", ORCHESTRA)
    assert done.returncode == 2, done.stderr
    assert f"the plural `{plural}` of the kind `Metronome` (nimdsl.kinds) is taken by expectations" in (
        done.stderr
    )


def test_two_kinds_with_one_plural_are_refused(beside: Beside) -> None:
    shell = beside()
    with (shell.site / "metronome" / "kind.py").open("a", encoding="utf-8") as file:
        file.write("from dataclasses import replace\nBELL = replace(KIND, name='Bell')\n")
    shell.register("nimdsl.kinds", "Bell", "metronome.kind:BELL")
    done = shell.do("validate", ORCHESTRA)
    assert done.returncode == 2, done.stderr
    assert "`metronomes` of the kind `Metronome` (nimdsl.kinds) is taken by the kind `Bell`" in done.stderr


def test_a_journal_is_refused_with_the_kind_whose_package_is_gone(beside: Beside, tmp_path: Path) -> None:
    done = beside().do("simulate", "rehearsal", "--specs", ORCHESTRA, "--out", "out")
    assert done.returncode == 0, done.stderr
    for verb in ("replay", "compare"):
        done = Shell(tmp_path / "nowhere", tmp_path).do(verb, "out/journal.sqlite")
        assert done.returncode == 2
        assert "a package that the run had is not installed: " in done.stderr
        assert "unknown kind 'Metronome': install the one that brings this kind" in done.stderr


BUGS = [
    ("kind", "every_ns = reader.duration", "raise ValueError('sprung')\n    every_ns = reader.duration"),
    ("kind", "    root = State(", "    raise ValueError('sprung')\n    root = State("),
    ("behaviour", "        context = self.context\n", "        raise ValueError('sprung')\n"),
    ("behaviour", "    return dict(snapshot.data)", "    raise ValueError('sprung')"),
    (
        "presentation",
        "        self.ticks += ",
        "        raise ValueError('sprung')\n        self.ticks += ",
    ),
    ("presentation", "    for actor, counter in", "    int('sprung')\n    for actor, counter in"),
]


@pytest.mark.parametrize("bug", BUGS, ids=range(len(BUGS)))
def test_the_bug_of_a_package_is_its_own(beside: Beside, bug: Change) -> None:
    shell = beside(bug)
    done = shell.do("simulate", "rehearsal", "--specs", ORCHESTRA)
    assert done.returncode == 70, done.stderr
    path = shell.site / "metronome" / f"{bug[0]}.py"
    said = done.stderr.splitlines()[-1]
    assert said.startswith("this is a bug in nimdsl-metronome: ValueError: ")
    assert "sprung" in said
    assert f", at {path}:" in said
    line = path.read_text(encoding="utf-8").splitlines()[int(said.rpartition(":")[2]) - 1]
    assert "sprung" in line


def test_a_verb_that_cannot_be_imported_does_not_hide_the_others(beside: Beside) -> None:
    shell = beside()
    shell.register("nimdsl.commands", "conduct", "metronome.baton:command")
    shell.register("nimdsl.commands", "wave", ":::")
    assert shell.do("--help").returncode == 0
    done = shell.do("conduct")
    assert done.returncode == 2
    assert "`conduct` (nimdsl.commands) of the package `nimdsl-metronome` cannot be loaded" in done.stderr
    assert "names no object" in shell.do("wave").stderr


HURRIED = "    period_ns: int"
RECORDS = "records=(Ticked, Hurried)"


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('tag="hurry"', 'tag="beat"', "Hurried cannot be taken: there is another record `beat`"),
        (', tag="hurry"', "", "Hurried cannot be taken: it has no tag of its own"),
        (
            HURRIED,
            f"{HURRIED} = 300",
            "the default of `period_ns` would be written by chance: leave it out",
        ),
        (HURRIED, f"{HURRIED}\n    actor: str = ''", "`actor` is what every record has: call the field"),
        (HURRIED, f"{HURRIED}\n    marks: set[str] = None", "`marks` holds a set, which is in no order"),
        (HURRIED, f"{HURRIED}\n    marks: dict[int, int] = {{}}", "`marks` holds a mapping whose keys"),
        (RECORDS, "records=None", "`records` of `metronome` (nimdsl.behaviours) is `None`: write a tuple"),
        (RECORDS, "records=(Ticked, Ignored)", "`records` of `metronome` (nimdsl.behaviours) is `("),
        (RECORDS, "records=(Ticked,)", "Hurried cannot be taken: no behaviour says that it leaves it"),
    ],
)
@pytest.mark.parametrize("verb", ["simulate", pytest.param("run", marks=pytest.mark.slow)])
def test_records_that_could_not_be_read_again_are_not_written(
    beside: Beside, verb: str, old: str, new: str, why: str
) -> None:
    shell = beside(("behaviour", old, new))
    garden = ("--garden", "here") if verb == "run" else ()
    done = shell.do(verb, "rehearsal", "--specs", ORCHESTRA, *garden, "--out", "out")
    assert done.returncode == 2, done.stderr
    assert why in done.stderr
    assert not list(shell.folder.glob("out/*"))
