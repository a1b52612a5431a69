"""What passes between the parts is plain data and comes back from its bytes: events, effects, commands."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nimdsl.base import canonical
from runtime.kernel.effects import AnyEffect, effect_from_data, effect_to_data
from runtime.kernel.events import AnyEvent, event_from_data
from runtime.ledger.accounts import AnyCommand, Booking, Question, command_from_data, command_to_data
from tests.support.effort import examples
from tests.support.structs import values_of

EVENTS, EFFECTS, COMMANDS = get_args(AnyEvent), get_args(AnyEffect), get_args(AnyCommand)


def through_bytes(data: Any) -> Any:
    return canonical.decode(canonical.encode(data))


@pytest.mark.parametrize("kind", [*EVENTS, *EFFECTS, *COMMANDS], ids=lambda kind: kind.__name__)
def test_it_comes_back_as_what_it_was(kind: Any) -> None:
    @given(values_of(kind))
    @settings(max_examples=examples(30))
    def one(value: Any) -> None:
        if kind in EVENTS:
            back: Any = event_from_data(through_bytes(value.to_data()))
        elif kind in EFFECTS:
            back = effect_from_data(through_bytes(effect_to_data(value)))
        else:
            back = command_from_data(through_bytes(command_to_data(value)))
        assert (type(back), back) == (kind, value)

    one()


@given(st.data())
def test_a_field_that_is_not_known_is_never_passed_over(data: st.DataObject) -> None:
    """What another version wrote is refused, not half understood."""
    event, effect, command = (data.draw(values_of(one)) for one in (AnyEvent, AnyEffect, AnyCommand))
    for read, plain in (
        (event_from_data, event.to_data()),
        (effect_from_data, effect_to_data(effect)),
        (command_from_data, command_to_data(command)),
    ):
        with pytest.raises(ValueError, match="unknown field `reasom`"):
            read({**plain, "reasom": "x"})


@given(st.data())
def test_no_kind_is_taken_for_another(data: st.DataObject) -> None:
    event = data.draw(values_of(AnyEvent))
    assert isinstance(event, EVENTS)
    for read in (effect_from_data, command_from_data):
        with pytest.raises(ValueError, match=r"missing|Invalid"):
            read(event.to_data())


def test_what_a_step_can_wish_is_a_question_or_a_booking() -> None:
    assert {*get_args(Question), *get_args(Booking)} == set(COMMANDS)
    for kinds in (EVENTS, EFFECTS, COMMANDS):
        tags = [kind.__struct_config__.tag for kind in kinds]
        assert len(set(tags)) == len(tags)


def test_events_of_an_instant_are_ordered_by_what_they_are() -> None:
    """SEMANTICS 2.2."""
    assert {kind.__name__: kind.priority for kind in EVENTS} == {
        "Begin": 0,
        "Returned": 0,
        "Boundary": 1,
        "Marked": 1,
        "Finished": 2,
        "Loan": 2,
        "Requested": 3,
        "Answered": 3,
        "Received": 3,
        "Stimulus": 4,
        "TimerDue": 5,
    }
