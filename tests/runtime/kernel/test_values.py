"""Values from outside: what conforms can be journalled, and what does not says where and why."""

from __future__ import annotations

import enum
import math
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nimdsl.base import canonical
from nimdsl.base.units import INT64_MAX
from nimdsl.expression.types import ANY, Type, parse_type
from runtime.kernel import values
from runtime.kernel.values import DEPTH_MAX, Mismatch, accepted, conform
from tests.properties.test_untyped import PLAIN, TYPES, is_a


class Colour(enum.StrEnum):
    RED = "red"


class Mixed(str, enum.Enum):  # noqa: UP042
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError("no")


class HalfPrintable:
    def __repr__(self) -> str:
        return "\ud800"


def type_of(name: str) -> Type:
    kind = ANY if name == "any" else parse_type(name)
    assert kind is not None
    return kind


def one(name: str, value: Any) -> Any:
    return conform({"x": type_of(name)}, {"x": value})["x"]


CYCLE: list[Any] = []
CYCLE.append(CYCLE)


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("int", -5, -5),
        ("int", INT64_MAX, INT64_MAX),
        ("int", Level.LOW, 1),
        ("real", 3, 3.0),
        ("real", 2.5, 2.5),
        ("real", -0.0, 0.0),
        ("duration", 20, 20),
        ("duration", "20ms", 20_000_000),
        ("share", "40%", 400_000),
        ("share", 7, 7),
        ("lifeforce", "0.4", 400_000),
        ("lifeforce", -1, -1),
        ("bytes", "20GiB", 20 * 2**30),
        ("bytes", 64, 64),
        ("string", "ä", "ä"),
        ("string", Colour.RED, "red"),
        ("string", Mixed.BLUE, "blue"),
        ("bool", True, True),
        ("list<int>", (1, 2), [1, 2]),
        ("list<real>", [1, 2.0], [1.0, 2.0]),
        ("list<list<bool>>", [[True], []], [[True], []]),
        ("list<duration>", ["1s", 5], [10**9, 5]),
        ("record", {"a": [None, 1, -0.0, {"b": (True,)}]}, {"a": [None, 1, 0.0, {"b": [True]}]}),
        ("record", MappingProxyType({Colour.RED: Level.LOW}), {"red": 1}),
        ("any", None, None),
        ("any", "20ms", "20ms"),
    ],
)
def test_what_conforms_becomes_plain(name: str, value: Any, wanted: Any) -> None:
    found = one(name, value)
    assert canonical.encode(found) == canonical.encode(wanted)
    assert type(found) is type(wanted)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("int", True),
        ("int", 1.0),
        ("int", "1"),
        ("int", None),
        ("int", INT64_MAX + 1),
        ("int", -INT64_MAX - 2),
        pytest.param("int", 10**5_000, id="too long to print"),
        ("real", True),
        ("real", math.nan),
        ("real", math.inf),
        ("real", -math.inf),
        pytest.param("real", 10**400, id="too large for a real"),
        ("real", "1.5"),
        ("real", 1j),
        ("duration", 1.5),
        ("duration", "20"),
        ("duration", "0.1ns"),
        ("duration", True),
        ("share", "40"),
        ("lifeforce", "lots"),
        ("bytes", "64"),
        ("bytes", "0.5B"),
        ("bytes", 1.5),
        ("string", 1),
        ("string", b"bytes"),
        ("string", "\ud800"),
        ("bool", 1),
        ("bool", "true"),
        ("list<int>", 5),
        ("list<int>", {1}),
        ("list<int>", "12"),
        ("list<int>", [1, True]),
        ("record", []),
        ("record", {1: "a"}),
        ("record", {"a": math.nan}),
        ("record", {"\udfff": 1}),
        ("record", {"a": {"b": object()}}),
        ("any", {1, 2}),
        ("any", CYCLE),
        ("any", 2**63),
        ("any", Unprintable()),
        ("any", HalfPrintable()),
    ],
)
def test_what_does_not_conform_is_refused_in_words(name: str, value: Any) -> None:
    with pytest.raises(Mismatch, match=r"^`x") as caught:
        one(name, value)
    canonical.encode(str(caught.value))


def test_a_number_out_of_range_is_told_the_range() -> None:
    with pytest.raises(Mismatch, match=f"`x`: from -{INT64_MAX} to {INT64_MAX} is wanted, this is int"):
        one("int", INT64_MAX + 1)
    with pytest.raises(Mismatch, match=f"`x`: from -{2**53} to {2**53} is wanted, this is int {2**53 + 1}"):
        one("real", 2**53 + 1)


def test_a_record_has_its_declared_fields_and_no_others() -> None:
    assert one("{k: real, q: duration}", {"k": 1, "q": "2s"}) == {"k": 1.0, "q": 2 * 10**9}
    assert one("{k: real}", {}) == {}
    with pytest.raises(Mismatch, match=r"`x.k`: real is wanted, this is str 'a'"):
        one("{k: real}", {"k": "a"})
    with pytest.raises(Mismatch, match="`x` has no field `q`"):
        one("{k: real}", {"q": 1})


def test_the_place_is_named() -> None:
    with pytest.raises(Mismatch, match=r"`x\[1\]\[0\]`: real is wanted, this is str 'a'"):
        one("list<list<real>>", [[1], ["a"]])
    with pytest.raises(Mismatch, match=r"`x.a\[1\].b`: plain data is wanted, this is complex 1j"):
        one("record", {"a": [0, {"b": 1j}]})


@pytest.mark.parametrize(
    ("given_value", "words"),
    [
        (None, "a mapping of a, b is wanted, this is NoneType"),
        ([1, 2], "a mapping of a, b is wanted"),
        ({"a": 1}, "`b` is missing"),
        ({"a": 1, "b": 2, "c": 3}, "`c` is not declared"),
        ({"a": 1, "b": 2, 3: 3}, "`int 3` is not declared"),
        ({"a": 1, "b": 2, "\ud800": 3}, "is not declared"),
    ],
)
def test_exactly_the_declared_keys_are_wanted(given_value: Any, words: str) -> None:
    returns = {"a": type_of("int"), "b": type_of("int")}
    with pytest.raises(Mismatch, match=words) as caught:
        conform(returns, given_value)
    canonical.encode(str(caught.value))


def test_nothing_may_be_returned_where_nothing_is_declared() -> None:
    assert conform({}, None) == conform({}, {}) == {}
    with pytest.raises(Mismatch, match="a mapping of nothing is wanted"):
        conform({}, 0)


def test_depth_has_a_bound() -> None:
    def nested(depth: int) -> Any:
        value: Any = 1
        for _ in range(depth):
            value = [value]
        return value

    assert one("any", nested(DEPTH_MAX)) == nested(DEPTH_MAX)
    with pytest.raises(Mismatch, match="nested more than"):
        one("any", nested(DEPTH_MAX + 1))


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(st.characters(), max_size=4)
    | st.text(st.characters(categories=["Cs", "Lu"]), max_size=3)
    | st.binary(max_size=3)
    | st.sampled_from([Colour.RED, Mixed.BLUE, Level.LOW, "20ms", "40%", "0.4", 10**400]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(st.characters(), max_size=2) | st.integers(), inner, max_size=3)
    ),
    max_leaves=8,
)
SCALAR_NAMES = ["int", "real", "duration", "share", "lifeforce", "bytes", "string", "bool"]
NAMES = st.sampled_from([*SCALAR_NAMES, "record", "any", "list<real>", "list<list<string>>"])


@given(NAMES, ANYTHING)
def test_what_conform_returns_can_be_journalled_and_conforms_again(name: str, value: Any) -> None:
    try:
        found = conform({"x": type_of(name)}, {"x": value})
    except Mismatch as mismatch:
        canonical.encode(str(mismatch))
        return
    data = canonical.encode(found)
    assert canonical.decode(data) == found
    assert conform({"x": type_of(name)}, found) == found
    assert not any(math.copysign(1, real) < 0 for real in reals(found) if real == 0)


def reals(value: Any) -> list[float]:
    """All of them, wherever they are."""
    if isinstance(value, dict | list):
        items = value.values() if isinstance(value, dict) else value
        return [real for item in items for real in reals(item)]
    return [value] if isinstance(value, float) else []


def an_accepted_value_is_of_its_type(kind: Type, value: Any) -> None:
    try:
        found = accepted({"x": kind}, {"x": value})["x"]
    except Mismatch:
        assert not is_a(kind, value), "what is of the type is accepted"
        return
    assert is_a(kind, found)
    assert not is_a(kind, value) or found == value


def test_an_event_has_the_declared_types() -> None:
    given(TYPES, PLAIN)(an_accepted_value_is_of_its_type)()


def test_the_law_kills_one_who_believes_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(values, "_fitting", lambda kind: lambda value: True)
    with pytest.raises((AssertionError, ExceptionGroup)):
        given(TYPES, PLAIN)(an_accepted_value_is_of_its_type)()
