"""The fast reader reads what the grammar reads, and takes what is well formed."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nimdsl
from nimdsl.expression import descent, syntax
from nimdsl.expression.descent import Untaken, read
from nimdsl.expression.syntax import SyntaxMistake, unparse
from tests.properties.expressions import ANY_EXPRESSION

WORDS = (
    *(
        "a",
        "in",
        "inner",
        "true",
        "x1",
        "_",
        "1",
        "0",
        "1.5",
        "2e3",
        "9223372036854775808",
        "200ms",
        "40%",
        "1.4LF",
    ),
    *(
        "40%x",
        "1s2",
        "1.",
        ".5",
        "'t'",
        '"t\\""',
        "'",
        "\\",
        "$",
        "=",
        "&",
        "|",
        "é",
        "１",
        "1x",
        "map",
        "has",
    ),
    *(
        "||",
        "&&",
        "==",
        "!=",
        "<=",
        ">=",
        "<",
        ">",
        "+",
        "-",
        "*",
        "/",
        "!",
        "?",
        ":",
        ".",
        ",",
        "(",
        ")",
        "[",
        "]",
    ),
    *("{", "}", "{'k': ", ".map(x, ", "[0]", "a.b", "a.b(", "f(", " ", "\n", "\t", "\u00a0"),
)
TEXTS = st.lists(st.sampled_from(WORDS), max_size=9).map("".join) | st.text(max_size=12)


def both(text: str) -> tuple[Any, Any]:
    """What the fast reader and the grammar find, with where each part begins and ends."""
    try:
        fast: Any = read(text)
    except Untaken:
        fast = None
    try:
        slow: Any = syntax._by_grammar(text)
    except SyntaxMistake:
        slow = None
    return fast, slow


@given(TEXTS)
def test_what_is_taken_is_read_as_the_grammar_reads_it(text: str) -> None:
    fast, slow = both(text)
    assert fast is None or fast == slow


@given(ANY_EXPRESSION, st.sampled_from(["", " ", "\n "]))
def test_what_is_well_formed_is_taken(typed: Any, blank: str) -> None:
    text = re.sub(r"((?<!\de)[(),+*/])", rf"\1{blank}", unparse(typed[1]))
    fast, slow = both(text)
    assert fast is not None
    assert fast == slow


@pytest.mark.parametrize(
    "text",
    [
        "a ? b : c ? d : e",
        "(a ? b : c) ? (d) : ((e + f))",
        "-(-a.b)[0] - !c in [1, 2,3]",
        "((a + b)) * (c) + (d).e",
        "{'a': 1, \"b\": [x, {}]}.a.map(x, x.y(1).z) == f()",
        "-9223372036854775808 + -(9223372036854775808)",
        " a&&b||c\n",
        "x in y",
        "a.in_",
        "inside in inn",
    ],
)
def test_by_hand(text: str) -> None:
    fast, slow = both(text)
    assert fast is not None
    assert fast == slow


@pytest.mark.parametrize("text", ["(" * 40 + "a" + ")" * 40, "１ + 1"])
def test_what_is_left_to_the_grammar_is_read_all_the_same(text: str) -> None:
    assert both(text)[0] is None
    assert syntax.parse(text)


def test_documents_need_no_grammar(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(text: str) -> Any:
        raise AssertionError(text)

    syntax.parse.cache_clear()
    monkeypatch.setattr(syntax, "_by_grammar", never)
    assert nimdsl.load().cells


def test_a_precedence_that_is_wrong_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(descent, "_LEVELS", (*descent._LEVELS[:3], ("*", "/"), ("+", "-")))
    fast, slow = both("a + b * c")
    assert fast != slow
