"""What the timers of each kind are for, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from nimdsl.program import Actor, Nerve
from nimdsl.program.flatten import TIMER
from runtime.kernel import attention, effects, gate, nerve, rack
from runtime.kernel.snapshot import Snapshot, timed_work

_OWN: Final[Mapping[tuple[str, int], str]] = {
    ("attention", effects.BOUNDARY): "the end of the beat",
    ("attention", attention.INSTANT): "the next instant of the beat at which something is due",
    ("attention", attention.CHOICE): "the choice of a level",
    ("gate", gate.SILENCE): "a window passed in silence",
    ("gate", gate.DISUSE): "the time to look whether it is used",
    ("gate", gate.REST): "the end of its rest",
    ("gate", gate.AGAIN): "the time to tell attention again that it is open",
    ("nerve", nerve.VERIFY): "the time for an outcome was over",
    ("rack", rack.OVER): "the next thing that was due on its cards",
}


def timer_name(actor: Actor, before: Snapshot, timer: int) -> str:
    """What a timer is for; ``before`` is the snapshot in which it is armed."""
    table = actor.table
    if 0 <= timer < len(table.timers):
        event = table.events[table.timers[timer].event]
        return f"the timer of `{event.removeprefix(TIMER).rpartition(':')[0]}`"
    own = _OWN.get((actor.kind, timer))
    if own is not None:
        return own
    if isinstance(actor, Nerve) and timer <= nerve.STALE:
        return _of_a_sense(actor, timer)
    work = before.works.get(timed_work(timer))
    if work is None:
        return f"its timer {timer}"
    return f"the wait before work `{work.work}`" if work.waits else f"the timeout of work `{work.work}`"


def _of_a_sense(actor: Nerve, timer: int) -> str:
    if timer <= nerve.SILENT:
        return "the time to try a silent cell again"
    return f"the time for sense `{[*actor.senses][nerve.STALE - timer]}` was over"
