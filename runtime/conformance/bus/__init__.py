"""One suite for every implementation of the port :class:`runtime.ports.bus.Bus`.

Subclass :class:`BusSuite` and write ``play``: it makes a new :class:`World` with a bus in it,
awaits the case, and takes the world down.  A bus of one process is in both of its places.
What draws faults itself keeps the laws of :class:`FatesSuite` besides.
"""

from __future__ import annotations

from runtime.conformance.bus.asking import Asking
from runtime.conformance.bus.fates import FatesSuite
from runtime.conformance.bus.listening import Listening
from runtime.conformance.bus.publishing import Publishing
from runtime.conformance.bus.sending import Sending
from runtime.conformance.bus.world import BYTES_MAX, MS, SECOND, Case, World

__all__ = ["BYTES_MAX", "MS", "SECOND", "BusSuite", "Case", "FatesSuite", "World"]


class BusSuite(Sending, Listening, Publishing, Asking):
    """All laws of a bus."""
