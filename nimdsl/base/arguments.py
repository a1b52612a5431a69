"""What a script hands to the library: looked at first, so that a mistake is said in words."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeGuard

from nimdsl.base.errors import NimdslError
from nimdsl.base.words import shown

WRITTEN_MAX = 3
"""How many paths a fix writes out."""


def paths_of(name: str, given: object, wanted: str, fix: str = "") -> list[str | Path]:
    """One path, or several, as a list.  Raises NimdslError for what is neither.

    ``wanted`` and ``fix`` are what to say then of the argument ``name``.
    """
    paths: list[Any] = list(given) if _are_many(given) and not _is_path(given) else [given]
    for path in paths:
        if not _is_path(path):
            how = f": {fix}" if fix else ""
            raise NimdslError(f"`{name}`: {wanted} wanted, this is {shown(path)}{how}")
    return paths


def check_paths(function: str, paths: tuple[object, ...]) -> None:
    """Each argument of ``function`` is a path.  Raises NimdslError for what is none."""
    for path in paths:
        if not _is_path(path):
            fix = _as_arguments(function, path) if _are_many(path) else f'write `{function}("garden.yaml")`'
            raise NimdslError(f"`paths`: each argument is a path, this is {shown(path)}: {fix}")


def check_text_argument(name: str, given: object, function: str) -> None:
    """It is text.  Raises NimdslError for what is none."""
    if isinstance(given, str):
        return
    fix = f"write `{function}(text)` with a text"
    if isinstance(given, Path):
        reads = f"to read a file write `{function.removesuffix('_text')}(path)`"
        fix = reads if name == "text" else "write `str(path)`"
    elif isinstance(given, bytes):
        fix = "decode it first: `data.decode()`"
    raise NimdslError(f"`{name}`: text is wanted, this is {shown(given)}: {fix}")


def _is_path(given: object) -> bool:
    return isinstance(given, str) or (isinstance(given, os.PathLike) and isinstance(os.fspath(given), str))


def _are_many(given: object) -> TypeGuard[Iterable[Any]]:
    return isinstance(given, Iterable) and not isinstance(given, str | bytes | bytearray | Mapping)


def _as_arguments(function: str, paths: object) -> str:
    """How several paths are handed to a function that takes them one by one."""
    several = list(paths) if isinstance(paths, list | tuple) else []
    if 0 < len(several) <= WRITTEN_MAX and all(map(_is_path, several)):
        written = ", ".join(json.dumps(os.fspath(path), ensure_ascii=False) for path in several)
        return f"write `{function}({written})`"
    return f"write `{function}(*paths)`"
