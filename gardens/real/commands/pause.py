"""``nimdsl pause``: a garden holds its breath."""

from __future__ import annotations

import asyncio

from nimdsl.commands.options import Garden, Root, Specs
from nimdsl.commands.streams import tell


def command(garden: Garden = "", specs: Specs = None, root: Root = None) -> None:
    """Let a garden stand still: its time stops and nothing is taken, until `nimdsl resume`.

    Example: nimdsl pause local
    """
    from gardens.real.commands.control import order
    from gardens.real.commands.resolve import living_garden, need_linux

    need_linux()
    found, state = living_garden(garden, specs or [], root)
    asyncio.run(order(found, state, "pause"))
    tell(f"{found.name} is paused; `nimdsl resume {found.name}` lets it go on")
