"""Hostile input: one clear diagnostic each, in bounded time and memory, in a process of its own."""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.patience import finished, limit_cpu

MEMORY_BYTES_MAX = 1 << 30
SECONDS_MAX = 30
"""Of processor time: no other program on the machine has a part in it."""

Make = Callable[[Path], Path]


def written(data: bytes | str) -> Make:
    def make(folder: Path) -> Path:
        path = folder / "input.yaml"
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    return make


def huge(folder: Path) -> Path:
    path = folder / "input.yaml"
    with path.open("wb") as file:
        file.truncate(50 * 1024 * 1024)
    return path


def bomb() -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    return "\n".join(lines)


def empty_folder(folder: Path) -> Path:
    (folder / "notes.txt").write_text("no YAML here")
    return folder


INPUTS: dict[str, tuple[Make, str]] = {
    "no file": (lambda folder: folder / "missing.yaml", "NIM0101"),
    "binary": (written(bytes(range(256)) * 64), "NIM0102"),
    "utf-16": (written("kind: Cell\n".encode("utf-16")), "NIM0102"),
    "latin-1": (written("name: Zürich\n".encode("latin-1")), "NIM0102"),
    "empty": (written(""), "NIM0103"),
    "only comments": (written("# nothing\n"), "NIM0103"),
    "50 MB": (huge, "NIM0104"),
    "no YAML in the folder": (empty_folder, "NIM0105"),
    "deep flow": (written("[" * 20_000 + "]" * 20_000), "NIM0107"),
    "deep maps": (written("{a: " * 20_000 + "1" + "}" * 20_000), "NIM0107"),
    "deep lists": (written("- " * 20_000 + "x"), "NIM0107"),
    "bomb": (written(bomb()), "NIM0108"),
    "tabs": (written("kind: Cell\nspec:\n\tdata: {}\n"), "NIM0113"),
    "not closed": (written('kind: "Cell\n'), "NIM0106"),
    "not a document": (written("- just\n- a list\n"), "NIM0201"),
}


def limit_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    limit_cpu(SECONDS_MAX)


@pytest.mark.slow
@pytest.mark.parametrize("name", INPUTS)
def test_one_diagnostic_and_no_traceback(name: str, tmp_path: Path) -> None:
    make, code = INPUTS[name]
    done = finished(
        [sys.executable, "-m", "nimdsl", "validate", "--format", "json", str(make(tmp_path))],
        preexec_fn=limit_memory,
    )
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    found = json.loads(done.stdout)
    assert [diagnostic["code"] for diagnostic in found] == [code]
    assert found[0]["message"]
