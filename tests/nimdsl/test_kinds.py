"""What kinds may bring: the names that expectations see, and actors that take part."""

from __future__ import annotations

from dataclasses import replace

import pytest

import nimdsl
from nimdsl import assembly
from nimdsl.compile.compilation import Participant
from nimdsl.compile.outcome import NAMES, outcome_scope
from nimdsl.expression.types import RECORD
from nimdsl.kinds import kinds
from tests.nimdsl.checks.building import ECONOMY, YOUNG, together


def test_the_names_of_an_outcome_are_those_that_no_plural_may_have() -> None:
    program = nimdsl.load_text(together(ECONOMY, YOUNG))
    scope = outcome_scope({}, {}, program.attentions["young"].beat)
    assert {*scope.names} == NAMES


def test_a_kind_of_the_project_may_have_participants_too(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def participant(one: object) -> Participant:
        asked.append(one)
        return Participant({}, RECORD)

    known = kinds()
    economy = replace(known["Economy"], plural="purses", participant=participant)
    monkeypatch.setattr(assembly, "kinds", lambda: {**known, "Economy": economy})
    assert nimdsl.check_text(ECONOMY).program is not None
    assert len(asked) == 1
