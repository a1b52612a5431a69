"""``nimdsl down``: ends a garden."""

from __future__ import annotations

from nimdsl.commands.options import Garden, Root, Specs


def command(garden: Garden = "", specs: Specs = None, root: Root = None) -> None:
    """End a garden: no process, port or lock is left; its journal stays.

    Example: nimdsl down local
    """
    from gardens.real.commands.resolve import need_linux
    from gardens.real.commands.serve import bring_down

    need_linux()
    bring_down(garden, specs or [], root)
