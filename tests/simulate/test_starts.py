"""Who comes into the world after the others (SEMANTICS 1.9)."""

from __future__ import annotations

import pytest

import nimdsl
import simulate
from nimdsl.base.units import SECOND_NS
from tests.support.starts import BORN


def test_what_is_sent_to_somebody_who_is_not_there_waits() -> None:
    result = simulate.run(nimdsl.load_text(BORN), "s")
    late = result.outcome["cells"]["late"]
    assert late["state"] == "grown"
    assert late["data"] == {"heard": [1, 2], "since": 4 * SECOND_NS}
    assert result.run.time_ns == 6 * SECOND_NS
    assert simulate.replay(result).identical
    assert simulate.compare(result, replications=1).ok(strict=True)


def test_whoever_begins_after_the_horizon_never_does() -> None:
    result = simulate.run(nimdsl.load_text(BORN.replace("late: 4s", "late: 30s")), "s")
    assert result.run.stopped == "horizon"
    assert result.run.hosts["cell/late"].records == []


def test_patterns_and_the_last_line_that_fits() -> None:
    program = nimdsl.load_text(BORN.replace("{cell/late: 4s}", "{cell/*: 1s, cell/late: 3s}"))
    assert program.scenarios["s"].starts == {"cell/early": SECOND_NS, "cell/late": 3 * SECOND_NS}


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        ("{cell/lat: 4s}", "NIM0301", "`cell/lat` takes no part in this scenario"),
        ("{attention/a: 4s}", "NIM0203", "an attention is there from the beginning"),
    ],
)
def test_a_mistake_is_told(line: str, code: str, message: str) -> None:
    text = BORN.replace("{cell/late: 4s}", line)
    text += """---
apiVersion: nimdsl.dev/v1
kind: Attention
metadata: {name: a}
spec: {levels: [{name: work, take: rest}]}
"""
    report = nimdsl.check_text(text.replace("  horizon: 20s\n", "  horizon: 20s\n  attention: a\n"))
    (found,) = [one for one in report.diagnostics if one.code == code]
    assert message in found.message
    assert found.fix
