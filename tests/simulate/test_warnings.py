"""What `validate` warns of, the verbs that use the documents say too."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nimdsl.commands import run
from tests.support.texts import cell

LATE = cell(
    "{initial: a, states: {a: {transitions: [{event: press, to: a}]}}}",
    "  accepts: {press: {}}",
    scenario="  stimuli: [{at: 2h, to: c, event: press}]",
)
"""A stimulus that never comes."""


@pytest.fixture
def late(tmp_path: Path) -> str:
    (tmp_path / "late.yaml").write_text(LATE)
    return str(tmp_path / "late.yaml")


@pytest.mark.parametrize("words", [["simulate"], ["show", "c"], ["graph", "c"]])
def test_warnings_are_said_on_standard_error(
    words: list[str], late: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["validate", late]) == 0
    warned = capsys.readouterr().out.rpartition("\n\n")[0]
    assert "warning NIM0508" in warned
    assert run([*words, "--specs", late]) == 0
    shown = capsys.readouterr()
    assert shown.err == f"{warned}\n\n"
    assert "NIM0508" not in shown.out


def test_json_holds_the_warnings_of_a_run(late: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["validate", late, "--format", "json"]) == 0
    warned = json.loads(capsys.readouterr().out)
    assert run(["simulate", late, "--format", "json"]) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["diagnostics"] == warned != []
    assert shown.err == ""
