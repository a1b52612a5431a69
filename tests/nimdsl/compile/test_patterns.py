"""Patterns and formats: what is validated is what a run matches, in linear time."""

import warnings

import pytest

import nimdsl
from nimdsl.base.diagnostics import Diagnostic
from nimdsl.base.json_schema import FORMATS, is_pattern, matches
from nimdsl.base.values import Value
from runtime.kernel.messages import problem


def schema(**constraints: str) -> str:
    """A Schema document whose `word` is constrained."""
    fields = ", ".join(f"{key}: '{value}'" for key, value in constraints.items())
    return f"""apiVersion: nimdsl.dev/v1
kind: Schema
metadata: {{name: ask}}
spec:
  role: request
  type: ASK
  payload: {{type: object, properties: {{word: {{type: string, {fields}}}}}}}
"""


def said(**constraints: str) -> tuple[Diagnostic, ...]:
    return nimdsl.check_text(schema(**constraints)).diagnostics


def refused(text: str, **constraints: str) -> bool:
    """Whether a run refuses a message with this word."""
    program = nimdsl.load_text(schema(**constraints))
    message: dict[str, Value] = {"$schema": "ask", "type": "ASK", "payload": {"word": text}}
    return bool(problem(program.schemas["ask"], message))


@pytest.mark.parametrize(
    ("pattern", "instead"),
    [
        (r"\A.*\Z", "^.*$"),
        ("(?#c)a", "a"),
        ("a{,3}", "a{0,3}"),
        ("(?>a)b", "(?:a)b"),
        (r"[\b]", r"\x08"),
        ("{", r"\{"),
        ("a{2", r"a\{2"),
    ],
)
def test_another_dialect_is_refused_with_the_own_word_for_it(pattern: str, instead: str) -> None:
    (found,) = said(pattern=pattern)
    assert (found.code, found.place.line) == ("NIM0305", 7)
    assert found.place.excerpt[found.place.column - 1 :].startswith(f"'{pattern}'")
    assert instead in found.fix
    assert is_pattern(found.fix.removeprefix("write `").removesuffix("`"))
    assert not said(pattern=found.fix.removeprefix("write `").removesuffix("`"))


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("(?P<n1>a)(?P=n1)", "refer back"),
        (r"(a)\1", "refer back"),
        ("(?=a)a", "look ahead"),
        ("(?<!a)b", "look ahead or behind"),
        ("(a{1000}){1000}", "too large"),
        ("(", ""),
        ("[", ""),
    ],
)
def test_what_is_not_linear_or_no_pattern_is_refused(pattern: str, why: str) -> None:
    (found,) = said(pattern=pattern)
    assert found.code == "NIM0305"
    assert why in found.message
    assert found.fix


def test_nested_repetitions_end() -> None:
    assert refused("a" * 5_000 + "!", pattern="^(a+)+$")
    assert refused("a" * 5_000 + "!", pattern="^([a-z]+)+$")


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("^[a-z][a-z_]*$", "hello", True),
        ("^[a-z][a-z_]*$", "hello\n", False),
        (r"^\d{4}$", "2026", True),
        (r"^\d{4}$", "\u0662\u0660\u0662\u0666", False),
        (r"^\w+$", "\u00e9", False),
        (r"^\p{L}+$", "\u00e9", True),
        ("^[[]$", "[", True),
    ],
)
def test_a_run_reads_the_pattern_as_the_check_does(pattern: str, text: str, fits: bool) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not said(pattern=pattern)
        assert matches(pattern, text) is fits
        assert refused(text, pattern=pattern) is not fits


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_that_is_offered_is_checked(form: str) -> None:
    assert not said(format=form)
    assert refused("not a: <date>\n^(", format=form)


def test_another_format_is_refused() -> None:
    (found,) = said(format="dat")
    assert (found.code, found.fix) == ("NIM0305", "did you mean `date`?")


def test_the_shape_of_documents_is_judged_by_the_same_engine() -> None:
    text = 'apiVersion: nimdsl.dev/v1\nkind: Economy\nmetadata: {name: "purse\\n"}\nspec: {opening: 1}\n'
    (found,) = nimdsl.check_text(text).diagnostics
    assert (found.code, found.place.line) == ("NIM0209", 3)
