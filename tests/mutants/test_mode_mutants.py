"""Defects of the mode, each of which its law must find."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given

import gardens.report.observe.mode as fold
from gardens.report.observe.fading import Disuse, Fading
from gardens.report.observe.mode import DIALOGUE, ModeFold
from runtime.records import BeatEnded, Record
from tests.gardens.report.test_mode import Life, is_as_defined, lives
from tests.support.killing import hunting

Defect = Callable[[pytest.MonkeyPatch], None]


def is_alert_only_above_the_bound(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(fold, "ALERT", 0.2000001)


def forgets_nothing_in_silence(patch: pytest.MonkeyPatch) -> None:
    def until(self: Fading, now_ns: int) -> Iterator[tuple[int, float]]:
        return iter(())

    patch.setattr(Fading, "until", until)
    patch.setattr(Fading, "due_ns", None)


def knows_no_disuse(patch: pytest.MonkeyPatch) -> None:
    def until(self: Disuse, now_ns: int) -> Iterator[tuple[int, int]]:
        self.due_ns = None
        return iter(())

    patch.setattr(Disuse, "until", until)


def waits_for_no_attention(patch: pytest.MonkeyPatch) -> None:
    say = ModeFold._say

    def _say(self: ModeFold, at_ns: int) -> None:
        say(self, at_ns)
        self._join(at_ns)

    patch.setattr(ModeFold, "_say", _say)


def puts_dialogue_first(patch: pytest.MonkeyPatch) -> None:
    judged = ModeFold._judged

    def _judged(self: ModeFold) -> str:
        talks = any(one.is_dialogue and one.tier is not None for one in self._gates.values())
        return DIALOGUE if talks else judged(self)

    patch.setattr(ModeFold, "_judged", _judged)


def takes_a_cut_beat_for_a_whole_one(patch: pytest.MonkeyPatch) -> None:
    note = ModeFold._note

    def _note(self: ModeFold, record: Record) -> None:
        if isinstance(record.body, BeatEnded):
            body = BeatEnded(True, record.body.counts, record.body.times)
            record = Record(record.actor, record.sequence, record.time_ns, body, record.moment)
        note(self, record)

    patch.setattr(ModeFold, "_note", _note)


def looks_at_no_silence_before_a_beat(patch: pytest.MonkeyPatch) -> None:
    fade, note = ModeFold._fade, ModeFold._note

    def _note(self: ModeFold, record: Record) -> None:
        patch.setattr(ModeFold, "_fade", lambda *_: None)
        note(self, record)
        patch.setattr(ModeFold, "_fade", fade)

    patch.setattr(ModeFold, "_note", _note)


DEFECTS = [
    is_alert_only_above_the_bound,
    forgets_nothing_in_silence,
    knows_no_disuse,
    waits_for_no_attention,
    puts_dialogue_first,
    takes_a_cut_beat_for_a_whole_one,
    looks_at_no_silence_before_a_beat,
]


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_defect_of_the_mode_is_caught(defect: Defect, monkeypatch: pytest.MonkeyPatch) -> None:
    @hunting(30_000)
    @given(lives)
    def exercise(life: Life) -> None:
        is_as_defined(life)

    defect(monkeypatch)
    with pytest.raises(AssertionError):
        exercise()
