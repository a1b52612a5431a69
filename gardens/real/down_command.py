"""``nimdsl down``: ends a garden."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    garden: Annotated[str, typer.Argument(help="The garden; default: `local`.")] = "",
    specs: Annotated[
        list[Path] | None, typer.Option(help="Files or folders of documents; default: the shipped specs.")
    ] = None,
) -> None:
    """End a garden: no process, port or lock is left; its journal stays.

    Example: nimdsl down local
    """
    from gardens.real.living import bring_down
    from gardens.real.owning import need_linux

    need_linux()
    bring_down(garden, specs or [])
