"""Which server a garden uses."""

from __future__ import annotations

from dataclasses import replace

from gardens.real.supervisor.plan import state_folder
from gardens.real.supervisor.state import StateFolder
from nimdsl.program import Garden


def state_of(garden: Garden) -> StateFolder:
    """The folder of a garden."""
    return StateFolder(state_folder(garden))


def on_server(garden: Garden, url: str) -> Garden:
    """The same garden on a server that runs already."""
    assert garden.real is not None
    return replace(garden, real=replace(garden.real, server=url))


def on_the_bus_that_is_up(garden: Garden) -> Garden:
    """The garden on its own server, where that has been brought up; else as it is."""
    owner = state_of(garden)
    manifest = owner.read_manifest() if owner.holder() is not None else None
    return on_server(garden, str(manifest["url"])) if manifest else garden
