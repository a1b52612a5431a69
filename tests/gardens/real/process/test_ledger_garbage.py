"""What is no command changes nothing, and is said by its field."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gardens.real.process.ledger_service import ERROR_LENGTH_MAX, TEXT_BYTES_MAX
from runtime.ledger.accounts import (
    Charge,
    Tariff,
)
from tests.properties.ledger_laws import PLAIN_TARIFF, TARIFF, check_laws
from tests.support.economies import asked, economy, outcome
from tests.support.effort import examples

WHOLE: Mapping[str, Any] = {
    "actor": "cell/a",
    "item": [0, 0],
    "at_ns": 0,
    "command": {"type": "settle", "hold": "h", "key": "k", "name": "n", "amount": 1},
}

DEEP = b"[" * 100_000

HALF = "\ud800"

LONG = "x" * (TEXT_BYTES_MAX + 1)

NO_OBJECTS = (DEEP, b"", b"null", b"[]", b"3", b'"x"', b"{}", b'{"command": 3}', b'{"command": {}}')

NO_TEXTS: list[Any] = [None, True, 3, 1.5, [], {}, ["k"], HALF, LONG]

NO_AMOUNTS: list[Any] = [None, True, "1", 1.0, 1e300, [], {}, -1, 1 << 63, float("nan")]

NO_ITEMS: list[Any] = [0, "0", [], [0], [0, 0, 0], ["0", 0], [0.0, 0], [True, 0], [-1, 0], [[], []], {}]

NO_TIMES: list[Any] = [None, -1, "0", 0.0, True, [], {}]

NO_KEYS: list[Any] = [None, "k", {}, [1], [HALF], [None], 3, ["@opening"]]

NO_TYPES: list[Any] = [None, "", "Settle", "ledger", "__class__", [], {}, 3, HALF]


@st.composite
def garbage(draw: Any) -> bytes:
    """Bytes that are no command, and most of them nearly one."""
    whole = json.loads(json.dumps(WHOLE))
    command = whole["command"]
    what = draw(st.sampled_from(["bytes", "object", "item", "time", "actor", "reward", *COMMAND_FAULTS]))
    if what == "bytes":
        return bytes(draw(st.binary(max_size=40)))
    if what == "object":
        return bytes(draw(st.sampled_from(NO_OBJECTS)))
    if what == "item":
        whole["item"] = draw(st.sampled_from(NO_ITEMS))
    elif what == "time":
        whole["at_ns"] = draw(st.sampled_from(NO_TIMES))
    elif what == "actor":
        whole["actor"] = draw(st.sampled_from(NO_TEXTS))
    elif what == "reward":
        known = {"type": "reward", "name": "small", "keys": draw(st.sampled_from(NO_KEYS))}
        whole["command"] = draw(st.sampled_from([known, {**known, "name": "unheard of", "keys": ["k"]}]))
    else:
        COMMAND_FAULTS[what](draw, command)
        if draw(st.booleans()):
            del whole["actor"], whole["item"]
    return json.dumps(whole).encode()


def _drop(draw: Any, command: dict[str, Any]) -> None:
    del command[draw(st.sampled_from(sorted(command)))]


def _put(names: list[str], values: list[Any]) -> Callable[[Any, dict[str, Any]], None]:
    def put(draw: Any, command: dict[str, Any]) -> None:
        command[draw(st.sampled_from(names))] = draw(st.sampled_from(values))

    return put


COMMAND_FAULTS: Mapping[str, Callable[[Any, dict[str, Any]], None]] = {
    "dropped": _drop,
    "added": _put(["more"], [1, "x"]),
    "type": _put(["type"], NO_TYPES),
    "amount": _put(["amount"], NO_AMOUNTS),
    "text": _put(["hold", "key", "name"], NO_TEXTS),
}


@settings(max_examples=examples(300))
@given(garbage())
def test_what_is_no_command_is_an_error_and_changes_nothing(data: bytes) -> None:
    here = economy()
    before = list(here.journal.lines)
    said = here.answer(data)
    assert (set(said), said["said"]) == ({"said", "error"}, "error")
    assert len(said["error"]) <= 6 * ERROR_LENGTH_MAX
    assert here.journal.lines == before
    assert len(here.ledger_service.purses.ledgers[""].entries) == len(before)
    assert here.ledger_service.last == {}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"command": {}}, "no command: `command.type` is missing"),
        ({"command": {"type": "settle"}}, "no command: `command.hold` is missing"),
        ({"command": {"type": "Settle"}}, "no command: `command.type`: there is no 'Settle'"),
        ({"command": 3}, "no command: `command`: an object is wanted, this is a whole number"),
        ({"item": [0]}, "no command: `item`: a list of 2 is wanted"),
        ({"item": ["0", 0]}, "no command: `item[0]`: a whole number is wanted, this is text"),
        ({"item": [-1, 0]}, "an item is two whole numbers, of an actor"),
        ({"actor": ""}, "an item is two whole numbers, of an actor"),
        ({"at_ns": None}, "an actor says when: `at_ns` is a whole number"),
    ],
)
def test_what_is_wrong_with_it_is_said_by_its_field(change: dict[str, Any], said: str) -> None:
    answer = economy().answer(json.dumps({**WHOLE, **change}).encode())
    assert answer == {"said": "error", "error": said}


def test_what_is_no_json_is_said() -> None:
    for data in (b"no JSON", b'{"actor": "cell/a"'):
        assert economy().answer(data)["error"].startswith("no command: no JSON: ")


@pytest.mark.parametrize("tariff", [TARIFF, PLAIN_TARIFF])
def test_garbage_does_not_hinder_what_comes_after_it(tariff: Tariff) -> None:
    here = economy(tariff)
    here.answer(json.dumps({**WHOLE, "command": {**WHOLE["command"], "key": "\ud800"}}).encode())
    here.answer(json.dumps({**WHOLE, "command": {**WHOLE["command"], "amount": 0.5}}).encode())
    assert here.answer(asked(Charge("k", "w", 5), "cell/a", [0, 0])) == outcome(True, 45)
    check_laws(here.ledger_service.purses.ledgers[""])
