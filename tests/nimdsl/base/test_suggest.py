"""Suggestions are deterministic, bounded, and silent when nothing is alike."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nimdsl.base.suggest import did_you_mean, phrase

STATES = ["idle", "measuring", "emitting", "error"]


def test_names_the_likely_one() -> None:
    assert did_you_mean("mesuring", STATES) == "measuring"
    assert phrase("mesuring", STATES) == "did you mean `measuring`?"


def test_ignores_case() -> None:
    assert did_you_mean("IDLE", STATES) == "idle"
    assert did_you_mean("apiversion", ["kind", "apiVersion"]) == "apiVersion"


def test_lists_the_known_names_when_nothing_is_alike() -> None:
    assert did_you_mean("zzz", STATES) is None
    assert phrase("zzz", STATES) == "known: `emitting`, `error`, `idle`, `measuring`"


def test_lists_eight_names_at_most() -> None:
    names = [f"name-{index}" for index in range(20)]
    listed = phrase("zzz", names)
    assert listed.count("`") == 16
    assert listed.endswith("and 12 more")


def test_says_nothing_without_candidates() -> None:
    assert phrase("x", []) == ""


def test_leaves_a_very_long_word_alone() -> None:
    assert did_you_mean("i" * 4_000_000, STATES) is None


@given(st.text(max_size=80), st.lists(st.text(max_size=10)))
def test_the_order_of_candidates_does_not_matter(word: str, names: list[str]) -> None:
    assert phrase(word, names) == phrase(word, reversed(names))
    likely = did_you_mean(word, names)
    assert likely is None or likely in names
