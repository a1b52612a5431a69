"""The tree: values, places, and every way in which YAML is refused."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

import nimdsl.text.tree as module
from nimdsl.base.diagnostics import Diagnostic
from nimdsl.text.source import Source
from nimdsl.text.tree import ListNode, MapNode, Node, Scalar, parse


def read(text: str) -> tuple[tuple[Node, ...], tuple[Diagnostic, ...]]:
    return parse(Source("a.yaml", text))


def whole(text: str) -> Node:
    """The one document of ``text``, which must be faultless."""
    roots, diagnostics = read(text)
    assert diagnostics == ()
    assert len(roots) == 1
    assert not roots[0].damaged
    return roots[0]


UNREAD = ("NIM0104", "NIM0106", "NIM0107", "NIM0108")
"""Where the document that is wrong is not returned; those before it are."""


def problem(text: str) -> Diagnostic:
    """The one diagnostic of ``text``."""
    roots, diagnostics = read(text)
    assert len(diagnostics) == 1
    assert not roots or roots[-1].damaged or diagnostics[0].code in UNREAD
    return diagnostics[0]


def at(diagnostic: Diagnostic) -> tuple[int, int]:
    return diagnostic.place.line, diagnostic.place.column


# Values


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("12", 12),
        ("-12", -12),
        ("+1", 1),
        ("0", 0),
        ("0o17", 15),
        ("0x1F", 31),
        ("0.4", 0.4),
        (".5", 0.5),
        ("1.", 1.0),
        ("1.0e+3", 1000.0),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
    ],
)
def test_core_schema(text: str, value: Any) -> None:
    node = whole(f"a: {text}")
    assert node.plain() == {"a": value}
    assert type(node.plain()["a"]) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "200ms",
        "40%",
        "1.2.3",
        "10.0.0.1",
        "a=b",
        "tRUE",
        "inf",
        "nan",
        "0b",
        "-5s",
        "+",
        "..",
        "1:2 3",
        "0x",
        "1e",
        "-a",
    ],
)
def test_everything_else_is_text(text: str) -> None:
    assert whole(f"a: {text}").plain() == {"a": text}


def test_a_scalar_keeps_what_was_written() -> None:
    root = whole("cost: 0.40\nname: '0.40'\n")
    assert isinstance(root, MapNode)
    cost, name = root.entries["cost"], root.entries["name"]
    assert isinstance(cost, Scalar)
    assert isinstance(name, Scalar)
    assert (cost.value, cost.text, cost.quoted) == (0.4, "0.40", False)
    assert (name.value, name.text, name.quoted) == ("0.40", "0.40", True)


def test_several_documents_without_the_empty_ones() -> None:
    roots, diagnostics = read("---\na: 1\n---\n# nothing\n---\n- b\n---\n")
    assert diagnostics == ()
    assert [root.plain() for root in roots] == [{"a": 1}, ["b"]]


@pytest.mark.parametrize("text", ["a: 1\r\nb: [2]\r\n", "\ufeffa: 1\nb: [2]\n"])
def test_line_ends_and_byte_order_mark(text: str) -> None:
    assert whole(text).plain() == {"a": 1, "b": [2]}


def test_an_alias_is_the_node_of_its_anchor() -> None:
    root = whole("a: &a {x: 1}\nb: *a\n&k c: 2\nd: {*k : 3}\n")
    assert root.plain() == {"a": {"x": 1}, "b": {"x": 1}, "c": 2, "d": {"c": 3}}
    assert isinstance(root, MapNode)
    assert root.get("b") is root.get("a")


def test_anchors_end_with_their_document() -> None:
    assert problem("a: &a 1\n---\nb: *a\n").code == "NIM0108"


# Places


def test_places() -> None:
    root = whole("name: idle\nitems: [one, 'two']\ntext: |\n  long\n")
    assert isinstance(root, MapNode)
    assert str(root.key_place("items")) == "a.yaml:2:1"
    assert root.key_place("items").length == 5
    assert str(root.key_place("absent")) == "a.yaml:1:1"
    assert root.get("absent") is None
    items = root.entries["items"]
    assert isinstance(items, ListNode)
    assert str(items.place) == "a.yaml:2:8"
    two = items.items[1].place
    assert (two.line, two.column, two.length, two.excerpt) == (2, 14, 5, "items: [one, 'two']")
    assert (root.entries["text"].place.column, root.entries["text"].place.length) == (7, 1)


def test_a_caret_stands_under_its_word_after_a_tab() -> None:
    lines = problem("a:\ton").to_text().splitlines()
    assert lines[2].index("^") == lines[1].index("on")


# Diagnostics, each with what it finds and what it leaves alone


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "\n\n", "---\n---\n"])
def test_nim0103_no_document(text: str) -> None:
    assert problem(text).code == "NIM0103"


def test_nim0103_leaves_an_empty_text_alone() -> None:
    assert whole("''").plain() == ""


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("a: b: c", (1, 5), "`:`"),
        ("a: [1, 2\nb: 1", (2, 2), "opened by `[` on line 1"),
        ("a: {x: 1\n", (2, 1), "opened by `{` on line 1"),
        ('a: "x\nb: 1\n', (3, 1), "the quote opened on line 1 is never closed"),
        ("a: @x", (1, 4), "cannot begin with `@`"),
        ("a: %x", (1, 4), "cannot begin with `%`"),
        ("a: *\n", (1, 5), "alias"),
        ('a: "\\q"', (1, 5), "escape"),
        ("- a\nb: 1", (2, 1), "the list that begins on line 1"),
        ("a: 'x' y", (1, 8), "the map that begins in column 1"),
        ("a: - b", (1, 4), "list"),
        ("a: 1\nb\nc: 2", (3, 1), "no `:` on line 2"),
        ("a: ]", (1, 4), "found `]`"),
        ("a: |x\n", (1, 5), "the line must end"),
        ("a: 1\n...\nb: 1\n", (3, 1), "ended before"),
        ("%YAML 3.0\n---\na", (1, 1), "version"),
        ("%FOO\n---\na", (1, 5), "directive"),
        ("a: 1\nb: \x01", (2, 4), "U+0001"),
        ("a: \ud800", (1, 4), "U+D800"),
    ],
)
def test_nim0106_syntax_in_words(text: str, place: tuple[int, int], says: str) -> None:
    found = problem(text)
    assert found.code == "NIM0106"
    assert says in found.message
    assert found.fix
    assert at(found) == place


def test_nim0106_keeps_the_documents_before() -> None:
    roots, diagnostics = read("a: 1\n---\nb: 2\n---\nc: [\n")
    assert [root.plain() for root in roots] == [{"a": 1}, {"b": 2}]
    assert [diagnostic.code for diagnostic in diagnostics] == ["NIM0106"]


@pytest.mark.parametrize("text", ["[" * 65, "- " * 65, "{a: " * 20_000, "? " * 100_000, "[" * 1_000_000])
def test_nim0107_too_deep(text: str) -> None:
    assert problem(text).code == "NIM0107"


def test_nim0107_counts_what_aliases_bring() -> None:
    chain = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 63))
    assert len(whole(chain).plain()) == 63
    assert problem(chain + "b: [*a62]\n").code == "NIM0107"


def test_nim0107_leaves_64_alone() -> None:
    value = whole("[" * 64 + "]" * 64).plain()
    assert str(value) == "[" * 64 + "]" * 64


def bomb(levels: int) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, levels)]
    return "\n".join(lines)


def test_nim0108_a_bomb_answers_at_once() -> None:
    assert problem(bomb(40)).code == "NIM0108"


@pytest.mark.parametrize("text", ["a: &a [*a]", "a: &a {b: {c: *a}}", "a: *b\nb: &b 1\n", "*a"])
def test_nim0108_an_alias_without_its_anchor(text: str) -> None:
    assert problem(text).code == "NIM0108"


def test_nim0108_leaves_modest_aliases_alone() -> None:
    assert len(whole(bomb(4)).plain()) == 4


def test_nim0109_a_duplicate_key_names_both_lines() -> None:
    text = "a: 1\nb: 2\na: 3\n"
    found = problem(text)
    assert found.code == "NIM0109"
    assert "line 1 and again on line 3" in found.message
    assert at(found) == (3, 1)
    assert read(text)[0][0].plain() == {"a": 1, "b": 2}


def test_nim0109_leaves_equal_keys_of_two_maps_alone() -> None:
    assert whole("a: {x: 1}\nb: {x: 1}\n").plain() == {"a": {"x": 1}, "b": {"x": 1}}


AMBIGUOUS = [
    *("on", "On", "ON", "off", "Off", "OFF", "yes", "Yes", "YES", "no", "No", "NO", "y", "Y", "n", "N"),
    *("True", "TRUE", "False", "FALSE", "Null", "NULL", "=", "<<"),
    *(
        "0777",
        "08",
        "00",
        "-07",
        "1_000",
        "1_0.5",
        "0b1",
        "0x_1",
        "-0x1",
        "12:30",
        "1:30:15.5",
        "1e3",
        "-.5",
    ),
    *("2026-01-01", "2026-1-1 12:00:00", "2026-01-01T12:00:00Z", "01e1"),
    *(".inf", "-.Inf", "+.INF", ".nan", ".NaN"),
]


@pytest.mark.parametrize("text", AMBIGUOUS)
def test_nim0110_what_yaml_1_1_reads_differently(text: str) -> None:
    found = problem(f"a: {text}")
    assert found.code == "NIM0110"
    assert text in found.message
    assert found.fix
    assert at(found) == (1, 4)
    assert found.place.length == len(text)


@pytest.mark.parametrize("text", AMBIGUOUS)
def test_nim0110_leaves_it_alone_when_quoted(text: str) -> None:
    assert whole(f'a: "{text}"').plain() == {"a": text}
    assert whole(f"'{text}': 1").plain() == {text: 1}


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ("0777", 'write `0o777` (octal) or `777`, or if text is meant quote it: "0777"'),
        ("08", 'write `8`, or if text is meant quote it: "08"'),
        ("1_000", 'write `1000`, or if text is meant quote it: "1_000"'),
        ("1e3", 'write `1000.0`, or if text is meant quote it: "1e3"'),
        ("on", 'quote it: "on", or write `true` if that is meant'),
    ],
)
def test_nim0110_spells_out_the_fix(text: str, fix: str) -> None:
    assert problem(f"a: {text}").fix == fix


@pytest.mark.parametrize("text", ["1e999", "1.0e+999"])
def test_nim0116_a_real_that_is_too_large(text: str) -> None:
    found = problem(f"a: {text}")
    assert (found.code, at(found), found.place.length) == ("NIM0116", (1, 4), len(text))
    assert "1.79e+308" in found.message


def test_nim0110_a_key_is_said_once_and_kept() -> None:
    text = "on: 1\n0777: 2\n"
    roots, diagnostics = read(text)
    assert [diagnostic.code for diagnostic in diagnostics] == ["NIM0110", "NIM0110"]
    assert roots[0].plain() == {"on": 1, "0777": 2}
    assert diagnostics[0].fix == 'quote it: "on"'


def test_nim0111_a_merge_key() -> None:
    text = "a: &a {x: 1}\nb: {<<: *a, z: 2}\n"
    assert problem(text).code == "NIM0111"
    assert read(text)[0][0].plain() == {"a": {"x": 1}, "b": {"z": 2}}


def test_nim0111_leaves_a_quoted_one_alone() -> None:
    assert whole('"<<": 1').plain() == {"<<": 1}


@pytest.mark.parametrize(
    "text", ["a: !foo 1", "a: !!str 1", "a: !!python/object:os.system {}", "! a", "!x!y z"]
)
def test_nim0112_tags(text: str) -> None:
    assert problem(text).code == "NIM0112"


@pytest.mark.parametrize("line_break", ["\n", "\r", "\r\n"])
def test_nim0112_tag_directives_answer_at_once(line_break: str) -> None:
    text = f"# x{line_break}" + "".join(f"%TAG !a{index}! x{line_break}" for index in range(100_000))
    found = problem(text)
    assert found.code == "NIM0112"
    assert at(found) == (2, 1)


def test_nim0112_leaves_an_exclamation_mark_inside_text_alone() -> None:
    assert whole("a: hello!\nb: '!foo'\nc: a %TAG\n").plain()["b"] == "!foo"


@pytest.mark.parametrize("text", ["a:\n\tb: 1", "a:\n  b: 1\n\tc: 1\n", "a:\n \t- b: 1"])
def test_nim0113_tabs_as_indentation(text: str) -> None:
    assert problem(text).code == "NIM0113"


def test_nim0113_leaves_other_tabs_alone() -> None:
    assert whole("a:\tb\nc: 'x\ty'\nd: |\n  z\n  \tz\n").plain()["d"] == "z\n\tz\n"


@pytest.mark.parametrize(
    "text", ["1: x", "1.5: x", "true: x", "null: x", "~: x", "? [a]\n: x", "{a: 1}: x"]
)
def test_nim0115_keys_that_are_not_text(text: str) -> None:
    assert problem(text).code == "NIM0115"


def test_nim0115_leaves_quoted_numbers_alone() -> None:
    assert whole('"1": x\n200ms: z').plain() == {"1": "x", "200ms": "z"}


@pytest.mark.parametrize("text", [str(2**63), str(-(2**63) - 1), "0xFFFFFFFFFFFFFFFF", "9" * 100_000])
def test_nim0116_beyond_64_bits(text: str) -> None:
    assert problem(f"a: {text}").code == "NIM0116"
    assert -(2**63) <= read(f"a: {text}")[0][0].plain()["a"] <= 2**63 - 1


def test_nim0116_leaves_text_and_reals_alone() -> None:
    assert whole("a: '9223372036854775808'\nb: 9223372036854775808.0").plain()["b"] == 2.0**63


# Bounds


def test_diagnostics_are_bounded_and_the_rest_is_counted() -> None:
    _, diagnostics = read("[" + "on, " * 500 + "]")
    assert len(diagnostics) == module.DIAGNOSTIC_COUNT_MAX + 1
    assert "400 more problems" in diagnostics[-1].message


def test_nim0104_too_many_documents() -> None:
    roots, diagnostics = read("--- a\n" * 10_001)
    assert [diagnostic.code for diagnostic in diagnostics] == ["NIM0104"]
    assert len(roots) == 10_000
    assert read("--- a\n" * 10_000)[1] == ()


def test_a_large_document_without_aliases_is_bounded_too() -> None:
    assert problem("[" + "x, " * 100_000 + "]").code == "NIM0108"


# Laws

PIECES = [
    *"[]{}:,-?&*!|>'\"%@`#~ \t\n\r=.",
    "a",
    "0",
    "on",
    "- ",
    ": ",
    "---\n",
    "&a ",
    "*a",
    "<<",
    "\x01",
    "\x85",
]


@given(st.text() | st.lists(st.sampled_from(PIECES)).map("".join))
@example("&a : *a")
@example("{#\n0")
@example("? ? a\n: *b")
def test_any_text_gives_nodes_or_diagnostics_inside_the_file(text: str) -> None:
    source = Source("a.yaml", text)
    roots, diagnostics = parse(source)
    assert roots or diagnostics
    places = [diagnostic.place for diagnostic in diagnostics if diagnostic.place.line]
    for root in roots:
        root.plain()
        places += [node.place for node in nodes_of(root)]
    for place in places:
        assert 1 <= place.line <= len(source.lines)
        assert 1 <= place.column <= len(source.lines[place.line - 1]) + 1
        assert place.length >= 1


def nodes_of(root: Node) -> list[Node]:
    found = [root]
    for node in found:
        if isinstance(node, ListNode):
            found += node.items
        elif isinstance(node, MapNode):
            found += [*node.keys.values(), *node.entries.values()]
    return found


WORDS = st.text(
    st.characters(min_codepoint=32, max_codepoint=0x2FFF, exclude_categories=["C", "Z"]), max_size=12
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | WORDS
    | st.sampled_from([text for text in AMBIGUOUS if len(text) > 1])
)
KEYS = WORDS.filter(lambda word: word not in ("y", "Y", "n", "N"))
PLAIN: st.SearchStrategy[Any] = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=20
)


class UnambiguousDumper(yaml.SafeDumper):
    """Writes text always in quotes and shares nothing through aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


UnambiguousDumper.add_representer(
    str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')
)


@given(PLAIN, st.booleans())
def test_plain_equals_what_pyyaml_reads(value: Any, flow: bool) -> None:
    text = yaml.dump(
        value, Dumper=UnambiguousDumper, default_flow_style=flow, allow_unicode=True, sort_keys=False
    )
    back = whole(text).plain()
    assert back == yaml.safe_load(text) == value
    assert repr(back) == repr(value)


@given(st.text(st.sampled_from("0123456789+-._:eExXobaAfFTZ "), max_size=8).map(str.strip).filter(bool))
def test_a_plain_word_is_refused_or_read_as_pyyaml_reads_it(word: str) -> None:
    roots, diagnostics = read(f"a: [{word}]")
    if not diagnostics and not word.startswith("0o"):
        assert roots[0].plain() == yaml.safe_load(f"a: [{word}]")


def test_the_pure_loader_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "a: &a [1, 0.4, 'x']\nb: {c: *a, d: on}\n---\ne: ]\n"
    roots, diagnostics = read(text)
    monkeypatch.setattr(module, "_LOADER", yaml.Loader)
    again, pure = read(text)
    assert [root.plain() for root in roots] == [root.plain() for root in again]
    assert diagnostics == pure
