"""SEMANTICS 6.13-6.16 over random waves, grants, answers and poverty: what every life of a nerve obeys."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from nimdsl.program.nerve import BOUND_NS, stage_of
from runtime import records
from runtime.kernel import nerve as kernel
from runtime.kernel.nerve import NerveStep
from runtime.run.host import Checks
from tests.support.effort import examples
from tests.support.killing import hunting
from tests.support.nerves import MS, NERVE, NerveAlone, outcomes

waves = st.tuples(
    st.just("wave"),
    st.tuples(
        st.sampled_from(["front", "front", "left", "right"]),
        st.sampled_from([0.5, 20.0, 25.0, 40.0, 200.0]),
    ),
)
grants = st.tuples(st.just("grant"), st.tuples(st.integers(0, 2), st.sampled_from([0, 1, 2, 3, 4])))
said = st.tuples(st.sampled_from(["revoked", "closed"]), st.integers(-1, 0))
answers = st.tuples(st.just("answer"), st.sampled_from(["ACK", "ACK", "ACK", "NACK", "RETRY", "ODD"]))
gaps = st.sampled_from([1, 30, 60, 150, 150, 600, 1_500]).map(lambda ms: ms * MS)
one = st.tuples(gaps, st.one_of(waves, waves, waves, grants, answers, answers, said)).map(lambda it: [it])


@st.composite
def paths(draw: st.DrawFn) -> list[Any]:
    """An opening that goes a good part of the way, with all senses there."""
    tier = draw(st.sampled_from([0, 1, 3]))
    steps: list[Any] = [
        ("wave", ("front", 20.0)),
        ("wave", ("left", 20.0)),
        ("wave", ("right", 40.0)),
        ("grant", (1, tier)),
        ("wave", ("front", 20.0)),
        *[("answer", "ACK")] * (tier == 3),
        ("wave", ("front", draw(st.sampled_from([0.5, 20.0, 20.0, 200.0])))),
        ("answer", draw(st.sampled_from(["ACK", "ACK", "ACK", "NACK", "ODD"]))),
        ("wave", ("front", draw(st.sampled_from([0.5, 20.0, 200.0, 200.0])))),
    ]
    kept = draw(st.sampled_from([3, 4, 5, 6, 7, 8, 9, 9, 9]))
    return [(draw(st.sampled_from([1, 60])) * MS, step) for step in steps[:kept]]


lives: st.SearchStrategy[list[Any]] = st.lists(st.one_of(one, one, one, paths()), max_size=30).map(
    lambda parts: [step for part in parts for step in part]
)
QUIET_NS = 100_000 * MS


def lived(life: Any, poor: int, checks: Checks | None = None) -> NerveAlone:
    """The nerve after its life and a long silence; each so many-th price is refused."""
    asked = Counter[str]()

    def pays(_: Any) -> bool:
        asked["prices"] += 1
        return not poor or asked["prices"] % (poor + 1) != 0

    nerve = NerveAlone(pays=pays, checks=checks or Checks())
    at_ns, opening = 0, 1
    for gap_ns, (what, how) in life:
        at_ns += gap_ns
        if what == "wave":
            nerve.wave(at_ns, *how)
        elif what == "grant":
            opening += how[0]
            nerve.grant(at_ns, opening, how[1])
        elif what == "answer":
            nerve.answer(at_ns, how)
        else:
            nerve.say(at_ns, what, opening + how)
    nerve.until(at_ns + QUIET_NS)
    return nerve


def ends_what_it_took(nerve: NerveAlone, grants: Mapping[int, tuple[int, int]]) -> None:
    """It rests only when its opening is over, and acts only while nothing required is absent."""
    disabled, disabled_ns = False, 0
    rests_ns, pending, latest, over = 0, False, 0, set[int]()
    for record in nerve.host.records:
        if record.time_ns > rests_ns >= 0:
            assert not pending, "it came back to where it began, and its opening is not over"
        assert rests_ns >= 0 or not (disabled and record.time_ns > disabled_ns), "it acts and cannot"
        match body := record.body:
            case records.Moved():
                rests_ns = record.time_ns if body.target == "idle" else -1
                if body.event == "granted":
                    latest = grants[record.time_ns][0]
                    pending = latest not in over
                elif body.event == "ack":
                    pending, over = False, over | {latest}
            case records.OutcomeJudged() | records.Refused(event="ack"):
                over |= {body.opening if isinstance(body, records.OutcomeJudged) else latest}
                pending = False  # the cell agreed, even if nobody paid for hearing it
            case records.HealthChanged():
                disabled, disabled_ns = body.disabled, record.time_ns


def is_lawful(life: Any, poor: int) -> None:
    """The laws, read off its records alone."""
    nerve = lived(life, poor)
    judged, told = outcomes(nerve), [payload for _, event, payload in nerve.told if event == "verified"]
    grants = {at_ns: (opening, tier) for at_ns, opening, tier in granted(life)}
    taken, disabled, prices = set[int](), False, 0
    at = {record.time_ns for record in nerve.host.records if is_outcome(record, "confirmed", "partial")}
    failed = {record.time_ns for record in nerve.host.records if is_outcome(record, "failed")}
    assert not failed & {*revoked(life)}, "what is revoked is no failure"
    ends_what_it_took(nerve, grants)
    for record in nerve.host.records:
        match body := record.body:
            case records.HealthChanged():
                assert body.disabled == bool({"front", "cell/motor"} & {*body.absent})
                assert body.degraded == bool({"left", "right"} & {*body.absent})
                disabled = body.disabled
            case records.Asked():
                assert not disabled, "a command while something required is absent"
            case records.Moved(event="granted"):
                assert not disabled
                opening, tier = grants[record.time_ns]
                taken.add(opening)
                prices += OVERHEAD[stage_of(tier)]
            case records.Moved(event="ack"):
                prices += 1_000_000
                assert record.time_ns not in at, "judged before anything could show"
            case records.Moved(target="detect" | "poised" | "evade"):
                prices += 500_000
            case records.CameLate():
                assert body.took_ns > body.bound_ns == BOUND_NS[body.tier]
    assert sum(nerve.paid) == prices
    assert max(Counter(opening for opening, _ in judged).values(), default=1) == 1
    assert taken <= {opening for opening, _ in judged}, "an opening without an outcome"
    sent = [(one["opening"], one["outcome"]) for one in told]
    assert sent == [one for one in judged if one[1] != "expired"]
    assert all(0 <= one["discrepancy"] <= 1_000_000 for one in told)
    assert nerve.state.counts == Counter(
        [how for _, how in judged]
        + [str(one.event) for one in nerve.bodies(records.Moved) if one.event == "granted"]
        + ["commands"] * nerve.state.counts.get("commands", 0)
        + ["late"] * len(nerve.bodies(records.CameLate))
    )


def is_outcome(record: records.Record, *outcomes: str) -> bool:
    return isinstance(record.body, records.OutcomeJudged) and record.body.outcome in outcomes


def revoked(life: Any) -> list[int]:
    """When openings were revoked."""
    at_ns, found = 0, []
    for gap_ns, (what, _) in life:
        at_ns += gap_ns
        found += [at_ns] * (what == "revoked")
    return found


OVERHEAD = {"reflex": 0, "hybrid": 1_000_000, "deliberate": 5_000_000}


def granted(life: Any) -> list[tuple[int, int, int]]:
    """When which opening was granted in which tier."""
    at_ns, opening, found = 0, 1, []
    for gap_ns, (what, how) in life:
        at_ns += gap_ns
        if what == "grant":
            opening += how[0]
            found.append((at_ns, opening, how[1]))
    return found


@given(lives, st.integers(0, 5))
@settings(max_examples=examples(150), suppress_health_check=list(HealthCheck), deadline=None)
def test_every_life_of_a_nerve_is_lawful(life: Any, poor: int) -> None:
    is_lawful(life, poor)


@given(lives, st.integers(0, 5))
@settings(max_examples=examples(10), suppress_health_check=list(HealthCheck), deadline=None)
def test_a_nerve_is_what_its_journal_says(life: Any, poor: int) -> None:
    """Snapshots go through bytes, and are restored from the journal, at every event."""
    whole = lived(life, poor, Checks(round_trip=True, restore=True))
    assert outcomes(whole) == outcomes(lived(life, poor))


Mutant = Callable[[pytest.MonkeyPatch], None]


def stage_from_the_old_tier(patch: pytest.MonkeyPatch) -> None:
    original = NerveStep._granted

    def granted(self: NerveStep, event: Any) -> None:
        old = self._state.stage or "deliberate"
        patch.setattr(kernel, "stage_of", lambda _: old)
        original(self, event)

    patch.setattr(NerveStep, "_granted", granted)


def health_judged_at_granted_only(patch: pytest.MonkeyPatch) -> None:
    original = NerveStep._healthy

    def healthy(self: NerveStep, absent: tuple[str, ...]) -> None:
        original(self, absent)
        self.context.queue.clear()

    patch.setattr(NerveStep, "_healthy", healthy)


def revoked_counts_as_failed(patch: pytest.MonkeyPatch) -> None:
    original = NerveStep.sent

    def sent(self: NerveStep, event: Any) -> None:
        opening = self._state.opening
        if event.name == "revoked" and opening is not None and opening.agreed_ns is None:
            self._end("failed", 1_000_000)
        original(self, event)

    patch.setattr(NerveStep, "sent", sent)


def judged_at_once(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(NerveStep, "_just_agreed", False)


def the_gate_hears_what_expired(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(NerveStep, "_expire", lambda self: self._end("expired", 0))


def it_never_comes_to_rest(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(NerveStep, "_rest", lambda _: None)


def judged_again(patch: pytest.MonkeyPatch) -> None:
    original = NerveStep._granted

    def granted(self: NerveStep, event: Any) -> None:
        self.context.nerve = replace(self._state, latest=0)
        original(self, event)

    patch.setattr(NerveStep, "_granted", granted)


def granted_while_it_cannot(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(type(NERVE), "lacks", lambda *_: False)


MUTANTS = (
    stage_from_the_old_tier,
    health_judged_at_granted_only,
    revoked_counts_as_failed,
    judged_at_once,
    the_gate_hears_what_expired,
    it_never_comes_to_rest,
    judged_again,
    granted_while_it_cannot,
)


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one.__name__)
def test_the_laws_kill(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant(monkeypatch)

    @given(lives, st.integers(0, 5))
    @hunting(20_000)
    def hunt(life: Any, poor: int) -> None:
        is_lawful(life, poor)

    with pytest.raises(AssertionError):
        hunt()
