"""A gate between its records: silence takes from value, disuse from weight (SEMANTICS 6.5, 6.11)."""

from __future__ import annotations

from collections.abc import Iterator

from nimdsl.program.gate import Resonance, Weighing
from runtime.kernel import resonance
from runtime.kernel.resonance import Resonating
from runtime.records import ReadingChanged, Record, Resonated, Weighed


class Fading:
    """Follows one gate's value."""

    def __init__(self, spec: Resonance) -> None:
        self._spec = spec
        self._state = Resonating(0)

    @property
    def value(self) -> float:
        """What it is now, from -1 to 1."""
        return self._state.value

    @property
    def due_ns(self) -> int | None:
        """When silence takes from it next, if no wave comes; None: there is nothing to take."""
        return resonance.silence_ns(self._spec, self._state) if self._state.value != 0.0 else None

    def until(self, now_ns: int) -> Iterator[tuple[int, float]]:
        """Each change that silence brings before an instant."""
        while (due_ns := self.due_ns) is not None and due_ns < now_ns:
            self._state = resonance.silenced(self._spec, self._state)
            yield due_ns, self._state.value

    def take(self, record: Record) -> bool:
        """One record more, with what silence brought before it drained; whether it set the value."""
        match record.body:
            case Resonated(value=value):
                self._state = Resonating(0, value=value, last_ns=record.at_ns)
            case ReadingChanged(cause="shed"):
                self._state = Resonating(0)
            case _:
                return False
        return True

    def copy(self) -> Fading:
        """The same, to look ahead."""
        other = Fading(self._spec)
        other._state = self._state
        return other


class Disuse:
    """Follows what one gate weighs, millionths."""

    def __init__(self, rules: Weighing) -> None:
        self._rules = rules
        self._state = Resonating(rules.start)
        self.due_ns = rules.unused_every_ns if rules.learns and rules.unused_every_ns else None
        """When disuse is looked at next; None: never."""

    @property
    def now(self) -> int:
        """What it weighs now."""
        return self._state.weight

    def until(self, now_ns: int) -> Iterator[tuple[int, int]]:
        """Each change that disuse brings before an instant."""
        while self.due_ns is not None and self.due_ns < now_ns:
            before, self._state = self.now, resonance.disused(self._rules, self._state)
            if self.now != before:
                yield self.due_ns, self.now
            self.due_ns += self._rules.unused_every_ns

    def take(self, record: Record) -> None:
        """One record more, with what disuse brought before it drained."""
        match record.body:
            case ReadingChanged(target="open"):
                self._state = Resonating(self.now, used=True)
            case Weighed(weight=weight):
                self._state = Resonating(weight, used=True)

    def copy(self) -> Disuse:
        """The same, to look ahead."""
        other = Disuse(self._rules)
        other._state, other.due_ns = self._state, self.due_ns
        return other
