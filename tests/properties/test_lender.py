"""Resources (SEMANTICS 3.8), against a statement that looks for the next in line each time anew."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nimdsl.base.errors import InternalError
from runtime.ledger.lender import Lender, LenderDamaged, LoanEntry, LoanTerms
from tests.support.effort import EFFORT

TERMS = {"desks": LoanTerms(3, 2), "keys": LoanTerms(1, 4)}
OPERATIONS = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.sampled_from(["acquire", "acquire", "give"]),
        st.sampled_from(sorted(TERMS)),
        st.integers(0, 7),
        st.integers(1, 4),
        st.integers(-2, 2),
    ),
    max_size=40,
)


class Waiting(NamedTuple):
    """Somebody in the statement's line."""

    key: str
    units: int
    priority: int
    turn: int


class Model:
    """Who has what, and who waits."""

    def __init__(self) -> None:
        self.lent: dict[str, dict[str, int]] = {name: {} for name in TERMS}
        self.line: dict[str, list[Waiting]] = {name: [] for name in TERMS}
        self.said: list[tuple[str, str, str]] = []
        self.turn = 0

    def acquire(self, resource: str, key: str, units: int, priority: int) -> None:
        line, terms = self.line[resource], TERMS[resource]
        if key in self.lent[resource] or key in {one.key for one in line}:
            return
        free = terms.capacity - sum(self.lent[resource].values())
        if not line and units <= free:
            self._lend(resource, key, units)
        elif units > terms.capacity or len(line) == terms.queue:
            self.said.append((resource, "full", key))
        else:
            self.turn += 1
            line.append(Waiting(key, units, priority, self.turn))
            self.said.append((resource, "queued", key))
            self._serve(resource)

    def give(self, resource: str, key: str) -> None:
        if key in self.lent[resource]:
            del self.lent[resource][key]
            self.said.append((resource, "returned", key))
        elif any(one.key == key for one in self.line[resource]):
            self.line[resource] = [one for one in self.line[resource] if one.key != key]
            self.said.append((resource, "withdrawn", key))
        self._serve(resource)

    def _serve(self, resource: str) -> None:
        while self.line[resource]:
            first = min(self.line[resource], key=lambda one: (-one.priority, one.turn))
            if first.units > TERMS[resource].capacity - sum(self.lent[resource].values()):
                return
            self.line[resource].remove(first)
            self._lend(resource, first.key, first.units)

    def _lend(self, resource: str, key: str, units: int) -> None:
        self.lent[resource][key] = units
        self.said.append((resource, "lent", key))


Operation = tuple[int, str, str, int, int, int]


def tour(operations: list[Operation]) -> list[LoanEntry]:
    """The lines of a lender, each of which is held against the statement."""
    lines: list[LoanEntry] = []
    lender, model, now_ns = Lender(TERMS, written=lines.append), Model(), 0
    for wait_ns, what, resource, who, units, priority in operations:
        now_ns += wait_ns
        key = f"cell/a/{who}"
        if what == "acquire":
            lender.acquire(resource, key, units, priority, now_ns)
            model.acquire(resource, key, units, priority)
        else:
            lender.give_back(resource, key, now_ns)
            model.give(resource, key)
        assert [(one.resource, one.fate, one.key) for one in lines] == model.said, "3.8 who is served"
        for name, shelf in lender.shelves.items():
            assert shelf.lent == model.lent[name], "3.8 who has what"
            assert sum(shelf.lent.values()) <= TERMS[name].capacity, "3.8 no more than there is"
            assert len(shelf.waiting) <= TERMS[name].queue, "3.8 no longer line than there may be"
    _check_sums(lender, lines, now_ns)
    assert Lender(TERMS, lines).shelves == lender.shelves, "3.8 the lines restore it"
    return lines


def _check_sums(lender: Lender, lines: list[LoanEntry], now_ns: int) -> None:
    """What is said of the whole run: by the lines alone."""
    for name, shelf in lender.shelves.items():
        own = [one for one in lines if one.resource == name]
        since = {one.key: one.time_ns for one in own[:0]}
        waits, busy, has = list[int](), 0, dict[str, tuple[int, int]]()
        for one in own:
            if one.fate == "queued":
                since[one.key] = one.time_ns
            elif one.fate == "lent":
                waits.append(one.time_ns - since.pop(one.key, one.time_ns))
                has[one.key] = one.time_ns, one.units
            elif one.fate == "returned":
                at_ns, units = has.pop(one.key)
                busy += units * (one.time_ns - at_ns)
            elif one.fate == "withdrawn":
                del since[one.key]
        busy += sum(units * (now_ns - at_ns) for at_ns, units in has.values())
        assert shelf.busy(now_ns) == busy, "3.8 how long units were lent"
        counted = (shelf.granted, shelf.waited_ns, shelf.waited_max_ns)
        assert counted == (len(waits), sum(waits), max(waits, default=0)), "3.8 how long they waited"


@settings(max_examples=300 * EFFORT)
@given(OPERATIONS)
def test_a_resource_is_lent_in_turn_and_never_beyond_what_there_is(operations: list[Operation]) -> None:
    tour(operations)


@given(OPERATIONS, st.data())
def test_lines_that_no_lender_wrote_are_refused(operations: list[Operation], data: st.DataObject) -> None:
    lines = tour(operations)
    if not lines:
        return
    place = data.draw(st.integers(0, len(lines) - 1))
    with pytest.raises(LenderDamaged):
        Lender(TERMS, [*lines[: place + 1], lines[place], *lines[place + 1 :]])


def test_what_nobody_may_ask_is_a_bug() -> None:
    lender = Lender(TERMS)
    lender.acquire("desks", "a", 1, 0, 5)
    calls: list[Any] = [
        lambda: lender.acquire("chairs", "b", 1, 0, 6),
        lambda: lender.give_back("desks", "a", 4),
    ]
    for call in calls:
        with pytest.raises(InternalError):
            call()
