"""What every test shares: one hypothesis profile, the same examples everywhere, and golden files.

``pytest --update-golden`` writes the golden files anew; look at the difference before committing it.
"""

from __future__ import annotations

import shutil
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

import nimdsl
from nimdsl.commands import run as nimdsl_command
from nimdsl.program import Program
from tests.support.effort import EFFORT, examples
from tests.support.texts import HELLO

pytest.register_assert_rewrite("runtime.conformance", "gardens.real.conformance")

settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("deep", max_examples=examples(100), deadline=None, print_blob=True)
settings.load_profile("deep" if EFFORT > 1 else "ci")

if threading.current_thread() is threading.main_thread():
    # A shell's background jobs ignore Ctrl-C, and so would every process that a test starts to interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)

SPECS = Path(nimdsl.shipped_specs())
GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the golden files anew")


@pytest.fixture(scope="session")
def shipped() -> Program:
    return nimdsl.load()


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``nimdsl simulate hello --out`` leaves."""
    folder = tmp_path_factory.mktemp("made")
    specs = folder / "hello.yaml"
    specs.write_text(HELLO, encoding="utf-8")
    assert nimdsl_command(["simulate", "hello", "--specs", str(specs), "--out", str(folder / "out")]) == 0
    return folder / "out"


@pytest.fixture
def out(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A folder with the journal of ``hello``, free to be spoiled."""
    capsys.readouterr()
    return Path(shutil.copytree(made, tmp_path / "out"))


@pytest.fixture
def specs(tmp_path: Path) -> Path:
    """A copy of the shipped specs that a test may edit."""
    return Path(shutil.copytree(SPECS, tmp_path / "specs"))


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """``golden(name, text)`` compares with that file of tests/golden, or writes it (--update-golden)."""
    update = bool(request.config.getoption("--update-golden"))

    def compare(name: str, text: str) -> None:
        file = GOLDEN / name
        if update:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="\n")
        known = file.read_text(encoding="utf-8") if file.is_file() else ""
        assert text == known, f"differs from tests/golden/{name}; `pytest --update-golden` writes it anew"

    return compare
