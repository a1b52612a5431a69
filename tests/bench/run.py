"""``make bench``: what things cost, each beside a baseline in the same run.

Measurements of a pair are interleaved (A B A B ...), and the ratio is that of
the medians, so that a machine that slows down slows both.  Nothing here is
asserted: speed is measured, never tested.
"""

from __future__ import annotations

import gc
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import simpy
import yaml

import nimdsl
from gardens.virtual.driver import Driver, Options
from nimdsl.expression.syntax import parse
from nimdsl.expression.template import parse_template
from nimdsl.loading import with_overrides
from runtime.chance.models import Draws
from runtime.chance.stimuli import stimuli_of
from runtime.kernel.interpreters import PlainInterpreter
from runtime.records import Record
from runtime.run.run import Run
from simulate import Result, run
from tests.bench import by_hand
from tests.bench.handshakes import bench_handshakes

ROUNDS = 9
LINES = 10_000

CELL = """\
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {{name: sensor-{n}}}
spec:
  description: Distance sensor number {n}.
  domain: distance
  data: {{cm: real, quality: real, misses: int}}
  accepts: {{poll: {{}}, reset: {{}}}}
  machine:
    initial: idle
    states:
      idle:
        transitions:
          - {{event: poll, to: measuring, cost: 0.{n}}}
      measuring:
        enter:
          - {{work: measure}}
        transitions:
          - event: measured
            if: event.noise < 0.{n} && event.cm > {n}.5
            to: emitting
            do: [{{set: {{cm: "${{event.cm}}", quality: "${{1.0 - event.noise}}"}}}}]
          - {{event: measured, to: idle}}
          - {{event: failed, to: broken, do: [{{set: {{misses: "${{misses + {n}}}"}}}}]}}
        timers:
          - {{after: 2s, to: broken}}
      emitting:
        enter:
          - {{emit: {{confidence: "${{quality}}", content: {{cm: "${{cm}}", number: {n}}}}}}}
          - {{raise: sent}}
        transitions:
          - {{event: sent, to: idle}}
      broken:
        transitions:
          - {{event: reset, if: misses < {n}, to: idle}}
  work:
    measure:
      done: measured
      returns: {{cm: real, noise: real}}
      virtual:
        latency: {{lognormal: {{median: 20ms, p95: 60ms}}}}
        failure: 1%
        returns: {{cm: {{uniform: [5, 200]}}, noise: {{beta: [2, 18]}}}}
"""


def timed(act: Callable[[], object]) -> float:
    gc.collect()  # what the one before left is not this one's to look at
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def pair(
    title: str, unit: str, ours: Callable[[], object], name: str, baseline: Callable[[], object]
) -> None:
    """Prints both medians in milliseconds and their ratio."""
    ours()
    baseline()
    measured = [(timed(ours), timed(baseline)) for _ in range(ROUNDS)]
    first, second = (statistics.median(column) * 1_000 for column in zip(*measured, strict=True))
    print(f"{title:<44} {first:>9.1f} ms {unit:<22} {name}: {second:.1f} ms, ratio {first / second:.2f}")


def documents(lines: int) -> str:
    """At least ``lines`` lines of cells, no two alike."""
    count = -(-lines // (CELL.count("\n") + 1))
    economy = "apiVersion: nimdsl.dev/v1\nkind: Economy\nmetadata: {name: purse}\nspec: {opening: 10}\n"
    return economy + "".join("---\n" + CELL.format(n=number) for number in range(1, count + 1))


def bench_validate() -> None:
    text = documents(LINES)
    report = nimdsl.check_text(text)
    assert not report.diagnostics, report.diagnostics[0]
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    size = f"({text.count(chr(10)):,} lines)"

    def afresh() -> object:
        parse.cache_clear()
        parse_template.cache_clear()
        return nimdsl.check_text(text)

    pair(
        "validate, modules loaded, no expression known",
        size,
        afresh,
        "PyYAML's safe load",
        lambda: list(yaml.load_all(text, Loader=loader)),
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "all.yaml"
        path.write_text(text, encoding="utf-8")
        load = f"import yaml; list(yaml.load_all(open({str(path)!r}), Loader=yaml.{loader.__name__}))"
        pair(
            "validate, a whole process",
            size,
            lambda: subprocess.run(
                [sys.executable, "-m", "nimdsl", "validate", str(path)], capture_output=True
            ),
            "python and PyYAML",
            lambda: subprocess.run([sys.executable, "-c", load], capture_output=True),
        )


def bench_help() -> None:
    pair(
        "nimdsl --help, a whole process",
        "",
        lambda: subprocess.run([sys.executable, "-m", "nimdsl", "--help"], capture_output=True),
        "python -c pass",
        lambda: subprocess.run([sys.executable, "-c", "pass"], capture_output=True),
    )


def bench_simulate() -> None:
    program = nimdsl.load()
    result = run(program, "spark")
    events = sum(1 for actor in result.journal.actors() for _ in result.journal.read(actor))

    def bare() -> None:
        environment = simpy.Environment()
        for number in range(events):
            environment.timeout(number)
        environment.run()

    size = f"({events} journal lines)"
    pair("simulate the spark", size, lambda: run(program, "spark"), "as many bare SimPy timeouts", bare)
    plain = Options(interpreter=PlainInterpreter)
    pair(
        "simulate the spark on `transitions`",
        size,
        lambda: run(program, "spark"),
        "on the plain table",
        lambda: run(program, "spark", options=plain),
    )


def bench_beats() -> None:
    """The engine, without hashes (SEMANTICS 8.1), beside scripts for this one model.

    Both keep their records in a list, and neither a journal.
    """
    horizon = "2h"
    program = with_overrides(nimdsl.load(), {"scenario/busy-hour.horizon": horizon})
    scenario = program.scenarios["busy-hour"]
    levels = {name: number for number, name in enumerate(by_hand.NAMES)}
    arrivals: Any = [
        (at_ns, levels[str(arrival.payload["level"])], arrival.payload["takes"])
        for at_ns, _, arrival in stimuli_of(scenario, Draws(scenario.seed))
        if at_ns < scenario.horizon_ns
    ]

    def ours() -> Run:
        records: list[Record] = []
        return Driver(program, scenario, Options(keep=False, observe=records.append)).run()

    def script(model: type[by_hand.Flat]) -> by_hand.Flat:
        return model(arrivals, scenario.horizon_ns + 1)

    sums = run(program, "busy-hour").outcome["attention"]["levels"]
    beats = scenario.horizon_ns // by_hand.BEAT
    for model, name in ((by_hand.Nested, "nested modes"), (by_hand.Flat, "flat modes")):
        same = [sums[level]["spent"] for level in by_hand.NAMES[1:]] == script(model).sums[1:]
        assert same, "not the same model"
        title = f"{beats} beats of the busy hour"
        pair(title, "", ours, f"simpy and transitions by hand, {name}", partial(script, model))
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "nimdsl", "simulate", "busy-hour", "--out", f"{folder}/day"]
        command += ["--set", "scenario/busy-hour.horizon=24h", "--set", "scenario/busy-hour.expect=[]"]
        seconds = timed(lambda: subprocess.run(command, capture_output=True, check=True))
        print(f"a day of 2,880 such beats, a whole process with its journal: {seconds:.1f} s")


def bench_creature() -> None:
    """An hour of the creature in a storm beside the busy hour: as many beats, with what each kind does."""
    shipped, options = nimdsl.load(), Options(keep=False)

    def hour(name: str) -> Callable[[], Result]:
        return lambda: run(shipped, name, options=options, set={f"scenario/{name}.horizon": "1h"})

    creature, busy = hour("creature-storm"), hour("busy-hour")
    count = sum(host.record_count for host in creature().run.hosts.values())
    title = f"120 beats of a creature, {count // 120} records each"
    pair(title, "", creature, "120 beats of the busy hour", busy)


def main() -> None:
    print(f"medians of {ROUNDS} interleaved rounds, Python {sys.version.split()[0]}")
    bench_validate()
    bench_help()
    bench_simulate()
    bench_beats()
    bench_creature()
    bench_handshakes()


if __name__ == "__main__":
    main()
