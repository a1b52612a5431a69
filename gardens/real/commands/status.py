"""``nimdsl status``: how a garden is, or was when it was last heard of."""

from __future__ import annotations

import asyncio

import typer

from nimdsl.commands.options import Format, Garden, Printed, Root, Specs
from nimdsl.commands.output import print_json
from nimdsl.commands.streams import tell


def command(
    garden: Garden = "",
    specs: Specs = None,
    root: Root = None,
    format_: Printed = Format.TEXT,
) -> None:
    """Show a garden's processes, actors, lifeforce and lag; the last known state when it is away.

    Exit 0 when it answers, 1 when it does not.

    Example: nimdsl status local --format json
    """
    from gardens.real.commands.control import seen
    from gardens.real.commands.resolve import living_garden, need_linux

    need_linux()
    found, state = living_garden(garden, specs or [], root)
    status, age_s, live = asyncio.run(seen(found, state))
    if format_ is Format.JSON:
        print_json({"live": live, "age_s": age_s, "status": status})
    elif status is None:
        tell(f"{found.name} has never been up here; `nimdsl up {found.name}` brings it to life")
    else:
        from gardens.real.commands.view import screen
        from gardens.report.terminal.console import Terminal

        if not live:
            what = "is down" if status.get("ended") else "does not answer"
            tell(f"{found.name} {what}; this is its last known state, {age_s:.0f} s old:")
        Terminal().print(screen(status))
    if not live:
        raise typer.Exit(1)
