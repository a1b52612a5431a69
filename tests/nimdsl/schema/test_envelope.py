"""The four fields of every document: what is said where one is misspelt or missing."""

import pytest

import nimdsl

ECONOMY = "apiVersion: nimdsl.dev/v1\nkind: Economy\nmetadata: {name: p}\nspec: {opening: 1}\n"


@pytest.mark.parametrize(
    ("meant", "written", "line"),
    [
        ("apiVersion", "apiVersin", 1),
        ("kind", "kinqz", 2),
        ("metadata", "metadatta", 3),
        ("spec", "specs", 4),
        ("opening", "openning", 4),
    ],
)
def test_a_misspelt_key_is_said_once_and_at_the_key(meant: str, written: str, line: int) -> None:
    (found,) = nimdsl.check_text(ECONOMY.replace(meant, written)).diagnostics
    assert (found.code, found.place.line, found.fix) == ("NIM0203", line, f"did you mean `{meant}`?")
    assert found.place.excerpt[found.place.column - 1 :].startswith(written)


def test_a_missing_version_is_said_with_its_value() -> None:
    (found,) = nimdsl.check_text(ECONOMY.replace("apiVersion: nimdsl.dev/v1\n", "")).diagnostics
    assert (found.code, found.fix) == ("NIM0204", "add `apiVersion: nimdsl.dev/v1`")


def test_an_endless_value_is_not_printed_in_full() -> None:
    text = ECONOMY.replace("Economy", "Scenario").replace("opening: 1", f"horizon: {'9' * 300_000}s")
    (found,) = nimdsl.check_text(text).diagnostics
    assert found.code == "NIM0207"
    assert len(found.to_text()) < 1_000
