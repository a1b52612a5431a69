"""Deadlines of progress: what changes is waited for, however slow it is, and what does not is given up."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gardens.real.patience import Patience, patiently, size_of
from tests.support import patience as helper


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(0, 2)), max_size=30))
def test_patience_is_over_when_nothing_has_changed_for_too_long(looks: list[tuple[float, int]]) -> None:
    now_s, changed_s, known = 0.0, 0.0, None
    patience = Patience(20.0, lambda: now_s)
    for gap_s, mark in looks:
        now_s += gap_s
        if mark != known:
            known, changed_s = mark, now_s
        assert patience.is_over(mark) is (now_s - changed_s > 20.0)


def test_what_gets_on_is_waited_for_and_what_does_not_is_cancelled() -> None:
    seen: list[str] = []

    async def slow() -> str:
        for _ in range(20):
            await asyncio.sleep(0.02)
            seen.append("on")
        return "done"

    async def stuck() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            seen.append("cancelled")

    async def wrong() -> None:
        raise KeyError("a bug")

    async def run() -> None:
        assert await patiently(slow(), Patience(0.2), lambda: len(seen), 0.01) == "done"
        with pytest.raises(TimeoutError, match="nothing has changed"):
            await patiently(stuck(), Patience(0.05), lambda: len(seen), 0.01)
        with pytest.raises(KeyError):
            await patiently(wrong(), Patience(1.0), lambda: None)

    asyncio.run(run())
    assert seen == ["on"] * 20 + ["cancelled"]


def test_a_mark_of_files_is_how_much_there_is(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12")
    (tmp_path / "b").write_bytes(b"345")
    assert size_of(tmp_path / name for name in ("a", "b", "absent")) == 5


# The tests' own


def test_a_scenario_that_moves_from_line_to_line_gets_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(helper, "SILENCE_S", 1.5)

    async def step() -> None:
        await asyncio.sleep(0.8)

    async def moving() -> str:
        await step()
        await step()
        await step()
        await step()
        return "done"

    async def standing() -> None:
        while True:
            await asyncio.sleep(0.01)

    async def run() -> None:
        assert await helper.patiently(moving()) == "done"
        with pytest.raises(TimeoutError):
            await helper.patiently(standing())

    asyncio.run(run())


def test_a_program_that_computes_gets_on_and_one_that_waits_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(helper, "SILENCE_S", 3.0)
    computing = [
        "/bin/sh",
        "-c",
        "i=0; while [ $i -lt 900000 ]; do i=$((i+1)); done; echo done; echo why >&2",
    ]
    done = helper.finished(computing)
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "why\n")
    with pytest.raises(AssertionError, match="gets nowhere"):
        helper.finished(["/bin/sleep", "600"])
    monkeypatch.setattr(helper, "CPU_S_MAX", 0.2)
    with pytest.raises(AssertionError, match="gets nowhere"):
        helper.finished(["/bin/sh", "-c", "while true; do :; done"])
