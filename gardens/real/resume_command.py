"""``nimdsl resume``: a garden goes on."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer


def command(
    garden: Annotated[str, typer.Argument(help="The garden; default: `local`.")] = "",
    specs: Annotated[
        list[Path] | None, typer.Option(help="Files or folders of documents; default: the shipped specs.")
    ] = None,
) -> None:
    """Let a garden that stands still go on.

    Example: nimdsl resume local
    """
    from gardens.real.outside import order
    from gardens.real.owning import living_garden, need_linux

    need_linux()
    found, state = living_garden(garden, specs or [])
    asyncio.run(order(found, state, "resume"))
    print(f"{found.name} goes on")
