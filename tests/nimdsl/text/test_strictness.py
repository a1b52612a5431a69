"""What the parser takes although YAML does not, and characters that nobody sees."""

import pytest
import yaml

from nimdsl.text.scalars import WORDS
from nimdsl.text.source import Source
from nimdsl.text.tree import parse


def found(text: str) -> tuple[str, int, int, str, str]:
    _, (only,) = parse(Source("f.yaml", text))
    return only.code, only.place.line, only.place.column, only.message, only.fix


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ('key: "v"# x\n', 9),
        ("key: 'v'#x\n", 9),
        ("key: [a]#x\n", 9),
        ("key: {a: b}#x\n", 12),
        ("key: [#x\n b]\n", 7),
        ("key: [a,#x\n b]\n", 9),
        ("block: ># c\n  text\n", 9),
        ("block: |-#c\n  text\n", 10),
    ],
)
def test_a_comment_begins_with_a_space(text: str, column: int) -> None:
    code, line, at, message, fix = found(text)
    assert (code, line, at) == ("NIM0106", 1, column)
    assert "comment" in message
    assert "space" in fix
    mended = text[: column - 1] + " " + text[column - 1 :]
    assert parse(Source("f.yaml", mended))[1] == ()


@pytest.mark.parametrize(
    ("text", "column", "fix"),
    [
        ("k: [-]\n", 5, '"-"'),
        ("k: {a: -}\n", 8, '"-"'),
        ("k: {?foo: bar}\n", 5, '"?foo"'),
        ("k: [?x]\n", 5, '"?x"'),
        ("k: {a: Why so?}\n", 8, '"Why so?"'),
        ("k: {a?b: c}\n", 5, '"a?b"'),
    ],
)
def test_what_tools_read_differently_inside_brackets_is_quoted(text: str, column: int, fix: str) -> None:
    code, line, at, _, said = found(text)
    assert (code, line, at) == ("NIM0106", 1, column)
    assert said == f"quote it: {fix}"
    word = fix.strip('"')
    mended = text.replace(word, fix)
    roots, problems = parse(Source("f.yaml", mended))
    assert not problems
    assert [root.plain() for root in roots] == [yaml.safe_load(mended)]


def test_a_question_outside_brackets_is_text() -> None:
    roots, problems = parse(Source("f.yaml", "k: Why so?\n? a\n: b\n"))
    assert not problems
    assert roots[0].plain() == {"k": "Why so?", "a": "b"}


@pytest.mark.parametrize(
    ("written", "value"),
    [
        (r'"\ud83d\udc09"', "\U0001f409"),
        (r'"a \uD83D\uDC09\ud83d\ude00 b"', "a \U0001f409\U0001f600 b"),
        (r'"\\ud83d\\udc09"', r"\ud83d\udc09"),
        (r"'\ud83d\udc09'", r"\ud83d\udc09"),
        (r"\ud83d\udc09 plain", r"\ud83d\udc09 plain"),
    ],
)
def test_the_pairs_that_json_writes_are_one_character(written: str, value: str) -> None:
    roots, problems = parse(Source("f.yaml", f"k: {written}\n"))
    assert not problems
    assert roots[0].plain() == {"k": value}


def test_half_a_pair_is_refused() -> None:
    code, line, column, message, fix = found('k: "\\ud83d"\n')
    assert (code, line, column) == ("NIM0106", 1, 7)
    assert "half of a pair" in message
    assert fix == "write the character itself"


@pytest.mark.parametrize("text", ["a: 1\n\t\nb: 2\n", "a:\n  - b\n\t\n  - c\n", "\t\na: 1\n"])
def test_a_line_with_nothing_but_a_tab_is_to_be_empty(text: str) -> None:
    code, _, _, message, fix = found(text)
    assert code == "NIM0113"
    assert message == "this line holds nothing but a tab"
    assert fix == "empty it"
    assert not parse(Source("f.yaml", text.replace("\t", "")))[1]


@pytest.mark.parametrize(
    ("text", "line", "column", "name"),
    [
        ("a:\n  - event:\xa0go\n    internal: true\n", 2, 11, "U+00A0 (no-break space)"),
        ("a:\n  - event: go\n  \xa0\xa0internal: true\n", 3, 3, "U+00A0 (no-break space)"),
        ("a: go\u200b\n", 1, 6, "U+200B (zero width space)"),
        ("a: g\u200bo\n", 1, 5, "U+200B (zero width space)"),
        ("\ufeffa\xa0: 1\nb: 1\n", 1, 3, "U+00A0 (no-break space)"),
        ("a:\n  -\xa0b\n", 2, 4, "U+00A0 (no-break space)"),
        ("a: b\xa0# c\n", 1, 5, "U+00A0 (no-break space)"),
    ],
)
def test_a_character_that_nobody_sees_is_named_where_it_stands(
    text: str, line: int, column: int, name: str
) -> None:
    code, at_line, at_column, message, _ = found(text)
    assert (code, at_line, at_column) == ("NIM0106", line, column)
    assert name in message


def test_prose_may_hold_them() -> None:
    text = "a: 20\xa0km \xe0 pied\nb: \U0001f468\u200d\U0001f469\u200d\U0001f467 \xe9t\xe9\nc: 'x\xa0'\n"
    assert not parse(Source("f.yaml", text))[1]


def test_a_comment_inside_a_quote_inside_brackets_is_said() -> None:
    code, line, column, message, fix = found('k: {a: x == "b #7", c: d}\n')
    assert (code, line, column) == ("NIM0106", 1, 16)
    assert "comment" in message
    assert "quotes" in fix


def test_what_is_said_of_pyyaml_is_so() -> None:
    booleans = ["yes", "Yes", "NO", "on", "Off"]
    for word in [*booleans, "y", "N", "0777", "12:30", "1_000", "2026-01-01"]:
        _, _, _, message, _ = found(f"k: {word}\n")
        claimed = "PyYAML" in message
        assert claimed == (not isinstance(yaml.safe_load(f"k: {word}")["k"], str)), message
    assert all("PyYAML" not in WORDS[word].message for word in ("y", "n", "Y", "N"))
    with pytest.raises(yaml.YAMLError):
        yaml.load("k: {a: Why so?}", yaml.SafeLoader)
