"""``nimdsl simulate`` as a user meets it: exit codes, outputs, mistakes."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

import nimdsl
from gardens.report.terminal.text import _print_phases
from gardens.stores.sqlite import SqliteJournal
from nimdsl.base import canonical
from nimdsl.loading import rebuilt
from runtime.run.run import ORIGIN
from simulate import run
from tests.gardens.report.starving import STARVING
from tests.support.patience import finished
from tests.support.texts import HELLO, cell


def simulate(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nimdsl", "simulate", *arguments]
    return finished(command, cwd=cwd)


@pytest.fixture
def hello(tmp_path: Path) -> str:
    path = tmp_path / "hello.yaml"
    path.write_text(HELLO, encoding="utf-8")
    return str(path)


def test_without_a_name_the_spark_of_the_shipped_specs_runs(tmp_path: Path) -> None:
    done = simulate("--format", "json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["scenario"] == "spark"
    assert summary["lifeforce"]["final"] == 388.2


def test_the_text_names_phases_totals_criteria_and_expectations(hello: str) -> None:
    done = simulate("--specs", hello)
    assert done.returncode == 0
    for part in ("meet", "total", "both were met", "expectations 2 of 2 hold", "10.0 → 12.4 LF"):
        assert part in done.stdout
    assert "\x1b" not in done.stdout, "no colours in a pipe"


def test_a_failed_expectation_is_exit_1_and_shows_its_values(hello: str) -> None:
    done = simulate("--specs", hello, "--set", "economy/purse.rewards.met=1")
    assert done.returncode == 1
    assert "✗ lifeforce.final == 12.4LF" in done.stdout
    assert "lifeforce.final = 10.4 LF" in done.stdout


def test_a_run_without_expectations_that_does_not_complete_is_exit_1(tmp_path: Path) -> None:
    path = tmp_path / "hello.yaml"
    path.write_text(HELLO.partition(", expect:")[0] + "}\n", encoding="utf-8")
    assert simulate("--specs", str(path)).returncode == 0
    assert (
        simulate("--specs", str(path), "--set", "cell/greeter.work.recall.virtual.nack=100%").returncode
        == 1
    )


def test_out_holds_the_journal_and_the_records(hello: str, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    assert simulate("--specs", hello, "--out", str(out), "--format", "json").returncode == 0
    assert sorted(path.name for path in out.iterdir()) == [
        "journal.sqlite",
        "records.jsonl",
        "summary.json",
    ]
    summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    with SqliteJournal(out / "journal.sqlite", read_only=True) as journal:
        origin = journal.meta(ORIGIN)
        assert isinstance(origin, dict)
        assert origin["program_sha256"] == summary["program_sha256"]
        assert rebuilt(origin).sha256 == summary["program_sha256"]
        assert set(journal.actors()) == {"cell/greeter", "economy", "protocol/hello"}
    lines = (out / "records.jsonl").read_bytes().splitlines()
    assert all(canonical.encode(canonical.decode(line)) == line for line in lines)
    assert simulate("--specs", hello, "--out", str(out)).returncode == 0, "a second run replaces the first"


def test_an_out_that_cannot_be_written_is_exit_2(hello: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = simulate("--specs", hello, "--out", str(tmp_path / "file" / "out"))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "cannot write" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sparkk"], "did you mean `spark`?"),
        (["--set", "economy/lifeforce.openning=3"], "openning"),
        (["--set", "economy/lifforce.opening=3"], "did you mean `economy/lifeforce.opening`?"),
        (["--set", "nonsense"], "kind/name.field.path=value"),
        (["--set", "economy/lifeforce.opening=lots"], "lifeforce"),
        (["--specs", "no-such-folder"], "no-such-folder"),
    ],
)
def test_mistakes_get_one_clear_error(arguments: list[str], message: str, tmp_path: Path) -> None:
    done = simulate(*arguments, cwd=tmp_path)
    assert done.returncode == 1
    assert message in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_verbose_shows_each_handshake(hello: str) -> None:
    done = simulate("--specs", hello, "--verbose")
    assert "✓ meet         meet ann" in done.stdout
    json_done = simulate("--specs", hello, "--verbose", "--format", "json")
    json.loads(json_done.stdout)
    assert "meet ann" in json_done.stderr


@pytest.fixture
def starving(tmp_path: Path) -> str:
    path = tmp_path / "starving.yaml"
    path.write_text(STARVING, encoding="utf-8")
    return str(path)


def test_one_who_starves_is_said_to_in_text_and_page(starving: str, tmp_path: Path) -> None:
    done = simulate("--specs", starving, "--report", str(tmp_path / "x.html"))
    assert done.returncode == 0
    for part in (
        "1 refused, starves",
        "75 prices refused, the first at 20.1 s; starved since 20.1 s: no price was paid any more",
        "upkeep: rent 4 LF, unpaid 36 LF",
        "lifeforce 10.0 → 1.0 LF · λ 0.00 (last 10 s) · reserve 10 s · starved since 20.1 s\n",
    ):
        assert part in done.stdout
    alarm = next(line.split() for line in done.stdout.splitlines() if line.startswith(" alarm"))
    assert alarm[5:8] == ["4", "1", "3"], "arrived, done, never started"
    assert "✗ starved since 20.1 s" in (tmp_path / "x.html").read_text(encoding="utf-8")


def test_verbose_tells_what_an_attention_does(starving: str) -> None:
    done = simulate("--specs", starving, "--verbose")
    for part in (
        "     2.000 s    alarm        noise arrives, takes 1 s",
        "     2.000 s    look         baseline has the time from 0.100 to 2.000: preempted",
        "    10.000 s  beat 0 ends",
        "    20.100 s  ✗ look         is refused 2.0 LF: the pool has 2.99 LF, its floor included",
        "    20.100 s    mode         settle → idle",
    ):
        assert part in done.stdout


def test_lambda_says_of_which_time_it_is_when_it_is_not_all_of_it(hello: str, starving: str) -> None:
    assert simulate("--specs", hello).stdout.rstrip().endswith("λ 2.50")
    fed = simulate("--specs", starving, "--set", "economy/purse.opening=1000")
    assert fed.stdout.rstrip().endswith("λ 0.00 (last 10 s) · reserve 1 h 12 min")


@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_no_figure_of_the_phases_is_cut_at_any_width(width: int, hello: str) -> None:
    result = run(nimdsl.load(hello), "hello")
    file = io.StringIO()
    _print_phases(Console(file=file, width=width, highlight=False), result)
    text = file.getvalue()
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    assert [line.split()[0] for line in text.splitlines()[2:6] if line.strip()][-2:] == ["meet", "total"]


def test_set_and_seed_are_the_library_s(hello: str) -> None:
    done = simulate("--specs", hello, "--seed", "9", "--set", "garden/g.bus.loss=20%", "--format", "json")
    assert json.loads(done.stdout)["seed"] == 9


@pytest.mark.slow
def test_the_wheel_simulates_without_the_checkout(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(tmp_path), str(root)]
    assert finished(build).returncode == 0
    (wheel,) = tmp_path.glob("nimdsl-*.whl")
    site = tmp_path / "site"
    install = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--target",
        str(site),
        str(wheel),
    ]
    assert finished(install).returncode == 0
    for package in ("nimdsl", "runtime", "gardens", "simulate"):
        assert (site / package / "py.typed").is_file()
    empty = tmp_path / "empty"
    empty.mkdir()
    # -S -E: nothing of this environment's editable install; its other packages come by path.
    packages = [path for path in sys.path if path.endswith("site-packages")]
    code = (
        f"import sys; sys.path[:0] = {[str(site), *packages]!r}; from nimdsl.commands import main; main()"
    )
    done = finished(
        [sys.executable, "-S", "-c", code, "simulate", "--format", "json"],
        cwd=empty,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["lifeforce"]["final"] == 388.2


def test_a_path_is_taken_for_its_documents(hello: str) -> None:
    done = simulate(hello, "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["scenario"] == "hello"


def test_a_path_beside_specs_is_told(hello: str) -> None:
    done = simulate(hello, "--specs", hello)
    assert done.returncode == 1
    assert f"write `--specs {hello}`" in done.stderr


def test_the_documents_of_a_folder_are_taken_and_said(hello: str) -> None:
    done = simulate("--format", "json", cwd=Path(hello).parent)
    assert (done.returncode, done.stderr) == (0, "documents of ./\n")
    assert json.loads(done.stdout)["scenario"] == "hello"


def test_events_that_nobody_took_and_faults_are_shown(tmp_path: Path) -> None:
    machine = """
    initial: a
    states:
      a: {transitions: [{event: push, if: event.x > 1, to: a}]}"""
    stimuli = "  stimuli: [{at: 1s, every: 1s, times: 3, to: c, event: push, payload: {x: 1}}]\n"
    path = tmp_path / "one.yaml"
    path.write_text(cell(machine, "  accepts: {push: {x: int}}\n", scenario=stimuli), encoding="utf-8")
    done = simulate("--specs", str(path))
    assert "ignored c: `push` in `a` 3 times" in done.stdout


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("cell/greeter.work.recall.virtual.latency", '{"normal": {"mean": "1ms", "deviation": "0s"}}'),
        ("cell/greeter.work.recall.virtual.latency", '{"exponential": {"mean": "0s"}}'),
        ("cell/greeter.work.recall.virtual.latency", '{"constant": {}}'),
        ("cell/greeter.work.recall.virtual.latency", '{"constant": ["1s"]}'),
        ("cell/greeter.work.recall.virtual.latency", '{"normal": {"mean": "1ms", "deviation": null}}'),
        ("garden/g.bus.latency", '{"lognormal": {"median": "0s", "p95": "1s"}}'),
        ("economy/purse.window", "0s"),
    ],
)
def test_numbers_that_describe_nothing_are_a_mistake_not_a_bug(hello: str, path: str, value: str) -> None:
    done = simulate("--specs", hello, "--set", f"{path}={value}")
    assert done.returncode == 1, done.stderr
    assert "NIM0" in done.stderr
