"""One evaluation is so much work at most, and its value so large."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nimdsl.expression import types
from nimdsl.expression.check import Binding, Scope
from nimdsl.expression.evaluate import Fault, closure, exceeds
from nimdsl.expression.syntax import parse
from nimdsl.expression.types import list_of

SCOPE = Scope(
    {
        "xs": Binding(list_of(types.INT), ("$data", "xs")),
        "text": Binding(types.STRING, ("$data", "text")),
        "r": Binding(types.RECORD, ("$data",)),
    }
)
NESTED = [
    "xs.all(a, xs.all(b, xs.all(c, a + b + c > 0)))",
    "r.xs.map(a, r.xs.map(b, r.xs.map(c, 1)))",
    "xs.map(a, xs.map(b, sum(xs)))",
    "xs.map(a, xs.filter(b, a in xs))",
    "xs.map(a, xs.map(b, xs + xs))",
    "xs.all(a, xs.all(b, xs == xs))",
    "xs.all(a, size(distinct(xs)) > 0 && size(distinct(xs)) > 0)",
    "xs.map(a, xs.map(b, size(text + text)))",
    "xs.map(a, xs.map(b, string('is ' + text) == text))",
    "xs.map(a, xs.map(b, contains(r.xs, a)))",
]


def value_of(text: str, size: int) -> Any:
    data = {"xs": list(range(size)), "text": "t" * size * 100}
    return closure(parse(text), SCOPE)({"$data": data})


@pytest.mark.parametrize("text", NESTED)
def test_work_has_an_end(text: str) -> None:
    value_of(text, 10)
    with pytest.raises(Fault, match="it takes more than 1,000,000 steps"):
        value_of(text, 400)


def test_each_evaluation_begins_anew() -> None:
    evaluated = closure(parse("xs.map(a, sum(xs))"), SCOPE)
    for _ in range(10):
        assert evaluated({"$data": {"xs": list(range(500))}}) == [124_750] * 500


@pytest.mark.parametrize("text", ["xs.map(a, xs)", "xs.map(a, text)", "xs.map(a, {'all': xs})"])
def test_a_value_that_is_there_many_times_is_large(text: str) -> None:
    value_of(text, 100)
    with pytest.raises(Fault, match="the result has more than 1,048,576 items and characters"):
        value_of(text, 2_000)


PLAIN = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
)


def size_of(value: Any) -> int:
    """The second statement of ``exceeds``, without an early end."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    own = len(value) if isinstance(value, str | list | dict) else 0
    return own + sum(map(size_of, inner))


@given(PLAIN, st.integers(0, 20))
def test_how_large_a_value_is(value: Any, size: int) -> None:
    assert exceeds(value, size) == (size_of(value) > size)
