"""``nimdsl down``: ends a garden."""

from __future__ import annotations

from nimdsl.commands.asked import Garden, Specs


def command(garden: Garden = "", specs: Specs = None) -> None:
    """End a garden: no process, port or lock is left; its journal stays.

    Example: nimdsl down local
    """
    from gardens.real.living import bring_down
    from gardens.real.owning import need_linux

    need_linux()
    bring_down(garden, specs or [])
