"""``nimdsl up``: a garden comes to life and stays."""

from __future__ import annotations

from typing import Annotated

import typer

from nimdsl.commands.options import Garden, Root, Specs


def command(
    garden: Garden = "",
    specs: Specs = None,
    root: Root = None,
    scenario: Annotated[
        str, typer.Option(help="What to bring to life; default: what the garden says.")
    ] = "",
    rate: Annotated[
        float | None,
        typer.Option(min=0.001, max=10_000, help="Garden seconds in a second; default: the garden's."),
    ] = None,
    detach: Annotated[
        bool, typer.Option("--detach", help="Come back when it lives; `down` ends it.")
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin anew; the journal of the life before is put aside.")
    ] = False,
) -> None:
    """Bring a garden to life: bus, economy, cells, controller; until Ctrl-C or `nimdsl down`.

    A garden that lived before goes on where its journal ends.

    Example: nimdsl up local --detach
    """
    from gardens.real.commands.resolve import need_linux
    from gardens.real.commands.serve import WantedGarden, detached, live_in

    need_linux()
    wanted = WantedGarden(garden, tuple(specs or ()), scenario, root)
    if detach:
        detached(wanted, rate, fresh)
    else:
        live_in(wanted, rate, fresh)
