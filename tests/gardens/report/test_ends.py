"""Why a run ended is said for every reason there is, in the same words everywhere."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

import simulate
from gardens.report.html.page import page
from gardens.report.observe.view import View
from gardens.report.terminal.text import report
from gardens.report.words import ENDS
from nimdsl.program import Program
from runtime.run.run import Stopped


def test_there_are_words_for_every_end() -> None:
    assert set(ENDS) == set(get_args(Stopped))


@pytest.fixture(scope="module")
def found(shipped: Program) -> simulate.Result:
    return simulate.run(shipped, "spark-pauper")


@pytest.mark.parametrize("stopped", get_args(Stopped))
def test_text_and_page_say_why_a_run_ended(
    stopped: Stopped, found: simulate.Result, capsys: pytest.CaptureFixture[str]
) -> None:
    result = replace(found, run=replace(found.run, stopped=stopped))
    report(result)
    assert ENDS[stopped] in capsys.readouterr().out
    assert ENDS[stopped] in page(View(), result.summary)
