"""Answers beside a machine are the answers alone (SEMANTICS 4.2): a second statement of what they do.

Of answers alone the compiler makes a machine with a state for each; beside a machine they are internal
transitions, and the kernel remembers which of them serves.  Whoever asks must not see the difference.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from runtime.ledger.accounts import Entry
from runtime.records import Record
from tests.properties.worlds import World, worlds
from tests.support.effort import examples

RESTLESS = {
    "initial": "a",
    "failure_policy": "fail",
    "any": [{"event": "fault", "internal": True, "do": [{"set": {"faults": "${faults + 1}"}}]}],
    "states": {
        "a": {
            "timers": [
                {"after": "3ms", "if": "10 / mod(turns, 3) < 0", "to": "b"},
                {"after": "7ms", "to": "b", "do": [{"set": {"turns": "${turns + 1}"}}]},
            ]
        },
        "b": {
            "timers": [
                {"after": "5ms", "to": "a", "do": [{"set": {"turns": "${turns + 10 / mod(turns, 3)}"}}]},
                {"after": "11ms", "to": "a", "do": [{"set": {"turns": "${turns + 1}"}}]},
            ]
        },
    },
}
"""It asks for nothing, so that it takes no numbers; it moves, and often has no value for something."""


def with_machine(world: World, machine: dict[str, Any] | None) -> World:
    """The world in which every cell has this machine beside its answers."""
    return World(tuple(_with(one, machine) for one in world.documents), world.seed)


def _with(document: dict[str, Any], machine: dict[str, Any] | None) -> dict[str, Any]:
    if document["kind"] != "Cell":
        return document
    spec = {key: value for key, value in document["spec"].items() if key != "machine"}
    spec["work"] = {name: work for name, work in spec["work"].items() if name != "think"}
    if machine is not None:
        data = {**spec.get("data", {}), "turns": "int", "faults": "int"}
        spec = {**spec, "machine": machine, "data": data}
    return {**document, "spec": spec}


Seen = tuple[Sequence[Record], Sequence[Entry]]


def seen_by_who_asks(world: World) -> Seen:
    """What the protocol did, and what was paid."""
    run = world.run().run
    (protocol,) = [host for name, host in run.hosts.items() if name.startswith("protocol/")]
    assert run.ledger is not None
    return protocol.records, run.ledger.entries


def is_the_same(world: World) -> None:
    assert seen_by_who_asks(with_machine(world, RESTLESS)) == seen_by_who_asks(with_machine(world, None))


@given(worlds())
@settings(max_examples=examples(60))
def test_4_2_a_machine_beside_answers_is_not_seen_by_who_asks(world: World) -> None:
    is_the_same(world)


@pytest.mark.slow
def test_the_machine_moves_and_has_no_value_while_answers_are_worked_out() -> None:
    seen: Counter[str] = Counter()

    @given(worlds())
    @settings(
        max_examples=40, phases=[Phase.generate], derandomize=True, suppress_health_check=list(HealthCheck)
    )
    def survey(world: World) -> None:
        for host in with_machine(world, RESTLESS).run().run.hosts.values():
            if host.kernel.actor.kind == "cell":
                seen["turns"] += bool(host.snapshot.data["turns"])
                seen["faults"] += bool(host.snapshot.data["faults"])
                seen.update({type(record.body).__name__ for record in host.records})

    survey()
    wanted = ("turns", "faults", "Deferred", "AnsweredAgain", "Faulted", "Ignored")
    assert not [name for name in wanted if not seen[name]], dict(seen)
