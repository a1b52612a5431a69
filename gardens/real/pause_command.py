"""``nimdsl pause``: a garden holds its breath."""

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
    """Let a garden stand still: its time stops and nothing is taken, until `nimdsl resume`.

    Example: nimdsl pause local
    """
    from gardens.real.outside import order
    from gardens.real.owning import living_garden, need_linux

    need_linux()
    found, state = living_garden(garden, specs or [])
    asyncio.run(order(found, state, "pause"))
    print(f"{found.name} is paused; `nimdsl resume {found.name}` lets it go on")
