"""What an actor asks the economy's process, and what it is answered: JSON over the bus.

An actor's wish names its item (where its journal has the event, which question of that step it is) and
the instant of the actor.  A program outside sends a command alone.
"""

from __future__ import annotations

from msgspec import Struct

from nimdsl.base.values import MicroLF
from runtime.ledger.accounts import AnyCommand

BOOKED_FORMAT = 2
"""The version of both, with the commands in them."""


class Wish(Struct, frozen=True, omit_defaults=True):
    """A command, of whom, which one, and when; without an actor it is a program's outside."""

    command: AnyCommand
    actor: str = ""
    item: tuple[int, int] | None = None
    at_ns: int | None = None


class Granted(Struct, frozen=True, tag_field="said", tag="outcome", omit_defaults=True):
    """What the economy decided; the balance is the pool's, micro-LF, of a refusal that of its purse."""

    granted: bool
    balance: MicroLF
    purse: str = ""


class Impossible(Struct, frozen=True, tag_field="said", tag="error"):
    """Why a wish is none."""

    error: str


Reply = Granted | Impossible
