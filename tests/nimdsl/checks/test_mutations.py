"""Random mutations of the shipped documents: validation never raises, and blames only what can be to blame.

A document may be blamed when it is the mutated one or names it; an economy can
also be missed by a scenario that relies on there being exactly one.
"""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nimdsl
from nimdsl.loading import check_sources
from nimdsl.text.source import Source
from tests.support.effort import examples

WORDS = (
    "0", "-1", "1.5", "true", "null", "{}", "[]", "x", "5s", "40%", "1e400", "'${'", "'${a}'", "a && b",
    "event.x", "99999999999999999999999", "~", "'on'", "[[[]]]", "{a: {b: c}}", "*x", "&x y", "!t x",
    "'\"'", "accepted == 6", "reply.payload.x", "'${1/0}'", "'${first([])}'", "[0, 0]", "1ns", "0s", "-5",
)  # fmt: skip


def shipped() -> tuple[str, ...]:
    files = sorted(nimdsl.shipped_specs().rglob("*.yaml"))
    return tuple(part for file in files for part in file.read_text("utf-8").split("\n---\n"))


DOCUMENTS = shipped()


@st.composite
def mutations(draw: st.DrawFn) -> tuple[int, str]:
    """Which document, and its text after up to three lines were deleted, renamed, retyped or moved."""
    position = draw(st.integers(0, len(DOCUMENTS) - 1))
    lines = DOCUMENTS[position].split("\n")
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(lines) - 1))
        line = lines[at]
        match draw(st.sampled_from(["delete", "double", "reindent", "retype", "rename", "cut", "scratch"])):
            case "delete":
                lines[at : at + 1] = []
            case "double":
                lines.insert(at, line)
            case "reindent":
                lines[at] = " " * draw(st.integers(0, 12)) + line.lstrip()
            case "retype":
                values = list(re.finditer(r"(?<=: )[^,}\]]+", line))
                if values:
                    found = draw(st.sampled_from(values))
                    lines[at] = line[: found.start()] + draw(st.sampled_from(WORDS)) + line[found.end() :]
            case "rename":
                names = list(re.finditer(r"[A-Za-z_][\w.-]*", line))
                if names:
                    found = draw(st.sampled_from(names))
                    new = draw(
                        st.sampled_from([found.group() + "x", found.group()[:-1], found.group().upper()])
                    )
                    lines[at] = line[: found.start()] + new + line[found.end() :]
            case "cut":
                lines[at : at + draw(st.integers(1, 8))] = []
            case "scratch":
                column = draw(st.integers(0, len(line)))
                character = draw(st.sampled_from("{}[]:,'\"#&*!|>%@`- \t0a.()$\\/"))
                lines[at] = line[:column] + character + line[column + draw(st.integers(0, 1)) :]
        lines = lines or [""]
    return position, "\n".join(lines)


def name_of(text: str) -> str:
    found = re.search(r"^metadata: \{name: \"?([^},\"]+)", text, re.MULTILINE)
    return found.group(1) if found else ""


def known_by(text: str) -> set[str]:
    """What others know a document by: its name, without what differs in a family, and domains of waves."""
    domains = re.findall(r"domain: ([a-z]+)", text)
    return {part for part in (name_of(text).partition("${")[0], *domains) if part}


def kind_of(text: str) -> str:
    found = re.search(r"^kind: (\w+)", text, re.MULTILINE)
    return found.group(1) if found else ""


@pytest.mark.slow
@settings(max_examples=examples(150))
@given(mutations())
def test_validation_never_raises_and_blames_only_what_can_be_to_blame(mutation: tuple[int, str]) -> None:
    position, mutated = mutation
    original = DOCUMENTS[position]
    if "---" in mutated or "..." in mutated:
        return
    texts = [*DOCUMENTS[:position], mutated, *DOCUMENTS[position + 1 :]]
    report = check_sources([Source(f"{number}.yaml", text) for number, text in enumerate(texts)])
    names = {name for text in (original, mutated) for name in known_by(text)}
    for diagnostic in report.diagnostics:
        diagnostic.to_text()
        blamed = int(diagnostic.place.file.removesuffix(".yaml"))
        refers = any(name in texts[blamed] or name in diagnostic.message for name in names)
        is_meant = any(name in original + mutated for name in known_by(texts[blamed]))
        assert blamed == position or refers or is_meant or kind_of(original) == "Economy", (
            diagnostic.to_text()
        )
