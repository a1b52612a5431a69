"""What an attention has not noted yet when a run ends: it looks at the clock only when something happens.

The records that it would have left by then, from its snapshot; nothing is changed,
asked or paid.  The last one is the beat in which the run ended, as it stands then:
``settled`` is false if it was cut short.  What runs at that instant is a ``grant``
that ends as ``running``.
"""

from __future__ import annotations

from typing import Any

from nimdsl.program import Attention, Level
from runtime.kernel.beat import BeatState, copied, summary
from runtime.kernel.scheduler import Scheduler
from runtime.records import AttentionBody, BeatEnded, Moment, Ran, Record
from runtime.run.host import Host

RUNNING = "running"


def ending(host: Host, until_ns: int) -> list[Record]:
    """The records from the attention's last one up to ``until_ns``; none if it never began."""
    actor = host.kernel.actor
    if not isinstance(actor, Attention) or host.snapshot.beat is None:
        return []
    state = copied(host.snapshot.beat)
    listening = _Listening(host.id, host.record_count, state.beat)
    Scheduler(actor.beat, state, listening).advance(until_ns, boundary=True, instants=False)
    if state.beat == listening.beat and until_ns > state.start_ns:
        for running in _running(actor.beat.levels, state, until_ns):
            listening.tell(until_ns, running)
        listening.tell(until_ns, summary(actor.beat, state, until_ns))
    return listening.records


def _running(levels: tuple[Level, ...], state: BeatState, until_ns: int) -> list[Ran]:
    running = [
        Ran(one.item, levels[one.level].name, one.name, one.from_ns, until_ns, RUNNING)
        for one in state.reflexes
    ]
    if state.running is not None:
        level, item = levels[state.running], state.levels[state.running].queue[0]
        running.append(Ran(item.number, level.name, item.name, item.from_ns, until_ns, RUNNING))
    return [one for one in running if one.from_ns < until_ns]


class _Listening:
    """A port that keeps the records of one beat, and grants what it is asked."""

    def __init__(self, actor: str, sequence: int, beat: int) -> None:
        self.actor = actor
        self.sequence = sequence
        self.beat = beat
        self.over = False
        self.records: list[Record] = []

    def tell(self, at_ns: int, body: AttentionBody) -> None:
        if self.over:
            return
        self.over = isinstance(body, BeatEnded)
        sequence = self.sequence + len(self.records)
        self.records.append(Record(self.actor, sequence, at_ns, body, Moment(self.beat, at_ns)))

    def mode(self, *_: Any, **__: Any) -> None:
        pass

    def reserve(self, *_: Any, **__: Any) -> str:
        return ""

    def settle(self, *_: Any, **__: Any) -> None:
        pass

    def grant(self, *_: Any, **__: Any) -> None:
        pass

    def withdraw(self, *_: Any, **__: Any) -> None:
        pass

    def urge(self, *_: Any, **__: Any) -> None:
        pass

    def shed(self, *_: Any, **__: Any) -> None:
        pass

    def start(self, *_: Any, **__: Any) -> int:
        return 0

    def revoke(self, *_: Any, **__: Any) -> None:
        pass
