"""The value of a gate between its records: each window in silence takes from it (SEMANTICS 6.5)."""

from __future__ import annotations

from collections.abc import Iterator

from nimdsl.program.gate import Resonance
from runtime.kernel import resonance
from runtime.kernel.resonance import Resonating
from runtime.records import ReadingChanged, Record, Resonated


class Fading:
    """Follows one gate's value."""

    def __init__(self, spec: Resonance) -> None:
        self._spec = spec
        self._state = Resonating(0)

    @property
    def value(self) -> float:
        """What it is now."""
        return self._state.value

    def until(self, now_ns: int) -> Iterator[tuple[int, float]]:
        """Each change that silence brings before an instant."""
        while self._state.value != 0.0:
            due_ns = resonance.silence_ns(self._spec, self._state)
            if due_ns is None or due_ns >= now_ns:
                return
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
