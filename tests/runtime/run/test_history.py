"""A run looked at again, step by step: what is shown is what happened, and causes come before."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from runtime import records
from runtime.run.causes import causes_of
from runtime.run.history import KEPT_EACH, Past
from tests.support.histories import LAWS, RUNS, histories, past_of


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("name", RUNS)
def test_what_is_shown_is_what_happened(name: str, law: Callable[[Past], None]) -> None:
    law(past_of(name))


def test_a_message_is_caused_by_the_record_that_tells_of_it() -> None:
    past = past_of("creature")
    motor = past.of("cell/motor")
    assert motor is not None
    turned = next(one for one in motor.records if getattr(one.body, "target", "") == "turning")
    (cause,) = causes_of(past, "cell/motor", motor.step_of(turned.sequence), turned.sequence)
    assert cause.kind == "request"
    assert cause.origin is not None
    nerve = past.of(cause.origin.actor)
    assert nerve is not None
    assert cause.origin.record is not None
    assert isinstance(nerve.records[cause.origin.record].body, records.Asked)


def test_only_some_snapshots_are_kept() -> None:
    history = max(histories(past_of("creature")), key=lambda one: len(one.lines))
    assert len(history.lines) > KEPT_EACH
    last = len(history.lines) - 1
    assert history.before(last) == history.look(last).before
    assert len(history._kept) == last // KEPT_EACH + 1
    assert len(history._stretch[1]) <= KEPT_EACH
