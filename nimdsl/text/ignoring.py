"""Which files of a folder nobody means: what git ignores, and what ``.nimdslignore`` names.

Both kinds of file have the syntax of git, and count in their folder and below; those of a
deeper folder count more.  What is named on a command line is read all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pathspec import GitIgnoreSpec

IGNORE_FILES = (".gitignore", ".nimdslignore")
IGNORE_BYTES_MAX = 1 << 20


@dataclass(frozen=True)
class Rules:
    """The rules that count in a folder, those of the folders around it first."""

    levels: tuple[tuple[Path, GitIgnoreSpec], ...] = ()

    def within(self, folder: Path) -> Rules:
        """The rules that count in ``folder``, which lies directly below."""
        lines = [line for name in IGNORE_FILES for line in _lines(folder / name)]
        if not lines:
            return self
        return Rules((*self.levels, (folder, GitIgnoreSpec.from_lines(lines))))

    def leave_out(self, path: Path, is_folder: bool) -> bool:
        """Whether the rules leave ``path``, which is absolute, out."""
        for base, spec in reversed(self.levels):
            verdict = spec.check_file(path.relative_to(base).as_posix() + "/" * is_folder).include
            if verdict is not None:
                return verdict
        return False


def rules_around(folder: Path) -> Rules:
    """The rules from outside that count in a folder which somebody named: its repository's.

    A folder that they leave out was meant all the same: then they do not count.
    """
    above = list(folder.parents)
    top = next((number for number, one in enumerate(above) if (one / ".git").exists()), None)
    if top is None or (folder / ".git").exists():
        return Rules()
    rules = Rules()
    for outer, inner in zip(above[top::-1], [*above[:top][::-1], folder], strict=True):
        rules = rules.within(outer)
        if rules.leave_out(inner, is_folder=True):
            return Rules()
    return rules


def _lines(file: Path) -> list[str]:
    try:
        if not file.is_file() or file.stat().st_size > IGNORE_BYTES_MAX:
            return []
        return file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
