"""What can be said to a garden, and known of it, from outside."""

from __future__ import annotations

from typing import Any

from gardens.real.supervisor.control_client import OWNER, orders_for
from gardens.real.supervisor.state import StateFolder
from nimdsl.base.errors import TemporaryPortError
from nimdsl.program import Garden

STATUS_TIMEOUT_NS = 15_000_000_000
"""Longer than the garden itself waits for one of its processes."""


async def seen(garden: Garden, state: StateFolder) -> tuple[dict[str, Any] | None, float, bool]:
    """How the garden is: its status, how old that is in seconds, and whether it answered just now."""
    manifest = state.read_manifest()
    if manifest is not None and state.holder() is not None:
        try:
            async with orders_for(garden, manifest) as orders:
                status = await orders.give(OWNER, "status", STATUS_TIMEOUT_NS)
            if status is not None:
                return status, 0.0, True
        except TemporaryPortError:
            pass
    last = state.read_status()
    return (last[0], last[1], False) if last is not None else (None, 0.0, False)


async def order(garden: Garden, state: StateFolder, what: str) -> None:
    """Has the owner of a garden do something.  Raises TemporaryPortError when it does not answer."""
    manifest = state.read_manifest()
    if manifest is None or state.holder() is None:
        raise TemporaryPortError(f"{garden.name} is not up: `nimdsl up {garden.name}` brings it to life")
    async with orders_for(garden, manifest) as orders:
        if await orders.give(OWNER, what, STATUS_TIMEOUT_NS) is None:
            raise TemporaryPortError(f"{garden.name} does not answer")
