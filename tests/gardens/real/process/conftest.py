"""What the tests of work share: a server, and a module of callables."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.nats import NatsServer, nats_server
from tests.support.working import CALLABLES


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    with nats_server(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def callables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A module beside the documents; a new one for each test."""
    (tmp_path / "callables.py").write_text(CALLABLES, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    found = importlib.import_module("callables")
    yield found
    found.FREED.set()
    del sys.modules["callables"]
