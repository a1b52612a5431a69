"""Random places in the virtual garden: every law holds, journals replay, restarts change nothing."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings

from runtime.run.host import Checks
from tests.properties.places import check, happened, lived, places
from tests.properties.worlds import World
from tests.support.effort import examples

WANTED = {"WorkRepeated", "Deferred", "Refused", "SentToEach", "AnsweredAgain", "Abandoned", "Stale"}
WANTED |= {"granted", "withdrawn", "full", "mark mark", "rate income", "rate upkeep", "shortfall settle"}
WANTED |= {"transfer overflow", "refused reserve", "refused charge", "shortfall upkeep", "transfer release"}


def test_laws_hold_in_random_places_and_they_are_what_the_laws_are_about() -> None:
    seen: Counter[str] = Counter()

    @given(places())
    @settings(max_examples=examples(160), deadline=None)
    def hunt(world: World) -> None:
        seen.update(happened(check(world)))

    hunt()
    assert set(seen) >= WANTED, f"not once: {sorted(WANTED - set(seen))}"


@given(places())
@settings(max_examples=examples(12), deadline=None)
def test_8_3_restarts_change_nothing_in_a_place(world: World) -> None:
    plain, checked = lived(world), lived(world, Checks(round_trip=True, restore=True))
    assert checked.records() == plain.records()
    assert checked.run.books.entries_from(0) == plain.run.books.entries_from(0)
