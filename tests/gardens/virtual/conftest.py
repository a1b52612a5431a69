"""Two runs whose journals tests of parity doctor: each makes lines of its own from them."""

from __future__ import annotations

import pytest

import nimdsl
from gardens.report.result.result import RunResult
from gardens.stores.memory import MemoryJournal
from simulate import run
from tests.support.recorded import NOTES
from tests.support.texts import HELLO


@pytest.fixture(scope="module")
def hello() -> RunResult:
    return run(nimdsl.load_text(HELLO), "hello", journal=MemoryJournal())


@pytest.fixture(scope="module")
def notes() -> RunResult:
    return run(nimdsl.load_text(NOTES), "s", journal=MemoryJournal())
