"""Strings of expressions: escapes are CEL's, and chains are not nesting."""

import pytest

from nimdsl.expression import types
from nimdsl.expression.check import Binding, Scope
from nimdsl.expression.evaluate import closure
from nimdsl.expression.syntax import CHAIN_MAX, Literal, SyntaxMistake, parse, unparse
from nimdsl.expression.template import parse_template


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (r'"\a\b\f\n\r\t\v"', "\a\b\f\n\r\t\v"),
        (r'"\\ \? \" \' \`"', "\\ ? \" ' `"),
        (r"'\x41\u00e9\U0001f409\101\377'", "A\u00e9\U0001f409A\xff"),
        (r'"\\d"', r"\d"),
        (r'"\\\\n"', r"\\n"),
    ],
)
def test_an_escape_stands_for_its_character(written: str, text: str) -> None:
    tree = parse(written)
    assert tree == Literal(text, types.STRING)
    assert parse(unparse(tree)) == tree
    assert unparse(tree).isprintable()


@pytest.mark.parametrize(
    ("written", "offset", "fix"),
    [
        (r'"a\d"', 2, r"\\d"),
        (r'"\x4"', 1, r"\\x"),
        (r'"\8"', 1, r"\\8"),
        (r'"\400"', 1, r"\\4"),
        (r'"\ud83d\udc09"', 1, r"\U0001f409"),
        (r'"\ud83d"', 1, "the character itself"),
        (r'"\U99999999"', 1, r"\U0010ffff"),
    ],
)
def test_another_escape_is_refused_where_it_stands(written: str, offset: int, fix: str) -> None:
    with pytest.raises(SyntaxMistake) as found:
        parse(written)
    assert found.value.offset == offset
    assert fix in found.value.fix


def test_an_escaped_quote_does_not_end_a_template() -> None:
    assert parse_template(r'${"a\"}"}') == Literal('a"}', types.STRING)


@pytest.mark.parametrize("operator", ["&&", "||", "+"])
def test_a_long_chain_is_not_nested(operator: str) -> None:
    kind = types.INT if operator == "+" else types.BOOL
    value = 1 if operator == "+" else operator == "&&"
    scope = Scope({"a": Binding(kind, ("a",))})
    tree = parse(f" {operator} ".join(["a"] * CHAIN_MAX))
    assert closure(tree, scope)({"a": value}) == (CHAIN_MAX if operator == "+" else value)
    assert parse(unparse(tree)) == tree


def test_there_is_an_end_to_chains_and_to_nesting() -> None:
    with pytest.raises(SyntaxMistake, match="200 terms in a row"):
        parse("&&".join(["a"] * (CHAIN_MAX + 2)))
    with pytest.raises(SyntaxMistake, match="40 deep"):
        parse("!" * 41 + "a")


def test_the_least_int_is_one() -> None:
    least = -(2**63)
    assert parse("-9223372036854775808") == Literal(least, types.INT)
    assert parse(unparse(Literal(least, types.INT))) == Literal(least, types.INT)
    with pytest.raises(SyntaxMistake, match="64 bits"):
        parse("9223372036854775808")
