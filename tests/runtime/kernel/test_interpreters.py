"""One machine a table, and nothing of a run in it."""

from __future__ import annotations

import gc
from dataclasses import replace

import nimdsl
from nimdsl.program.flatten import Table
from runtime.kernel import interpreters
from runtime.kernel.interpreters import PlainInterpreter, transitions_of

LAMP = """
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: lamp}
spec:
  accepts: {press: {}}
  machine:
    initial: dark
    states:
      dark: {transitions: [{event: press, if: "1 > 2", to: dark}, {event: press, to: lit}]}
      lit: {transitions: [{event: press, to: dark}]}
"""


def table() -> Table:
    return nimdsl.load_text(LAMP).cells["lamp"].table


def test_a_table_has_one_machine_as_long_as_it_lives() -> None:
    one, other = table(), table()
    assert one == other
    assert transitions_of(one) is transitions_of(one)
    assert transitions_of(one) is not transitions_of(other)
    assert transitions_of(replace(one)) is not transitions_of(one)
    numbers = {id(one), id(other)}
    assert numbers <= interpreters._MACHINES.keys()
    del one, other
    gc.collect()
    assert not numbers & interpreters._MACHINES.keys()


def test_a_machine_that_chooses_may_be_asked_to_choose() -> None:
    """Runs that share one machine know nothing of each other, even one within another's choice."""
    lamp = table()
    shared, plain = transitions_of(lamp), PlainInterpreter(lamp)
    dark, lit, press = lamp.state_numbers["dark"], lamp.state_numbers["lit"], lamp.event_numbers["press"]
    first, second = lamp.candidates[dark, press]
    seen = []

    def decide(row: int) -> bool:
        seen.append(row)
        assert shared.choose(lit, press, lambda _: True) == plain.choose(lit, press, lambda _: True)
        return row == second

    assert shared.choose(dark, press, decide) == second
    assert seen == [first, second]
    assert shared.choose(dark, press, lambda _: False) is None
