"""A nerve in a garden: it acts on an opening, pays by its stage, and tells the gate what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import nimdsl
import simulate
from gardens.report.result.result import RunResult
from nimdsl.base.units import MICRO
from runtime import records
from runtime.kernel import beat
from runtime.kernel.gate import GateStep
from runtime.run.host import Checks
from tests.support.texts import document

TEXT = (Path(__file__).parents[1] / "support/creature.yaml").read_text(encoding="utf-8")


def go(text: str = TEXT, **changes: Any) -> RunResult:
    """A run."""
    return simulate.run(
        nimdsl.load_text(text), "s", set={PATHS[name]: one for name, one in changes.items()}
    )


def proven(text: str = TEXT, **changes: Any) -> RunResult:
    """A run that replays, whose decisions are those of another run, and that goes through bytes."""
    program = nimdsl.load_text(text)
    set_ = {PATHS[name]: value for name, value in changes.items()}
    result = simulate.run(program, "s", set=set_)
    checked = simulate.Options(checks=Checks(round_trip=True, restore=True))
    simulate.run(program, "s", set={**set_, "scenario/s.horizon": "3500ms"}, options=checked)
    assert simulate.replay(result).identical
    assert simulate.compare(result, replications=1).ok(strict=True)
    return result


PATHS = {"weight": "gate/collision.weight.start", "opening": "economy/body.opening"}


def nerve(result: RunResult) -> Any:
    return result.outcome["nerves"]["avoid"]


def bodies(result: RunResult, kind: type[Any], actor: str = "nerve/avoid") -> list[Any]:
    return [one.body for one in result.records() if one.actor == actor and isinstance(one.body, kind)]


def test_a_reflex_answers_at_once_and_costs_the_path_alone() -> None:
    result = proven(weight="82%")
    assert nerve(result)["spent"] == 2_500_000
    assert nerve(result)["answered"] < 200_000_000
    assert result.outcome["gates"]["collision"]["openings"] == 1
    assert nerve(result)["late"] == len(bodies(result, records.CameLate)) == 1, "a reflex has 10 ms"


@pytest.mark.parametrize(("percent", "overhead"), [(10, 5), (30, 1), (60, 1), (80, 1), (81, 0)])
def test_what_it_costs_hangs_on_how_much_the_gate_has_learnt(percent: int, overhead: int) -> None:
    assert nerve(go(weight=f"{percent}%"))["spent"] == 2_500_000 + overhead * MICRO


def test_deliberating_has_the_command_written_by_the_translator() -> None:
    for percent, count in ((10, 1), (50, 0)):
        begun = [one.work for one in bodies(go(weight=f"{percent}%"), records.WorkStarted)]
        assert begun.count("translate") == count
        assert begun.count("turn") == 1


def test_telling_attention_again_decides_nothing_where_nothing_is_lost() -> None:
    def lived() -> RunResult:
        return simulate.run(nimdsl.load_text(TEXT.replace("horizon: 8s", "horizon: 100s")), "s")

    again = lived()
    told = [one for one in again.records() if isinstance(one.body, records.Arrived) and one.body.gate]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(GateStep, "_arm_again", lambda _: None)
        patch.setattr(beat, "UNHEARD_BEATS", 1_000)
        assert lived().summary["decision_sha256"] == again.summary["decision_sha256"]
    assert len(told) == 4, "one in each beat"
    assert simulate.replay(again).identical
    assert simulate.compare(again, replications=1).ok(strict=True)


class Liar:
    """A translator that writes another payload, so many times."""

    def __init__(self, lies: int) -> None:
        self.left = lies
        self.hints: list[str] = []

    def translate(self, intent: Any) -> str:
        self.hints.append(intent["hint"])
        self.left -= 1
        side = {"left": "right", "right": "left"}[intent["payload"]["side"]] if self.left >= 0 else ""
        said = side or intent["payload"]["side"]
        return f'{{"$schema": "turn", "type": "TURN", "payload": {{"side": "{said}"}}}}'


def test_a_translator_cannot_say_something_else() -> None:
    program = nimdsl.load_text(TEXT)
    once, ever = Liar(1), Liar(9)
    honest = simulate.run(program, "s", options=simulate.Options(translator=once))
    assert nerve(honest)["commands"] == 1
    assert once.hints == ["", "the payload is not the one that was asked for"]
    lied = simulate.run(program, "s", options=simulate.Options(translator=ever))
    assert (nerve(lied)["commands"], nerve(lied)["failed"]) == (0, nerve(lied)["granted"])
    assert len(ever.hints) == 3 * nerve(lied)["granted"]


def test_the_way_free_confirms_and_the_gate_learns() -> None:
    result = go(TEXT.replace("until: 10min", "until: 3s"))
    assert nerve(result)["confirmed"] == 1
    assert result.outcome["gates"]["collision"]["weight"] == 120_000


def test_a_reflex_that_is_earned_is_rewarded() -> None:
    learning = TEXT.replace("until: 10min", "until: 3s")
    for start, paid in (("79%", 50.0), ("81%", 0.0)):
        weight = f"weight: {{start: {start}, earn: 1, confirmed: 5%, reward: 50}}"
        result = proven(learning.replace("weight: {start: 10%}", weight))
        assert result.outcome["gates"]["collision"]["tier"] == 0
        given = -result.ledger.balances.get("reward:gate/collision", 0.0)
        assert given == paid, "who begins as a reflex has not earned it"


def test_no_way_free_is_as_far_off_as_the_document_says() -> None:
    result = proven()
    judged = bodies(result, records.OutcomeJudged)
    assert [(one.outcome, one.discrepancy) for one in judged] == [("partial", 600_000)]


def test_a_wall_at_the_nose_has_failed() -> None:
    result = go(TEXT.replace("near: 20.0", "near: 0.5"))
    assert nerve(result)["failed"] == 1
    assert result.outcome["gates"]["collision"]["weight"] == 80_000


def test_without_front_it_does_nothing_and_says_so() -> None:
    slow = TEXT.replace("every: 100ms", "every: \"${side == 'front' ? 30s : 100ms}\"")
    slow = slow.replace("if: wave.content.cm < 50.0", "if: wave.content.cm < 150.0")
    result = go(slow)
    (health,) = bodies(result, records.HealthChanged)
    assert (health.absent, health.disabled) == (("front",), True)
    assert nerve(result)["commands"] == 0


def test_a_motor_that_declines_has_failed() -> None:
    busy = TEXT.replace('if: state == "idle", do', 'if: state == "turning", do')
    result = go(busy)
    assert nerve(result)["failed"] == nerve(result)["granted"] > 0
    assert nerve(result)["commands"] == 0


def test_what_cannot_be_paid_has_failed() -> None:
    result = go(opening=5.9)
    outcomes = [one.outcome for one in bodies(result, records.OutcomeJudged)]
    assert outcomes[0] == "failed"
    assert bodies(result, records.Refused)


def test_only_a_reflex_takes_what_is_kept_for_emergencies() -> None:
    poor = TEXT.replace("spec: {opening: 300}", "spec: {opening: 21, emergency: 20}")
    reflex = proven(poor, weight="82%")
    assert nerve(reflex)["spent"] == 2_500_000
    assert reflex.outcome["lifeforce"]["final"] < 20 * MICRO
    thinking = go(poor, weight="50%")
    assert nerve(thinking)["spent"] <= MICRO
    assert thinking.outcome["lifeforce"]["final"] >= 20 * MICRO


def test_a_reward_that_the_economy_does_not_have_is_told_before() -> None:
    way = "event.content.cm > 50.0, to: idle"
    asks = TEXT.replace(way, f"{way}, do: [{{reward: {{name: bread}}}}]")
    other = document("Economy", "other", "{opening: 1, rewards: {bread: 1}}")
    found = nimdsl.check_text(f"{asks}\n---\n{other}").diagnostics
    assert [one.code for one in found] == ["NIM0301"]


def test_a_command_that_nobody_answers_fails_and_the_motor_is_missed() -> None:
    deaf = TEXT.replace('if: state == "idle", do', 'if: state == "turning", do')
    deaf = "\n".join(line for line in deaf.splitlines() if "    busy: {request" not in line)
    result = proven(deaf)
    asked = bodies(result, records.Asked)
    assert len(asked) == 2, "a nerve that deliberates tries twice"
    assert bodies(result, records.HealthChanged)[0].absent == ("cell/motor",)
    assert nerve(result)["failed"] == 1
    assert len(bodies(go(deaf, weight="82%"), records.Asked)) == 1, "a reflex tries once"
