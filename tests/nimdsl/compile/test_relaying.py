"""What gates relay: the cells whose waves come with those of a gate.

The law: they are those in whose domain the gate hears, or a gate that it hears, by however many on the way.
"""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nimdsl
from nimdsl.compile import relaying
from nimdsl.compile.documents import gather
from nimdsl.text.source import Source
from nimdsl.text.tree import parse
from tests.support.killing import kills
from tests.support.texts import document

ears = st.frozensets(st.integers(0, 4), max_size=2)
worlds = st.tuples(ears, ears, ears)


def comes_from_whom_it_reaches(world: tuple[frozenset[int], ...]) -> None:
    """Of three gates with domains 0 to 2, and two cells with 3 and 4; ``world`` is what each gate hears."""
    gates = [
        document("Gate", f"g{one}", f"{{hears: [{_domains(heard)}], emits: {{domain: d{one}}}}}")
        for one, heard in enumerate(world)
    ]
    cells = [document("Cell", f"c{one}", f"{{domain: d{one}}}") for one in (3, 4)]
    documents, _ = gather(parse(Source("<text>", "\n---\n".join((*gates, *cells))))[0])
    for gate in range(3):
        reached = {gate}
        for _ in world:
            reached |= {one for other in reached if other < 3 for one in world[other]}
        found = relaying.cells_behind(documents, f"gate/g{gate}")
        assert sorted(found) == [f"c{one}" for one in sorted(reached) if one >= 3]


def _domains(heard: frozenset[int]) -> str:
    return ", ".join(f"{{domain: d{one}}}" for one in sorted(heard))


@given(worlds)
def test_the_cells_behind_a_gate(world: tuple[frozenset[int], ...]) -> None:
    comes_from_whom_it_reaches(world)


def test_the_law_kills_relays_that_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relaying, "domain_of", lambda spec: "")
    kills(comes_from_whom_it_reaches, worlds)


def test_gates_that_all_hear_one_another_are_each_met_once() -> None:
    """They are wrong (NIM0705), and that is said soon."""
    light = "timers: [{after: 1s, to: a, do: [{emit: {content: {k: 1}}}]}]"
    eye = f"{{domain: mind.eye, machine: {{initial: a, states: {{a: {{{light}}}}}}}}}"
    takes = "transitions: [{event: said, internal: true}]"
    ear = f"{{hears: {{said: {{gate: g0}}}}, machine: {{initial: a, states: {{a: {{{takes}}}}}}}}}"
    gates = [
        document("Gate", f"g{one}", f"{{hears: [{{domain: 'mind.*'}}], emits: {{domain: mind.g{one}}}}}")
        for one in range(30)
    ]
    text = "\n---\n".join((document("Cell", "eye", eye), document("Cell", "ear", ear), *gates))
    begun = time.monotonic()
    assert "NIM0705" in {one.code for one in nimdsl.check_text(text).diagnostics}
    assert time.monotonic() - begun < 20
