"""Sizes as text: read exactly, written in the unit that makes them shortest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gardens.report.words import size
from nimdsl.base.units import BYTES, INT64_MAX, format_bytes, meant_bytes, parse_bytes
from nimdsl.expression.syntax import Literal, SyntaxMistake, parse, unparse
from nimdsl.expression.types import BYTES as KIND

SIZES = st.integers(0, INT64_MAX) | st.builds(
    lambda count, unit: min(count * unit, INT64_MAX),
    st.integers(0, 2_000),
    st.sampled_from([*BYTES.values()]),
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("64B", 64),
        ("20GiB", 20 * 2**30),
        ("40GB", 40 * 10**9),
        ("1.5TB", 1_500_000_000_000),
        ("0.5KiB", 512),
        ("512 MiB", 512 * 2**20),
        ("2kB", 2_000),
        ("0.5B", None),
        ("0.0001KiB", None),
        ("20GIB", None),
        ("20gb", None),
        ("2KB", None),
        ("8192PiB", None),
        ("-1B", None),
        ("20", None),
    ],
)
def test_a_size_is_read_exactly(text: str, value: int | None) -> None:
    assert parse_bytes(text) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0B"),
        (64, "64B"),
        (1_000, "1kB"),
        (1_024, "1KiB"),
        (1_500, "1.5kB"),
        (1_536, "1536B"),
        (1_536 * 1_024, "1.5MiB"),
        (20 * 2**30, "20GiB"),
        (-20 * 2**30, "-20GiB"),
        (20 * 2**30 + 1, "21474836481B"),
        (1_500_000_000_000, "1.5TB"),
    ],
)
def test_a_size_is_written_in_the_unit_that_makes_it_shortest(value: int, text: str) -> None:
    assert format_bytes(value) == text


@given(SIZES)
def test_what_is_written_reads_the_same(value: int) -> None:
    assert parse_bytes(format_bytes(value)) == value
    literal = Literal(value, KIND)
    again = parse(unparse(literal))
    assert isinstance(again, Literal)
    assert (again.value, again.type) == (value, KIND)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 B"),
        (20 * 2**30, "20 GiB"),
        (40 * 10**9, "40 GB"),
        (20 * 2**30 + 1, "20 GiB"),
        (12_345_678, "11.8 MiB"),
        (-12_345_678, "−11.8 MiB"),
        (INT64_MAX, "8192 PiB"),
    ],
)
def test_people_read_at_most_three_digits_or_the_exact_text(value: int, text: str) -> None:
    assert size(value) == text


@pytest.mark.parametrize(
    ("word", "unit"),
    [("GIB", "GiB"), ("gb", "GB"), ("KB", "kB"), ("Gi", "GiB"), ("bytes", "B"), ("b", "B"), ("min", "")],
)
def test_a_unit_in_another_case_is_recognised(word: str, unit: str) -> None:
    assert meant_bytes(word) == unit


@pytest.mark.parametrize(
    ("text", "fix"), [("x > 20GIB", "`20GiB`"), ("1.5 gb", "`1.5GB`"), ("2KB + x", "`2kB`")]
)
def test_an_expression_says_how_the_unit_is_written(text: str, fix: str) -> None:
    with pytest.raises(SyntaxMistake) as wrong:
        parse(text)
    assert wrong.value.fix == f"write {fix}"


def test_an_identifier_before_a_word_is_no_number() -> None:
    with pytest.raises(SyntaxMistake) as wrong:
        parse("x2 gb")
    assert "unit" not in wrong.value.message
