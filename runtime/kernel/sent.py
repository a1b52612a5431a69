"""Records of what goes out: what comes from the clock stands apart, for it is no decision."""

from __future__ import annotations

from collections.abc import Sequence

from nimdsl.base.values import Fields, Value
from runtime import records
from runtime.kernel.step_context import StepContext


def note_sent(
    context: StepContext,
    to: str,
    event: str,
    payload: Fields,
    number: int,
    role: str = "",
    times: Sequence[str] = (),
) -> None:
    """The record of an event that goes to another actor."""
    decided, aside = fields_apart(payload, times)
    context.note(records.Sent(to, event, decided, number, role, aside))


def apart(content: Value, times: Sequence[str]) -> tuple[Value, Fields]:
    """What is decided of a content, and what comes from the clock (all of it: under an empty name)."""
    if not times:
        return content, {}
    if not isinstance(content, dict) or "" in times:
        return None, {"": content}
    decided, aside = fields_apart(content, times)
    return dict(decided), aside


def fields_apart(payload: Fields, times: Sequence[str]) -> tuple[Fields, Fields]:
    """The fields that are decided, and those that come from the clock."""
    if not times:
        return payload, {}
    decided = {name: value for name, value in payload.items() if name not in times}
    return decided, {name: value for name, value in payload.items() if name in times}
