"""Organs in a garden: cells ask, models load, serve, make room, and are paid for (SEMANTICS 9)."""

from __future__ import annotations

from typing import Any

import pytest

import simulate
from gardens.report.observe.racks import RackWatch, racks_text
from gardens.report.result.result import RunResult
from gardens.report.terminal.narration import of_a_rack
from nimdsl.base.units import SECOND_NS
from runtime import records
from runtime.kernel.step_context import StepContext
from runtime.run.host import Checks
from tests.support.organs import cell, organ, world


def go(*documents: str, opening: int = 300, bus: str = "") -> RunResult:
    """A run that replays, and in which everything went through bytes."""
    program = world(*documents, opening=opening, bus=bus)
    proven = simulate.Options(checks=Checks(round_trip=True, restore=True))
    result = simulate.run(program, "s", options=proven)
    assert simulate.replay(result).identical
    assert simulate.compare(result, replications=1).ok(strict=True)
    return result


def became(result: RunResult, name: str) -> tuple[Any, Any]:
    data: Any = result.outcome["cells"][name]["data"]
    return data["answer"], data["why"]


def moves(result: RunResult) -> list[tuple[float, str, str, str]]:
    """When, which model, what it became, why."""
    return [
        (one.time_ns / SECOND_NS, one.body.organ, one.body.target, one.body.cause)
        for one in result.records()
        if isinstance(one.body, records.ModelMoved)
    ]


def ends(result: RunResult) -> list[str]:
    return [one.body.outcome for one in result.records() if isinstance(one.body, records.OrganAnswered)]


def test_a_cold_model_loads_serves_stays_and_goes() -> None:
    result = go(organ(), cell("mind"))
    assert became(result, "mind") == (42, "")
    assert moves(result) == [
        (1, "vision", "loading", "request"),
        (11, "vision", "ready", "loaded"),
        (11, "vision", "serving", "request"),
        (13, "vision", "ready", "served"),
        (73, "vision", "unloading", "idle"),
        (76, "vision", "free", "unloaded"),
    ]
    assert result.outcome["organs"]["vision"] == {
        "served": 1,
        "refused": 0,
        "loads": 1,
        "evictions": 0,
        "slices": 0,
        "version": 0,
        "resident": 75 * SECOND_NS,
    }
    told: Any = result.summary["organs"]
    assert told["vision"]["resident"] == 75.0
    spent: Any = result.outcome["lifeforce"]["spent"]
    assert spent == 1_000_000 + 2_500_000 + 75_000, "a load, a request, 75 s of being warm"


TRAIN = "train: {after: 1, slices: 2, memory: 6GB, virtual: {latency: {constant: 4s}}}"


def test_a_model_trains_when_nobody_waits_and_survives_leaving() -> None:
    keep = "hold: {keep: 1s}"
    result = go(
        organ(hold=f"{TRAIN}\n  {keep}"), organ("speech", "12GB"), cell("a"), cell("b", "14s", "speech")
    )
    assert [one for one in moves(result) if one[0] < 40 and one[1] == "vision"][4:] == [
        (13, "vision", "training", "train"),
        (17, "vision", "ready", "slice"),
        (17, "vision", "unloading", "room"),
        (20, "vision", "free", "unloaded"),
    ]
    assert became(result, "b") == (42, ""), "who waited for the room waited for one slice"
    vision = result.outcome["organs"]["vision"]
    assert (vision["slices"], vision["version"]) == (1, 0)
    later = go(
        organ(hold=f"{TRAIN}\n  {keep}"),
        organ("speech", "12GB"),
        cell("a"),
        cell("b", "14s", "speech"),
        cell("c", "60s"),
    )
    vision = later.outcome["organs"]["vision"]
    assert (vision["slices"], vision["version"]) == (2, 1), "the slice that was done stayed done"


def test_a_trained_model_answers_better() -> None:
    wise = organ(hold=TRAIN).replace("args.task == 'add' ? 42 : 7", "args.version > 0 ? 42 : 7")
    result = go(wise, cell("a"), cell("b", "60s"))
    assert (became(result, "a"), became(result, "b")) == ((7, ""), (42, ""))
    ends = [one.body for one in result.records() if isinstance(one.body, records.OrganAnswered)]
    assert [one.version for one in ends] == [0, 1]
    watch = RackWatch(result.run.hosts["rack/desk"].kernel.actor)
    for record in result.run.hosts["rack/desk"].records:
        watch.take(record)
    assert "2 served, 4 slices, vision of version 2" in next(iter(racks_text({"rack/desk": watch})))


def test_a_second_model_gets_the_room_of_one_that_is_idle() -> None:
    result = go(organ(), organ("speech", "12GB"), cell("a"), cell("b", "20s", "speech"))
    assert became(result, "b") == (42, "")
    assert (20, "vision", "unloading", "room") in moves(result)
    assert (23, "speech", "loading", "request") in moves(result)
    assert result.outcome["organs"]["vision"]["evictions"] == 1


def test_a_stream_for_one_model_lets_the_other_in_after_its_batch() -> None:
    stream = [cell(f"a{place}", f"{place + 1}s") for place in range(12)]
    result = go(
        organ(hold="hold: {batch: 2}"), organ("speech", "12GB"), *stream, cell("b", "5500ms", "speech")
    )
    served = [(at, name) for at, name, to, _ in moves(result) if to == "serving"]
    assert became(result, "b") == (42, "")
    first = next(place for place, (_, name) in enumerate(served) if name == "speech")
    assert first == 7, "five that came before it, and two that it let pass"


def test_a_higher_priority_is_served_first() -> None:
    result = go(organ(), *(cell(f"a{place}") for place in range(3)), cell("z", "2s", priority=5))
    served = [
        one.body.request.asker for one in result.records() if isinstance(one.body, records.OrganAnswered)
    ]
    assert served[0] == "cell/z"


def test_patience_covers_waiting_loading_and_serving() -> None:
    result = go(
        organ(), cell("hasty", timeout="5s"), cell("just", timeout="12s"), cell("late", timeout="13s")
    )
    assert became(result, "hasty") == (0, "timeout")
    assert became(result, "just") == (42, ""), "who finishes at that very instant has finished"
    assert became(result, "late") == (0, "timeout"), "its service is cut off"
    assert sorted(ends(result)) == ["served", "timeout", "timeout"]
    assert (13, "vision", "serving", "request") in moves(result)
    assert (14, "vision", "ready", "revoked") in moves(result), "the model is free at once"


def test_who_leaves_is_not_served() -> None:
    result = go(organ(), cell("a"), cell("queued", leaves="5s"), cell("served", "2s", leaves="12s"))
    assert sorted(ends(result)) == ["revoked", "revoked", "served"]


def test_a_full_queue_and_an_empty_purse_refuse() -> None:
    result = go(organ(hold="hold: {queue: 1}"), cell("a"), cell("b", "2s"))
    assert became(result, "b") == (0, "full")
    result = go(organ(), cell("a"), opening=0)
    assert became(result, "a") == (0, "lifeforce"), "no load is begun"
    result = go(organ(), cell("a"), opening=3)
    assert became(result, "a") == (0, "lifeforce"), "the load is paid, the request cannot be"


def test_loads_that_fail_are_tried_again_and_then_given_up() -> None:
    result = go(
        organ(failure="100%", load="cooldown: 30s,"),
        cell("a", timeout="5min"),
        cell("b", "50s"),
        cell("c", "100s"),
    )
    assert became(result, "a") == became(result, "b") == (0, "broken")
    loads = [at for at, _, to, _ in moves(result) if to == "loading"]
    assert loads == [1, 12, 24, 100, 111, 123], "after 10 s, then 1 and 2 s of waiting; after the cooldown"


def test_attempts_of_an_ask_are_requests_of_one_number() -> None:
    result = go(organ(), cell("a", timeout="8s", attempts=2))
    assert became(result, "a") == (42, "")
    assert ends(result)[-1] == "served"


@pytest.mark.parametrize(
    "fault", ["loss: 30%", "duplicate: 50%", "reorder: {chance: 30%, by: {constant: 3s}}"]
)
def test_a_bad_bus_loses_patience_and_nothing_else(fault: str) -> None:
    cells = [cell(f"a{place}", f"{place * 3 + 1}s", timeout="30s", attempts=4) for place in range(8)]
    result = go(
        organ(),
        organ("speech", "12GB"),
        *cells,
        cell("b", "9s", "speech"),
        bus=f"bus: {{latency: {{constant: 5ms}}, {fault}}},",
    )
    for place in range(8):
        answer, why = became(result, f"a{place}")
        assert answer == 42 or why == "timeout"


def test_in_a_stage_that_is_left_out_it_is_done_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a nerve's stage will decide: the organ is not asked, and nothing is paid."""
    monkeypatch.setattr(StepContext, "stage", "reflex")
    asks = cell("a").replace("task: add", "task: add, stages: [deliberate, hybrid]")
    result = simulate.run(world(organ(), asks.replace("event.answer", "1")), "s")
    assert became(result, "a") == (1, "")
    assert not ends(result)
    assert not moves(result)
    monkeypatch.setattr(StepContext, "stage", "hybrid")
    result = simulate.run(world(organ(), asks), "s")
    assert became(result, "a") == (42, "")
    spent = {one.body.cost for one in result.records() if isinstance(one.body, records.OrganAnswered)}
    assert spent == {1_500_000}, "what it costs in this stage"


def test_a_run_is_told_card_by_card() -> None:
    result = go(
        organ(), organ("speech", "12GB"), cell("a"), cell("b", "20s", "speech"), cell("c", timeout="2s")
    )
    rack = result.run.hosts["rack/desk"]
    watch = RackWatch(rack.kernel.actor)
    for record in rack.records:
        watch.take(record)
    card, refused = racks_text({rack.id: watch})
    assert "card[/] desk/left: in use" in card
    assert card.endswith("2 loads, 1 eviction, 2 served")
    assert refused.endswith("desk: 2 waited at most, 1 timeout")
    assert any("vision" in line for line in map(of_a_rack, rack.records))
