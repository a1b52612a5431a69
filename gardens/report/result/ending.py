"""What an attention has not noted yet when a run ends: it looks at the clock only when something happens.

The records that it would have left by then, from its snapshot; nothing is changed,
asked or paid.  The last one is the beat in which the run ended, as it stands then:
``settled`` is false if it was cut short.  What runs at that instant is a ``grant``
that ends as ``running``.
"""

from __future__ import annotations

from typing import Any

from nimdsl.base.canonical import Plain
from nimdsl.program import Level
from runtime.kernel.beat import copied, summary
from runtime.kernel.scheduler import Scheduler
from runtime.kernel.turn import Record
from runtime.run.host import Host

RUNNING = "running"


def ending(host: Host, until_ns: int) -> list[Record]:
    """The records from the attention's last one up to ``until_ns``; none if it never began."""
    beat = host.kernel.actor.beat
    if beat is None or not host.snapshot.beat:
        return []
    state = copied(host.snapshot.beat)
    listening = _Listening(host.id, host.record_count, state["beat"])
    Scheduler(beat, state, listening).advance(until_ns, boundary=True, instants=False)
    if state["beat"] == listening.beat and until_ns > state["start_ns"]:
        for level, item, from_ns in _running(beat.levels, state):
            if from_ns < until_ns:
                stretch = {"item": item["item"], "level": level.name, "name": item["name"]}
                listening.tell("grant", until_ns, **stretch, from_ns=from_ns, to_ns=until_ns, ended=RUNNING)
        listening.tell("beat", until_ns, **summary(beat, state, until_ns))
    return listening.records


def _running(levels: tuple[Level, ...], state: dict[str, Any]) -> list[tuple[Level, dict[str, Any], int]]:
    running = [
        (levels[number], {"item": item, "name": name}, from_ns)
        for number, item, from_ns, _, name in state["reflexes"]
    ]
    if state["running"] is not None:
        item = state["levels"][state["running"]]["queue"][0]
        running.append((levels[state["running"]], item, item["from_ns"]))
    return running


class _Listening:
    """A port that keeps the records of one beat, and grants what it is asked."""

    def __init__(self, actor: str, sequence: int, beat: int) -> None:
        self.actor = actor
        self.sequence = sequence
        self.beat = beat
        self.over = False
        self.records: list[Record] = []

    def tell(self, type_: str, at_ns: int, **fields: Plain) -> None:
        if self.over:
            return
        self.over = type_ == "beat"
        self.records.append(
            {"type": type_, **fields, "beat": self.beat, "at_ns": at_ns, "actor": self.actor}
            | {"sequence": self.sequence + len(self.records), "time_ns": at_ns}
        )

    def mode(self, *_: Any, **__: Any) -> None:
        pass

    def reserve(self, *_: Any, **__: Any) -> str:
        return ""

    def settle(self, *_: Any, **__: Any) -> None:
        pass

    def start(self, *_: Any, **__: Any) -> int:
        return 0

    def revoke(self, *_: Any, **__: Any) -> None:
        pass
