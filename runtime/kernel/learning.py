"""What an organ learns from what it served: how far its training is, and its version (SEMANTICS 9.10).

Pure data and arithmetic.  Slices that are done stay done until the training is over: done, it makes the
version one more; given up, the requests are counted anew.  When a slice may begin is decided in
:mod:`runtime.kernel.arbiter`.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from nimdsl.program.organ import Training

SLICE, TRAINED, FAILED, ABANDONED = "slice", "trained", "failed", "abandoned"
"""What became of a slice: it is done, and with the last one the training; it failed, and so did that."""


class Learning(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How far an organ is."""

    version: int = 0
    """How many trainings it has behind it."""
    served: int = 0
    """How many requests it served since the last of them was over."""
    slices: int = 0
    """How many slices of the training at hand are done."""
    failures: int = 0
    """How many have failed since the last that was done."""
    until_ns: int = 0
    """Before it no slice is asked for."""


def is_due(training: Training, learning: Learning) -> bool:
    """Whether there is a training to do."""
    return learning.served >= training.after


def after_serving(learning: Learning) -> Learning:
    """One request more was served."""
    return replace(learning, served=learning.served + 1)


def after_slice(training: Training, learning: Learning, done: bool) -> tuple[Learning, str]:
    """A slice is over; with what that came to."""
    if not done:
        failures = learning.failures + 1
        if failures >= training.attempts:
            return Learning(learning.version), ABANDONED
        return replace(learning, failures=failures), FAILED
    slices = learning.slices + 1
    if slices >= training.slices:
        return Learning(learning.version + 1), TRAINED
    return replace(learning, slices=slices, failures=0), SLICE
