"""A kind from another package, installed beside the project: nothing of the project knows of it.

The package is tests/foreign/metronome, with its own schema, check, step, records and views.  It is
installed as users install one, and then validated, simulated, run for real, replayed and reported.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.foreign.shell import HERE, ORCHESTRA, ROOT, Shell


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    site, folder = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("folder")
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--target",
        str(site),
        str(HERE),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Shell(site, folder)


def test_no_product_file_knows_of_it() -> None:
    found = [
        path
        for package in ("nimdsl", "runtime", "gardens", "simulate", "specs")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and b"etronome" in path.read_bytes()
    ]
    assert [path for path in found if path.suffix in (".py", ".yaml", ".css", ".js", ".html")] == []


def test_without_the_package_its_kind_is_unknown(tmp_path: Path) -> None:
    done = Shell(tmp_path, tmp_path).do("validate", ORCHESTRA)
    assert done.returncode == 1
    assert "NIM0202: unknown kind 'Metronome'" in done.stderr + done.stdout


def test_it_is_validated(shell: Shell, tmp_path: Path) -> None:
    done = shell.do("validate", ORCHESTRA)
    assert done.returncode == 0, done.stderr
    assert "2 metronomes" in done.stdout
    wrong = tmp_path / "wrong.yaml"
    text = ORCHESTRA.read_text(encoding="utf-8")
    wrong.write_text(
        text.replace("every: 1s", "every: 0s").replace("ticks: 12", "tikcs: 12"), encoding="utf-8"
    )
    done = shell.do("validate", wrong)
    assert "`spec` has no field `tikcs`" in done.stdout + done.stderr
    assert "did you mean `ticks`?" in done.stdout + done.stderr
    wrong.write_text(text.replace("every: 1s", "every: 0s"), encoding="utf-8")
    done = shell.do("validate", wrong)
    assert "NIM0210: `every` must be longer than 0" in done.stdout + done.stderr, "its own check"


def test_what_it_does_not_accept_is_no_stimulus(shell: Shell, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    text = ORCHESTRA.read_text(encoding="utf-8")
    wrong.write_text(text.replace("event: faster", "event: fastre"), encoding="utf-8")
    done = shell.do("validate", wrong)
    assert "`metronome/left` does not accept the event `fastre`" in done.stdout + done.stderr


def test_expectations_on_it_are_typed(shell: Shell, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    text = ORCHESTRA.read_text(encoding="utf-8")
    wrong.write_text(text.replace("metronomes.left.period", "metronomes.left.perod"), encoding="utf-8")
    done = shell.do("validate", wrong)
    assert done.returncode == 1
    assert "perod" in done.stdout + done.stderr


def test_it_is_shown_drawn_and_explained(shell: Shell) -> None:
    assert "kind: Metronome" in shell.do("show", "metronome/left", "--specs", ORCHESTRA).stdout
    assert "ticking" in shell.do("graph", "metronome/left", "--specs", ORCHESTRA).stdout
    assert "The time between two ticks." in shell.do("explain", "metronome.every").stdout
    assert json.loads(shell.do("schema", "metronome").stdout)["title"] == "Metronome"


def test_it_is_simulated_replayed_and_reported(shell: Shell) -> None:
    done = shell.do(
        "simulate", "rehearsal", "--specs", ORCHESTRA, "--verbose", "--out", "out", "--report", "page.html"
    )
    assert done.returncode == 0, done.stderr
    assert "metronome/left hurries" in done.stdout + done.stderr
    assert "metronome/left ticked 12 times" in done.stdout
    assert "expectations 3 of 3 hold" in done.stdout
    page = (shell.folder / "page.html").read_text(encoding="utf-8")
    assert "<h2>Metronomes</h2>" in page
    assert "metronome/left: 12" in page
    records = [json.loads(line) for line in (shell.folder / "out/records.jsonl").read_text().splitlines()]
    assert {"type": "tick", "count": 12, "after_ns": 500_000_000}.items() <= records[-2].items()
    assert shell.do("replay", "out/journal.sqlite").stdout.startswith("identical: 2 actors")
    why = shell.do("seance", "out", "--actor", "left", "--record", "0")
    assert why.stdout.startswith("metronome/left, record 0, at "), why.stderr
    assert "└ the run began" in shell.do("seance", "out", "--actor", "left", "--depth", "99").stdout
    summary = json.loads((shell.folder / "out/summary.json").read_text())
    assert summary["actors"]["metronome/left"] == {"count": 12, "period": 500_000_000}


@pytest.mark.slow
def test_it_lives_for_real_and_decides_the_same(shell: Shell) -> None:
    done = shell.do("run", "rehearsal", "--specs", ORCHESTRA, "--garden", "here", "--out", "real")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "expectations 3 of 3 hold" in done.stdout
    assert shell.do("replay", "real/journal.sqlite").stdout.startswith("identical: 2 actors")
    assert "└ the run began" in shell.do("seance", "real", "--actor", "left", "--depth", "99").stdout
    compared = shell.do("compare", "real/journal.sqlite").stdout
    assert "the virtual garden does the same" in compared
    assert "decisions the same as in a fresh virtual run" in compared
