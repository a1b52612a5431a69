"""Records as bytes: the fast way writes what the canonical one does, and every byte can be read again."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any, Literal, get_type_hints

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import fields

from nimdsl.base import canonical
from nimdsl.base.errors import PackageError
from nimdsl.base.values import Fields, Value
from runtime import record_classes, records
from runtime.record_bytes import (
    decision_of,
    encode,
    form_of,
    from_data,
    is_decision,
    noted_data,
    noted_from_data,
    to_data,
)
from runtime.record_classes import PLACE, bodies, own_bodies, problem_of, tag_of
from runtime.records import (
    Aside,
    Body,
    Emitted,
    Foreign,
    Identity,
    LevelTimes,
    Moment,
    Moved,
    Noted,
    Record,
    Refused,
)
from tests.support.effort import examples
from tests.support.structs import EXACT, TEXT, VALUES, values_of


class Sighted(Foreign, frozen=True, tag="test/sighted"):
    """What a kind outside the package might leave."""

    what: str
    where: Fields
    parts: list[LevelTimes]
    seen_ns: Aside[int]
    more: Value = None
    share: float | None = None
    by: Aside[str] = ""


@pytest.fixture(autouse=True, scope="module")
def _registered() -> Iterator[None]:
    """As if a package had brought it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(record_classes, "foreign_records", lambda: (Sighted,))
        record_classes.bodies.cache_clear()
        yield
    record_classes.bodies.cache_clear()


@contextmanager
def brought(*classes: type[Foreign]) -> Iterator[None]:
    """As if a package had brought these instead."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(record_classes, "foreign_records", lambda: classes)
        bodies.cache_clear()
        try:
            yield
        finally:
            bodies.cache_clear()


def test_packages_are_asked_for_their_records_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking entry points up takes milliseconds: far longer than to read a record."""
    asked: list[tuple[type[Body], ...]] = []

    def foreign() -> tuple[type[Body], ...]:
        asked.append((Sighted,))
        return asked[-1]

    monkeypatch.setattr(record_classes, "foreign_records", foreign)
    bodies.cache_clear()
    data = to_data(Record("cell/a", 1, 2, Emitted(0.5, "seen", 3)))
    assert [to_data(from_data(data)) for _ in range(5)] == [data] * 5
    assert len(asked) == 1


MOMENTS = st.none() | values_of(Moment)
PLACES = st.tuples(TEXT, st.integers(0, 1 << 40), st.integers(0, 1 << 63))


def check(record: Record) -> None:
    whole, decision = encode(record)
    assert whole == canonical.encode(to_data(record))
    assert decision == canonical.encode(decision_of(record))
    assert from_data(canonical.decode(whole)) == record
    noted = Noted(record.body, record.moment)
    assert noted_from_data(canonical.decode(canonical.encode(noted_data(noted)))) == noted


@pytest.mark.parametrize("body", bodies().values(), ids=lambda body: body.__name__)
def test_bytes_are_the_canonical_ones_and_can_be_read_again(body: type[Body]) -> None:
    @given(values_of(body), MOMENTS, PLACES)
    @settings(max_examples=examples(40))
    def one(what: Any, moment: Moment | None, place: tuple[str, int, int]) -> None:
        check(Record(*place, what, moment))

    one()


@given(TEXT, VALUES, values_of(list[LevelTimes]), st.integers(), VALUES, MOMENTS)
@settings(max_examples=examples(60))
def test_so_are_those_of_kinds_that_the_package_does_not_know(
    text: str, value: Any, parts: list[LevelTimes], at_ns: int, more: Any, moment: Moment | None
) -> None:
    check(Record("kind/x", 0, 0, Sighted(text, {"a": value}, parts, at_ns, more, 1.0, text), moment))
    check(Record("kind/x", 0, 0, Sighted(text, {}, [], at_ns), moment))


@given(st.sampled_from([1.0, -1.5, 1e16, 1e-7, 5e-324, 0.1 + 0.2]), st.booleans())
def test_floats_keep_their_form_wherever_they_are(value: float, deep: bool) -> None:
    """The two ways write them differently, so a body that holds one goes the canonical way."""
    content: Value = {"a": [{"b": value}]} if deep else value
    for body in (
        Emitted(1.0, content, 1),
        Moved("e", "a", "b", {"x": content}),
        Moved("e", "a", "b", {}, {"x": [content]}),
    ):
        record = Record("cell/c", 3, 4, body)
        check(record)
        assert repr(value).encode() in encode(record)[0]


@given(EXACT)
@example({"a": (1 << 64) + 1, "b": -(1 << 63) - 1, "c": 10**40})
def test_without_floats_both_ways_write_the_same(value: Any) -> None:
    assert msgspec.json.Encoder(order="sorted").encode(value) == canonical.encode(value)


def test_so_they_do_in_every_plane_of_unicode() -> None:
    chance = random.Random(1)
    known = [chr(code) for code in range(0x3000)]
    for plane in range(17):
        first = plane << 16
        codes = {first, first + 1, *(first + 0xFFFE + end for end in (0, 1))}
        codes |= {first + chance.randrange(0x10000) for _ in range(400)}
        known += [chr(code) for code in sorted(codes) if not 0xD800 <= code < 0xE000]
    chance.shuffle(known)
    encoder = msgspec.json.Encoder(order="sorted")
    for value in ("".join(known), known, {text: number for number, text in enumerate(known)}):
        assert encoder.encode(value) == canonical.encode(value)
    check(Record("cell/" + "".join(known), 0, 0, Refused("".join(known), "a", 1, 1)))


@pytest.mark.parametrize("half", ["\ud800", "a\udfff"])
def test_half_a_character_has_no_bytes_either_way(half: str) -> None:
    for body in (Refused(half, "a", 1, 1), Emitted(1.0, half, 1)):
        with pytest.raises(ValueError, match="surrogate"):
            encode(Record("cell/c", 0, 0, body))


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ([1], "an object is wanted"),
        ({}, "it wants `actor`, `sequence` and `time_ns`"),
        ({"actor": "a", "sequence": 0, "time_ns": 0}, "no record is called None"),
        ({"actor": "a", "sequence": 0, "time_ns": 0, "type": "thought"}, "no record is called 'thought'"),
        ({"actor": "a", "sequence": 0, "time_ns": 0, "type": "begin"}, "state"),
        ({"actor": "a", "sequence": 0, "time_ns": 0, "type": "begin", "state": 3}, "state"),
        ({"actor": "a", "sequence": 0, "time_ns": 0, "type": "begin", "state": "a", "at_ns": 0}, "beat"),
    ],
)
def test_what_is_no_record_is_told(data: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        from_data(data)


# What is a decision

NO_DECISION = {"time_ns", "number", "request", "keys", "balance", "at_ns", "from_ns", "to_ns"}
NO_DECISION |= {"left_ns", "remaining_ns", "overrun_ns", "times", "why", "next_number"}
"""As it was when records were dictionaries."""
WHAT_ACTIONS_DID = {"changed", "appended", "inside", "times"}
WHAT_GATES_FELT = {"wave", "score", "raw", "value", "triggers"}
WHAT_CAME_OF_IT = {"discrepancy", "took_ns"}
HOW_LONG_IT_TOOK = {"waited_ns", "served_ns"}
BESIDE = NO_DECISION | WHAT_ACTIONS_DID | WHAT_GATES_FELT | WHAT_CAME_OF_IT | HOW_LONG_IT_TOOK
DECISIONS = {
    "begin": "state",
    "transition": "event from to",
    "ignored": "event state",
    "fault": "state reason",
    "faulted": "reason",
    "refused": "event state price level economy",
    "work": "work attempt",
    "repeat": "work attempt wait_ns",
    "abandoned": "work",
    "given_back": "work",
    "emit": "confidence content",
    "send": "to event payload role",
    "send_each": "to event payload count",
    "reward": "reward",
    "request": "to message",
    "reply": "to message",
    "answered_again": "",
    "duplicate": "",
    "malformed": "reason",
    "deferred": "event",
    "dropped": "reason",
    "stale": "",
    "handshake": "phase name verdict attempts translations reason sent received",
    "phase": "phase verdict handshakes accepted rejected failed tries",
    "arrival": "item level name takes_ns baseline gate",
    "grant": "item level name ended",
    "drop": "item level name reason",
    "overrun": "item level",
    "beat": "settled counts",
    "correlation_event": "",
    "gate_transition": "from to opening tier cause cost",
    "verified": "opening outcome weight gain",
    "verification_outcome": "opening outcome",
    "late": "opening tier bound_ns",
    "health": "absent disabled degraded",
    "organ_request": "organ task priority stage",
    "organ_end": "organ task outcome cost version",
    "model": "organ card from to cause cost version",
    "slumbering": "economy asleep",
}
OWN = own_bodies()


def test_the_decisions_of_each_type_are_what_they_were() -> None:
    assert {tag_of(body): " ".join(form_of(body).decisions) for body in OWN} == DECISIONS


@pytest.mark.parametrize("body", OWN, ids=tag_of)
def test_every_field_is_a_decision_or_beside_the_point(body: type[Body]) -> None:
    form, names = form_of(body), [one.encode_name for one in fields(body)]
    assert sorted((*form.decisions, *form.asides)) == sorted(names)
    assert not set(form.decisions) & NO_DECISION
    assert set(form.asides) <= BESIDE
    hints = get_type_hints(body, include_extras=True)
    assert form.decisions == tuple(one.encode_name for one in fields(body) if is_decision(hints[one.name]))


@pytest.mark.parametrize("body", OWN, ids=tag_of)
def test_a_decision_is_what_the_old_list_leaves(body: type[Body]) -> None:
    @given(values_of(body), MOMENTS)
    @settings(max_examples=examples(10))
    def one(what: Any, moment: Moment | None) -> None:
        record = Record("cell/c", 7, 8, what, moment)
        assert decision_of(record) == {
            key: value for key, value in to_data(record).items() if key not in BESIDE
        }

    one()


@pytest.mark.parametrize("body", bodies().values(), ids=tag_of)
def test_no_field_has_the_name_of_a_place(body: type[Body]) -> None:
    assert not PLACE & {one.encode_name for one in fields(body)}
    assert not problem_of(body)


def test_tags_are_of_one_class_each() -> None:
    assert len({tag_of(body) for body in own_bodies()}) == len(own_bodies()) < len(bodies())
    assert records.tag_of(Refused("push", "a", 1, 1)) == tag_of(Refused) == "refused"


def _foreign(
    tag: str | None = "test/bell",
    name: str = "rung",
    default: Any = msgspec.NODEFAULT,
    kind: Any = Any,
    **config: Any,
) -> Any:
    field = (name, kind, msgspec.field(default=default))
    return msgspec.defstruct("Bell", [field], bases=(Foreign,), frozen=True, tag=tag, **config)


UNSAFE: list[Any] = [1000, "calm", 0.5, (1,), frozenset(), -6]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        *((_foreign(name=one), f"`{one}` is what every record has") for one in sorted(PLACE - {"type"})),
        *((_foreign(default=one), "the default of `rung`") for one in UNSAFE),
        (_foreign("emit"), "another record `emit`"),
        (_foreign(None), "no tag of its own"),
    ],
)
def test_a_foreign_record_that_could_not_be_read_again_is_refused(body: type[Foreign], why: str) -> None:
    with brought(body):
        for attempt in (bodies, lambda: form_of(body), lambda: noted_data(Noted(body(1)))):
            with pytest.raises(PackageError, match=why):
                attempt()


class Pair(msgspec.Struct, omit_defaults=True):
    """What is written by chance when it holds 300."""

    one: int = 300


class Cord(msgspec.Struct):
    """It leads to itself."""

    end: Cord | None
    knots: dict[str, frozenset[int]]


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (set[str], "a set"),
        (Annotated[frozenset[int], msgspec.Meta(min_length=1)] | None, "a set"),
        (list[dict[str, set[int]]], "a set"),
        (Cord, "a set"),
        (dict[int, int], "keys are not text"),
        (Mapping[Literal["a", 1], int], "keys are not text"),
        (complex, r"no JSON form \(complex\)"),
        (msgspec.Raw, "no JSON form"),
        (tuple[int, Pair], "Pair, whose defaults would be written by chance"),
        ("Nowhere", "name 'Nowhere' is not defined"),
        (int | complex | str, "msgspec cannot read its fields"),
    ],
)
def test_so_is_a_field_without_one_form(kind: Any, why: str) -> None:
    body = _foreign(kind=kind)
    assert re.search(why, problem_of(body))
    with brought(body), pytest.raises(PackageError, match=why):
        encode(Record("a", 0, 0, body(None)))


@pytest.mark.parametrize(
    "kind",
    [list[tuple[int, ...]], Mapping[Literal["a"], Identity], bytes, Value, Fields | None, LevelTimes],
)
def test_other_fields_are_taken(kind: Any) -> None:
    assert not problem_of(_foreign(kind=kind))


@pytest.mark.parametrize(
    "config",
    [
        {"tag_field": "sort"},
        {"array_like": True},
        {"omit_defaults": False},
        {"forbid_unknown_fields": True},
    ],
)
def test_so_is_a_record_that_would_look_otherwise(config: dict[str, Any]) -> None:
    assert "in another manner" in problem_of(_foreign(**config))


def test_a_record_that_no_behaviour_names_is_not_written() -> None:
    stray = _foreign("test/stray")
    for attempt in (lambda: encode(Record("a", 0, 0, stray(1))), lambda: noted_data(Noted(stray(1)))):
        with pytest.raises(PackageError, match=r"Bell cannot be taken: .* add it to `records`"):
            attempt()


@pytest.mark.parametrize("value", [None, True, "", 0, 256, -5])
def test_a_default_is_written_or_not_by_what_it_is_and_not_by_chance(value: Any) -> None:
    body = _foreign(default=value)
    assert not problem_of(body)
    made = canonical.decode(canonical.encode({"rung": value}))["rung"]
    with brought(body):
        assert encode(Record("a", 0, 0, body(made))) == encode(Record("a", 0, 0, body()))
