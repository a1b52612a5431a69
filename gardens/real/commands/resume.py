"""``nimdsl resume``: a garden goes on."""

from __future__ import annotations

import asyncio

from nimdsl.commands.options import Garden, Root, Specs
from nimdsl.commands.streams import tell


def command(garden: Garden = "", specs: Specs = None, root: Root = None) -> None:
    """Let a garden that stands still go on.

    Example: nimdsl resume local
    """
    from gardens.real.commands.control import order
    from gardens.real.commands.resolve import living_garden, need_linux

    need_linux()
    found, state = living_garden(garden, specs or [], root)
    asyncio.run(order(found, state, "resume"))
    tell(f"{found.name} goes on")
