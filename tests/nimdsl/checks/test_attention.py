"""Attentions: what cannot work is found before it runs."""

from __future__ import annotations

import pytest

import nimdsl
from nimdsl.checks.attention import full_load
from nimdsl.loading import check, shipped_specs
from nimdsl.program import Beat, Level
from tests.nimdsl.checks.building import document, finds, leaves_alone, together

S = 1_000_000_000
REFLEX = "{name: reflex, reflex: true, take: {each: 50ms}, max_per_beat: 100}"
REST = "{name: virtual, take: {rest: {minimum: 3s}}, baseline: 30s}"


def attention(*levels: str, more: str = "") -> str:
    return document("Attention", f"{{levels: [{', '.join(levels)}]{more}}}")


def test_the_shortest_attention_is_one() -> None:
    leaves_alone(attention("{name: virtual, take: rest, baseline: 30s}"))
    leaves_alone(attention(REFLEX, "{name: think, take: {share: 60%, cap: 15s}, takes: 1s}", REST))


def test_six_hundred_reflexes_leave_minus_three_hundred_milliseconds() -> None:
    found = finds(
        "NIM0601", attention("{name: reflex, reflex: true, take: {each: 50ms}, max_per_beat: §600}", REST)
    )
    assert "600 items of `reflex` at 50ms leave -300ms of the 29.7s" in found.message
    assert found.fix == "lower `max_per_beat` to 594"


def test_levels_of_fixed_items_are_summed() -> None:
    nerves = "{name: nerves, take: {each: 100ms}, max_per_beat: §250}"
    found = finds("NIM0601", attention(REFLEX, nerves))
    assert "leave -300ms" in found.message
    assert found.fix == "lower `max_per_beat` to 247"


@pytest.mark.parametrize(
    "level",
    [
        "{name: think, §take: {share: 0%}}",
        "{name: think, §take: {each: 0ms}, max_per_beat: 3}",
    ],
)
def test_a_level_that_may_take_nothing_can_never_run(level: str) -> None:
    finds("NIM0602", attention(level))


def test_a_level_below_baselines_that_take_everything_can_never_run() -> None:
    watch = "{name: watch, take: all, baseline: 29.7s}"
    finds("NIM0602", attention(watch, "{name: think, §take: {share: 40%}}"))


def test_a_minimum_above_what_is_left_can_never_be_met() -> None:
    think = "{name: think, take: all, baseline: 27s}"
    virtual = "{name: virtual, take: {rest: {minimum: §3s}}, baseline: 30s}"
    found = finds("NIM0603", attention(think, virtual))
    assert found.message == (
        "`virtual` starts only with 3s, and never has more than 2.7s: "
        "the baseline of `think` takes the rest"
    )
    assert found.fix == "lower `minimum` to 2.7s at most, or the `baseline` of `think`"
    leaves_alone(attention("{name: think, take: all, baseline: 26.7s}", virtual.replace("§", "")))


def test_a_minimum_above_all_that_a_beat_has_is_no_affair_of_baselines() -> None:
    for above in ([], ["{name: think, take: all, baseline: 1s}"]):
        found = finds("NIM0603", attention(*above, "{name: virtual, take: {rest: {minimum: §40s}}}"))
        most = "28.7s" if above else "29.7s"
        assert found.fix == f"lower `minimum` to {most} at most, or make the beat longer"
        assert "baseline" not in found.message


def test_the_level_that_takes_everything_is_named() -> None:
    nap = "{name: nap, take: rest, baseline: 30s}"
    found = finds("NIM0602", attention(nap, "{name: virtual, §take: {rest: {minimum: 3s}}}"))
    assert found.message == "`virtual` can never run: the baseline of `nap` takes all of every beat"
    assert found.fix == "lower the `baseline` of `nap`, or put `virtual` above"
    watch = "{name: watch, take: all, baseline: 5s}"
    found = finds("NIM0602", attention(watch, nap, "{name: virtual, take: §all}"))
    assert "the baselines of `watch` and `nap` take all of every beat" in found.message


@pytest.mark.parametrize(
    "levels",
    [
        "{name: think, take: all, takes: §29.8s}",
        "{name: one, take: all, tells: {level: two, takes: §30s}}, {name: two, take: all}",
    ],
)
def test_what_no_beat_can_finish_is_a_warning(levels: str) -> None:
    text = attention(levels)
    (found,) = nimdsl.check_text(text.replace("§", "")).diagnostics
    assert (found.code, found.severity) == ("NIM0606", "warning")
    assert found.place.column == len(text.partition("§")[0].split("\n")[-1]) + 1


def test_what_no_beat_must_finish_is_left_alone() -> None:
    leaves_alone(attention("{name: think, take: all, takes: 40s, leftover: carry}"))
    work = ", work: {look: {virtual: {latency: {constant: 1s}}}}"
    leaves_alone(attention("{name: think, take: all, takes: 40s, work: look}", more=work))


def test_work_that_nobody_declares_can_be_declared() -> None:
    found = finds("NIM0301", attention("{name: think, take: all, work: §brake}"))
    assert found.fix == "declare it: `work: {brake: {}}` in the spec"
    leaves_alone(attention("{name: think, take: all, work: brake}", more=", work: {brake: {}}"))


def test_a_beat_beyond_the_horizon_is_a_warning() -> None:
    def warned(index: int, horizon: str) -> nimdsl.Diagnostic | None:
        expect = f"['beats[{index}].settled']"
        spec = f"{{attention: it, horizon: {horizon}, expect: {expect}}}"
        report = nimdsl.check_text(together(attention(REST), document("Scenario", spec)))
        assert report.program is not None
        assert [(one.code, one.severity) for one in report.diagnostics] in ([], [("NIM0509", "warning")])
        return next(iter(report.diagnostics), None)

    assert warned(1, "60s") is None
    assert warned(2, "60.1s") is None
    found = warned(2, "60s")
    assert found is not None
    assert found.message == "there is no beat 2: until the horizon there are 2, counted from 0"
    assert found.fix == "write at most `beats[1]`, or make the `horizon` later"
    assert found.place.excerpt[found.place.column - 1] == "2"
    found = warned(10_000, "30d")
    assert found is not None
    assert found.message == "beat 10000 is not seen alone: expectations see the first 10,000"


def test_an_index_is_never_negative() -> None:
    spec = "{attention: it, expect: ['beats[§-1].settled']}".replace("beats[§", "§beats[")
    found = finds("NIM0210", attention(REST), document("Scenario", spec))
    assert found.message == "an index is never negative"
    assert found.fix == "count from 0; the last one is `beats[size(beats) - 1]`"


def test_a_share_bounds_what_a_baseline_takes() -> None:
    leaves_alone(attention("{name: think, take: {share: 50%}, baseline: 30s}", REST))


@pytest.mark.parametrize("level", ["reflex: true, §take: {each: 50ms}", "§take: {each: 50ms}"])
def test_what_nothing_bounds_is_found(level: str) -> None:
    finds("NIM0604", attention(f"{{name: reflex, {level}}}"))


@pytest.mark.parametrize(
    ("code", "level"),
    [
        ("NIM0203", "{name: think, §take: {each: 1s, share: 40%}}"),
        ("NIM0203", "{name: think, §take: {}}"),
        ("NIM0212", "{name: think, §take: {all: false}}"),
        ("NIM0203", "{name: reflex, reflex: true, take: §all, max_per_beat: 3}"),
        ("NIM0204", "{name: think, take: all, §tiers: [3]}"),
        ("NIM0210", "{name: think, take: {each: 1s}, max_per_beat: 3, baseline: §2s}"),
        ("NIM0210", "{name: think, take: all, stages: {§idle: 100%}}"),
        ("NIM0604", "{name: think, take: all, §cost: {per_item: 1}}"),
        ("NIM0203", "{name: think, take: {each: 1s, cap: §3s}, max_per_beat: 3}"),
        ("NIM0203", "{name: think, take: {share: 3%, §minimum: 3s}}"),
        ("NIM0203", "{name: think, take: {each: 1s}, max_per_beat: 3, takes: §2s}"),
        ("NIM0203", "{name: reflex, reflex: true, §take: {share: 3%}, max_per_beat: 3}"),
        ("NIM0203", "{name: reflex, reflex: true, take: {each: 1ms}, max_per_beat: 3, §cost: {fixed: 1}}"),
        ("NIM0210", "{name: §settle, take: all}"),
        ("NIM0210", "{name: think, take: all, §stages: {one: 50%, two: 40%}}"),
        ("NIM0301", "{name: think, take: all, tells: {level: §thinc}}"),
        ("NIM0301", "{name: think, take: all, work: §thinc}"),
        ("NIM0207", "{name: think, take: {share: §140%}}"),
        ("NIM0210", "{name: think, take: {share: 40%, cap: §0s}}"),
    ],
)
def test_a_mistake_in_a_level_is_found(code: str, level: str) -> None:
    finds(code, attention(level))


def test_a_share_that_is_not_there_is_asked_for() -> None:
    assert finds("NIM0203", attention("{name: think, §take: {cap: 8s}}")).fix == "add `share:`"


def test_who_tells_says_how_long() -> None:
    think = "{name: think, take: all}"
    finds("NIM0204", attention(REFLEX.replace("max", "§tells: {level: think}, max"), think))
    leaves_alone(attention(REFLEX.replace("max", "tells: {level: think, takes: 1s}, max"), think))


def test_a_tier_belongs_to_one_level() -> None:
    first = "{name: one, take: all, takes: 1s, tiers: [1, 2]}"
    finds("NIM0210", attention(first, "{name: two, take: all, takes: 1s, §tiers: [2, 3]}"))


def test_a_baseline_that_may_be_over_early_takes_nothing_for_sure() -> None:
    work = ", work: {look: {virtual: {latency: {constant: 1s}}}}"
    watch = "{name: watch, take: all, baseline: 29.7s, work: look}"
    leaves_alone(attention(watch, "{name: think, take: {share: 40%}}", more=work))


def test_what_costs_more_than_there_ever_is_can_never_run() -> None:
    dear = document("Attention", "{levels: [{name: think, take: all, §cost: {fixed: 300}}]}", "dear")
    purse = document("Economy", "{opening: 20, capacity: 100, incomes: {sun: 1}}", "purse")
    found = finds("NIM0602", dear, purse, document("Scenario", "{attention: dear, economy: purse}"))
    assert "an item costs 300.0 LF at once" in found.message
    assert found.fix == "lower the cost, or raise `capacity`"
    poor = document("Economy", "{opening: 20}", "purse")
    found = finds("NIM0602", dear, poor, document("Scenario", "{attention: dear, economy: purse}"))
    assert found.fix == "lower the cost, or raise `opening`"


def test_what_is_lower_than_upkeep_is_no_income() -> None:
    dear = document(
        "Attention",
        "{levels: [{name: cheap, take: all, cost: {fixed: 1}},"
        " {name: think, take: all, cost: {per_second: 1}}]}",
        "dear",
    )
    purse = document("Economy", "{opening: 100, incomes: {sun: 0.5}, upkeep: {heat: 0.7}}", "purse")
    text = together(dear, purse, document("Scenario", "{attention: dear, economy: purse}"))
    (found,) = (one for one in nimdsl.check_text(text).diagnostics if one.code == "NIM0605")
    assert found.message == (
        "at full load a beat costs 30.7 LF, and upkeep takes 6.0 LF more than comes in: "
        "without rewards `purse` lasts 2 beats"
    )
    assert found.fix == "lower `upkeep` or the costs, or let more come in"
    assert found.place.excerpt[found.place.column - 1 :] == "cost: {per_second: 1}}]}"


def test_upkeep_alone_can_be_too_much() -> None:
    purse = document("Economy", "{opening: 100, upkeep: {heat: 0.7}}", "purse")
    text = together(attention(REST), purse, document("Scenario", "{attention: it, economy: purse}"))
    (found,) = (one for one in nimdsl.check_text(text).diagnostics if one.code == "NIM0605")
    assert "costs 0.0 LF, and upkeep takes 21.0 LF more than comes in" in found.message
    assert found.place.excerpt[found.place.column - 1 :].startswith("upkeep:")


def test_modes_start_no_work() -> None:
    idle = "{enter: [{work: §look}], transitions: [{event: think, to: idle}]}"
    machine = f", modes: {{initial: idle, states: {{idle: {idle}}}}}"
    found = finds("NIM0301", attention("{name: think, take: all}", more=machine))
    assert found.fix == "give it to a level: `work: look`"


def test_two_levels_of_one_name_are_found() -> None:
    finds("NIM0210", attention("{name: think, take: all}", "{name: §think, take: all}"))


def test_overhead_and_settle_must_leave_something() -> None:
    finds("NIM0210", attention("{name: think, take: all}", more=", beat: §300ms"))


def test_modes_are_checked_as_every_machine() -> None:
    def modes(transition: str) -> str:
        return f", modes: {{initial: idle, states: {{idle: {{transitions: [{transition}]}}}}}}"

    think = "{name: think, take: all}"
    found = finds("NIM0406", attention(think, more=modes("{event: §thinc, to: idle}")))
    assert found.fix == "did you mean `think`?"
    finds("NIM0405", attention(think, more=modes("{event: think, to: §ilde}")))
    leaves_alone(attention(think, more=modes("{event: think, if: event.remaining > 3s, to: idle}")))


def test_an_economy_that_cannot_carry_full_load_is_a_warning() -> None:
    dear = document("Attention", "{levels: [{name: think, take: all, cost: {per_second: 1}}]}", "dear")
    purse = document("Economy", "{opening: 100, incomes: {sun: 0.5}}", "purse")
    scenario = document("Scenario", "{attention: dear, economy: purse}")
    (found,) = nimdsl.check_text(together(dear, purse, scenario)).diagnostics
    assert found.code == "NIM0605"
    assert found.message == (
        "at full load a beat costs 29.7 LF and 15.0 come in: without rewards `purse` lasts 6 beats"
    )
    assert found.severity == "warning"


def test_full_load_gives_the_time_to_the_dearest() -> None:
    levels = (
        Level("cheap", "all", cost_per_second=1_000_000),
        Level("dear", "share", share=500_000, cost_per_second=3_000_000),
        Level("counted", "all", items_max=4, cost_per_item=7_000_000, cost_fixed=1_000_000),
    )
    beat = Beat(30 * S, S // 10, S // 5, levels)
    assert full_load(beat) == 14_850_000 * 3 + 14_850_000 + 4 * 7_000_000 + 1_000_000


def test_a_scenario_needs_an_attention_that_is_there() -> None:
    found = finds("NIM0301", attention(REST), document("Scenario", "{attention: §its}"))
    assert found.fix == "did you mean `it`?"


def test_expectations_know_the_levels() -> None:
    good = document("Scenario", "{attention: it, expect: ['beats[0].levels.virtual.spent > 3s']}", "run")
    leaves_alone(attention(REST), good)
    bad = document("Scenario", "{attention: it, expect: ['beats[0].levels.§virtuel.spent > 3s']}", "run")
    finds("NIM0307", attention(REST), bad)


def test_the_shipped_attention_is_sound() -> None:
    report = check([shipped_specs()])
    assert not report.diagnostics
    assert report.program is not None
    assert set(report.program.attentions) == {"thirty-seconds", "published-shares", "open-gates", "awake"}
