"""Work that the model of a document stands in for, and work from end to end (SEMANTICS 7)."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import nimdsl
from gardens.real.process.work_runner import driver_of
from gardens.real.supervisor.garden import GardenSupervisor
from gardens.real.supervisor.launchers import ProcessLauncher, TaskLauncher
from nimdsl.base.canonical import Plain
from nimdsl.compile.garden import PERFECT_GARDEN
from nimdsl.expression.types import DURATION, REAL
from nimdsl.program import Distribution, Garden, Program, Work, WorkModel
from runtime.chance.models import Draws, WorkModels
from simulate import run as simulated
from tests.support.gardens import live, local
from tests.support.nats import NatsServer
from tests.support.patience import finished, growth_of, until
from tests.support.working import ACTOR, OUTCOMES, SEED, Place, at


def drawn(text: str) -> tuple[Program, Work]:
    program = nimdsl.load_text(text)
    return program, program.cells["c"].works["look"]


MODEL = """
apiVersion: nimdsl.dev/v1
kind: Garden
metadata: {name: g}
spec:
  inventory: {pods: {columns: {name: string}, rows: [{name: a}, {name: b}]}}
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: c}
spec:
  data: {left: int, seen: list<real>, problems: list<string>}
  machine:
    initial: working
    states:
      working:
        enter: [{work: look}]
        transitions:
          - event: done
            to: resting
            do: [{set: {seen: "${seen + [event.share]}"}}]
          - event: failed
            to: resting
            do: [{set: {problems: "${problems + [event.reason]}"}}]
      resting:
        timers:
          - {after: 10ms, to: working, if: size(seen) + size(problems) < 12}
          - {after: 20ms, to: over}
      over: {final: true}
  work:
    look:
      args: {index: "${size(seen)}"}
      returns: {share: real, text: string, count: int}
      virtual:
        latency: {uniform: [1ms, 20ms]}
        failure: 30%
        returns:
          share: {beta: [2, 3]}
          text: {constant: "look ${args.index}"}
          count: {constant: "${size(inventory.pods)}"}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: s}
spec: {garden: g, horizon: 60s}
"""

EVENTFUL = WorkModel(
    Distribution("uniform", (1, 1_000_000), DURATION),
    failure=200_000,
    nack=200_000,
    retry=200_000,
    crash=500_000,
    returns={"share": Distribution("beta", (2.0, 3.0), REAL)},
)


def test_the_document_answers_at_once_with_what_the_model_returns(server: NatsServer) -> None:
    program, look = drawn(MODEL)
    document = replace(look, real={"document": True})

    async def scenario(here: Place) -> None:
        for number in range(1, 20):
            wanted = WorkModels(Draws(SEED), program.gardens["g"]).values(ACTOR, look, number, {"index": 4})
            came = await here.done(document, {"index": 4})
            assert came == {"outcome": "done", "values": wanted, "reason": ""}, "no failure, no latency"
        assert wanted["text"] == "look 4"
        assert wanted["count"] == 2

    at(server, scenario, after=never, inventory=program.gardens["g"].inventory)


def never(delay_ns: int, act: Callable[[], None]) -> Callable[[], None]:
    raise AssertionError("nobody waits here")


def test_a_document_whose_model_faults_has_failed(server: NatsServer) -> None:
    _, look = drawn(MODEL)

    async def scenario(here: Place) -> None:
        came = await here.done(replace(look, real={"document": True}), {})
        assert came["outcome"] == "failed"

    at(server, scenario)


@pytest.mark.parametrize("real", [{}, {"service": "models.add"}])
def test_a_stand_in_behaves_as_the_model_that_the_virtual_garden_has(
    server: NatsServer, real: dict[str, Plain]
) -> None:
    """The same outcome, values, reason and latency for the same number; but it does not crash."""
    work = Work("work", {"share": REAL}, OUTCOMES, virtual=EVENTFUL, real=real)
    delays: list[int] = []

    def after(delay_ns: int, act: Callable[[], None]) -> Callable[[], None]:
        delays.append(delay_ns)
        return asyncio.get_running_loop().call_soon(act).cancel

    async def scenario(here: Place) -> None:
        seen = set()
        for number in range(1, 101):
            virtual = replace(work, virtual=replace(EVENTFUL, crash=0))
            wanted = WorkModels(Draws(SEED), PERFECT_GARDEN).outcome(ACTOR, virtual, number, {}, 0)
            came = await here.done(work)
            assert came == {"outcome": wanted.outcome, "values": wanted.values, "reason": wanted.reason}
            assert delays.pop() == wanted.latency_ns
            seen.add(wanted.outcome)
        assert seen == {"done", "failed", "nack", "retry"}

    at(server, scenario, after=after, stand_ins=("models.add",))


def test_a_model_that_cannot_be_drawn_from_has_failed(server: NatsServer) -> None:
    impossible = WorkModel(Distribution("beta", (-1.0, 3.0), REAL))

    async def scenario(here: Place) -> None:
        came = await here.done(Work("work", {}, OUTCOMES, virtual=impossible))
        assert came["outcome"] == "failed"

    at(server, scenario)


def test_a_stand_in_that_is_cancelled_comes_back_no_more(server: NatsServer) -> None:
    waits: list[Callable[[], None]] = []

    def after(delay_ns: int, act: Callable[[], None]) -> Callable[[], None]:
        waits.append(act)
        return lambda: waits.remove(act)

    async def scenario(here: Place) -> None:
        here.works.cancel(ACTOR, here.start(Work("work", {}, OUTCOMES)))
        assert waits == []
        await here.nothing_more()

    at(server, scenario, after=after)


def test_who_does_it() -> None:
    def who(real: dict[str, Plain]) -> str:
        return driver_of(Work("work", {}, OUTCOMES, real=real), frozenset({"here.not"}))

    assert who({"python": "a:b"}) == "python"
    assert who({"service": "here"}) == "service"
    assert who({"service": "here.not"}) == "model"
    assert who({"document": True}) == "document"
    assert who({"document": False}) == "model"
    assert who({}) == "model"


def test_both_gardens_draw_the_same(server: NatsServer, tmp_path: Path) -> None:
    """SEMANTICS 7: the model stands in with the values of the virtual garden, by actor and number."""
    program, _ = drawn(MODEL)
    virtual = simulated(program, "s", seed=SEED).outcome["cells"]["c"]
    lived = asyncio.run(live(program, "s", local(4.0), tmp_path, url=server.url, seed=SEED))
    real = lived.result.outcome["cells"]["c"]
    assert (real["state"], real["data"]) == (virtual["state"], virtual["data"])
    assert virtual["state"] == "over"
    assert virtual["data"]["seen"]
    assert virtual["data"]["problems"]


CRASHING = """
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: c}
spec:
  data: {value: int, problem: string}
  machine:
    initial: working
    states:
      working:
        enter: [{work: look}]
        transitions:
          - {event: done, to: over, do: [{set: {value: "${event.value}"}}]}
          - {event: failed, to: over, do: [{set: {problem: "${event.reason}"}}]}
      over: {final: true}
  work:
    look:
      repeat: idempotent
      returns: {value: int}
      real: {python: "callables:once"}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: s}
spec: {horizon: 20s}
"""


@pytest.mark.slow
@pytest.mark.parametrize("repeat", ["idempotent", "at-most-once"])
def test_a_crash_does_idempotent_work_again_and_no_other(
    server: NatsServer, callables: Any, tmp_path: Path, repeat: str
) -> None:
    failed = next(line for line in CRASHING.splitlines(keepends=True) if "event: failed" in line)
    unknown = failed.replace("failed", "unknown") if repeat == "at-most-once" else ""
    text = CRASHING.replace("repeat: idempotent", f"repeat: {repeat}").replace(failed, failed + unknown)
    program = nimdsl.load_text(text)

    async def crash(living: GardenSupervisor, launcher: ProcessLauncher | TaskLauncher) -> None:
        assert isinstance(launcher, TaskLauncher)
        await until(callables.STARTED.is_set)
        await launcher.crash("cells")
        callables.FREED.set()

    garden: Garden = local(1.0)
    lived = asyncio.run(live(program, "s", garden, tmp_path, url=server.url, meanwhile=crash))
    data = lived.result.outcome["cells"]["c"]["data"]
    if repeat == "idempotent":
        assert data == {"value": 2, "problem": ""}
        assert callables.CALLS == [{}, {}]
    else:
        assert data == {"value": 0, "problem": "the actor crashed while this was under way"}
        assert callables.CALLS == [{}]


OWN = """
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: "eye-${which}"}
spec:
  for: {which: [open, shut]}
  data: {seen: string, problem: string}
  machine:
    initial: looking
    states:
      looking:
        enter: [{work: look}]
        transitions:
          - {event: done, to: over, do: [{set: {seen: "${event.what}"}}]}
          - {event: failed, to: over, do: [{set: {problem: "${event.reason}"}}]}
      over: {final: true}
  work:
    look:
      args: {which: "${which}"}
      returns: {what: string}
      real: {python: "my_cells.eye:look"}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: looking}
spec:
  horizon: 60s
  expect:
    - cells["eye-open"].data.seen == "a garden" && cells["eye-open"].data.problem == ""
    - >-
      cells["eye-shut"].data.problem == "ValueError: it is dark"
"""

EYE = '''
def look(given):
    """What an eye sees."""
    if given["which"] == "shut":
        raise ValueError("it is dark")
    return {"what": "a garden"}
'''


@pytest.mark.slow
def test_a_callable_of_a_user_is_found_beside_the_documents(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    (folder / "my_cells").mkdir(parents=True)
    (folder / "own.yaml").write_text(OWN, encoding="utf-8")
    (folder / "my_cells" / "eye.py").write_text(EYE, encoding="utf-8")
    words = [sys.executable, "-m", "nimdsl", "run", "looking", "--specs", "mine", "--format", "json"]
    done = finished(words, cwd=tmp_path, mark=lambda: growth_of(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    said = json.loads(done.stdout)
    assert [one["held"] for one in said["expectations"]] == [True, True]
    assert {name: cell["state"] for name, cell in said["cells"].items()} == {
        "eye-open": "over",
        "eye-shut": "over",
    }
