"""The command line, where a foreign package stands beside the project."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).parent
ORCHESTRA = HERE / "orchestra.yaml"
ROOT = HERE.parents[1]


class Shell:
    """Runs ``nimdsl`` where the foreign package is installed."""

    def __init__(self, site: Path, folder: Path) -> None:
        self.site = site
        self.folder = folder
        self.environment = {**os.environ, "PYTHONPATH": f"{site}{os.pathsep}{ROOT}"}

    def do(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """One command line."""
        command = [sys.executable, "-m", "nimdsl", *map(str, words)]
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )

    def register(self, group: str, name: str, value: str) -> None:
        """One entry point more of the package."""
        points = next(self.site.glob("*.dist-info")) / "entry_points.txt"
        with points.open("a", encoding="utf-8") as file:
            file.write(f"[{group}]\n{name} = {value}\n")


def put_beside(site: Path, points: Mapping[str, tuple[str, str]], other: Mapping[str, str]) -> Path:
    """Puts the metronome into ``site`` without an installer; ``other`` values for entry points, by name.

    Returns the folder of its modules.
    """
    folder = site / "metronome"
    shutil.copytree(HERE / "metronome", folder, ignore=shutil.ignore_patterns("__pycache__"))
    about = site / "nimdsl_metronome-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: nimdsl-metronome\nVersion: 1.0\n")
    lines = [f"[{group}]\n{name} = {other.get(name, value)}\n" for group, (name, value) in points.items()]
    (about / "entry_points.txt").write_text("".join(lines), encoding="utf-8")
    return folder
