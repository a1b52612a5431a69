from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import nimdsl
from nimdsl.program import Program

SPECS = Path(nimdsl.shipped_specs())


@pytest.fixture(scope="session")
def shipped() -> Program:
    return nimdsl.load()


@pytest.fixture
def specs(tmp_path: Path) -> Path:
    """A copy of the shipped specs that a test may edit."""
    return Path(shutil.copytree(SPECS, tmp_path / "specs"))
