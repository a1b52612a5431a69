"""Owning a garden from the command line: which one, where, and what interrupts.

A signal or Ctrl-C asks once for an orderly end; a second one ends at once, and
the kernel ends what is left.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from gardens.real.supervisor.servers import state_of
from gardens.real.supervisor.state import StateFolder
from nimdsl.base.diagnostics import error
from nimdsl.base.errors import PermanentPortError, SpecError
from nimdsl.base.suggest import phrase
from nimdsl.commands.options import meant
from nimdsl.commands.streams import tell
from nimdsl.compile.garden import LOCAL_GARDEN
from nimdsl.program import Garden, Program, RealGarden

LOCAL = "local"


def find_garden(program: Program, name: str = "") -> Garden:
    """The real garden of that name; ``local`` is there without a document.  Raises SpecError."""
    real = {key: garden for key, garden in program.gardens.items() if garden.real is not None}
    wanted = name or LOCAL
    if wanted in real:
        return real[wanted]
    if wanted == LOCAL and LOCAL not in program.gardens:
        return LOCAL_GARDEN
    if wanted in program.gardens:
        text = f"`{wanted}` is a virtual garden: `nimdsl simulate` runs scenarios in it"
        fix = "name a garden that has `real:`, or none for `local`"
        raise SpecError((error("NIM0301", text, fix=fix),))
    text = f"there is no real garden named `{wanted}`"
    raise SpecError((error("NIM0301", text, fix=phrase(wanted, [*real, LOCAL])),))


def living_garden(name: str, specs: Sequence[Path], root: Path | None = None) -> tuple[Garden, StateFolder]:
    """A garden that was brought to life here, and its folder; its documents need not be right, or there.

    Only a garden that keeps its state elsewhere must be looked up in ``specs``, which may name files below
    ``root``.  Raises SpecError.
    """
    state = StateFolder(Path(".nimdsl") / (name or LOCAL))
    known = None if specs else state.read_manifest()
    if known is None:
        garden = find_garden(meant("", specs, quiet=True, root=root).program, name)
        return garden, state_of(garden)
    subjects = known["subjects"]
    real = replace(RealGarden(), environment=subjects["environment"], actors=subjects["actors"])
    return replace(LOCAL_GARDEN, name=str(known["garden"]), real=real), state


class Interrupted(Exception):  # noqa: N818
    """Somebody wants an end."""


def interrupts() -> asyncio.Event:
    """Set by the first Ctrl-C, SIGTERM or hang-up; a second one ends the process."""
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()

    def ask() -> None:
        if asked.is_set():
            tell("ended at once", sys.stderr, flush=True)
            os._exit(130)
        asked.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, ask)
    return asked


async def unless(asked: asyncio.Event, work: asyncio.Task[None]) -> None:
    """Waits for ``work``, which is cancelled when an end is asked for.  Raises Interrupted then."""
    waiting = asyncio.create_task(asked.wait())
    try:
        await asyncio.wait({waiting, work}, return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            work.result()
            return
        raise Interrupted
    finally:
        for task in (waiting, work):
            task.cancel()
        await asyncio.gather(waiting, work, return_exceptions=True)


def need_linux() -> None:
    """The real garden leans on Linux: children that die with their parent, locks that can be asked."""
    if not sys.platform.startswith("linux"):
        raise PermanentPortError("real gardens need Linux; `nimdsl simulate` runs everywhere")
