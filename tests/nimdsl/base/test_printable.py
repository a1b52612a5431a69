"""What cannot be seen is written out, and only that."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nimdsl.base.printable import is_visible, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\u202efdp.exe", r"\u202efdp.exe"),
        ("a\u2028b\u2029c", r"a\u2028b\u2029c"),
        ("a\nb\rc\td", r"a\nb\rc\td"),
        ("no\xa0break\u200b\ufeff\x85\x9b", r"no\xa0break\u200b\ufeff\x85\x9b"),
        ("\u3164\u2800\ufe0f\U000e0041", r"\u3164\u2800\ufe0f\U000e0041"),
        ("\udc80", r"\udc80"),
        ("grüße, 漢字, ✓ → λ, 😀", "grüße, 漢字, ✓ → λ, 😀"),
    ],
)
def test_what_is_written_out(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text())
def test_everything_can_be_seen_and_nothing_is_lost(text: str) -> None:
    shown = visible(text)
    assert is_visible(shown)
    assert visible(shown) == shown
    assert ast.literal_eval('"' + visible(text.replace("\\", "\\\\")).replace('"', '\\"') + '"') == text


@given(st.text())
def test_what_is_kept(text: str) -> None:
    assert visible(text, "\n").split("\n") == [visible(line) for line in text.split("\n")]
