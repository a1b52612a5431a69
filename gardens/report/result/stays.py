"""How long a cell was in each of its states: in bounded memory, however long it lives."""

from __future__ import annotations

from dataclasses import dataclass, field

from nimdsl.base.values import Value
from nimdsl.program.flatten import lineage
from runtime.records import Began, Moved, Record


@dataclass(slots=True)
class Stay:
    """What is counted of one state; ns."""

    entered: int = 0
    time_ns: int = 0
    longest_ns: int = 0
    since_ns: int | None = None
    """When it was entered, while it stands."""

    def leave(self, time_ns: int) -> None:
        """It ends."""
        if self.since_ns is not None:
            stayed_ns = time_ns - self.since_ns
            self.time_ns += stayed_ns
            self.longest_ns = max(self.longest_ns, stayed_ns)
            self.since_ns = None

    def until(self, time_ns: int) -> dict[str, Value]:
        """What expectations see of it when the run is over."""
        open_ns = 0 if self.since_ns is None else max(0, time_ns - self.since_ns)
        longest_ns = max(self.longest_ns, open_ns)
        return {"entered": self.entered, "time": self.time_ns + open_ns, "longest": longest_ns}


@dataclass(slots=True)
class Stays:
    """The stays of one actor, by the path of the state; those around the innermost one too."""

    states: dict[str, Stay] = field(default_factory=dict)

    def take(self, record: Record) -> None:
        """One record more, in the actor's order."""
        match record.body:
            case Began(state):
                self._enter(state, "", record.time_ns)
            case Moved(source=source, target=target, inside=inside) if inside != source:
                for path in _within(source, inside):
                    self.states[path].leave(record.time_ns)
                self._enter(target, inside, record.time_ns)

    def _enter(self, leaf: str, inside: str, time_ns: int) -> None:
        for path in _within(leaf, inside):
            stay = self.states.setdefault(path, Stay())
            stay.entered += 1
            stay.since_ns = time_ns


def _within(leaf: str, inside: str) -> list[str]:
    """A leaf and the states around it, as far as they lie inside another one."""
    return [path for path in lineage(leaf) if len(path) > len(inside)]
