"""What became of organs: requests, loads, evictions, and how long each had memory of a card."""

from __future__ import annotations

from dataclasses import dataclass

from nimdsl.base.values import Value
from runtime.kernel.arbiter import FREE, LOADING, TRAINING
from runtime.kernel.learning import SLICE, TRAINED
from runtime.kernel.rack import SERVED
from runtime.records import AnyBody, ModelMoved, OrganAnswered


@dataclass(slots=True)
class OrganTally:
    """What is counted of one organ; times in ns."""

    served: int = 0
    refused: int = 0
    loads: int = 0
    evictions: int = 0
    slices: int = 0
    version: int = 0
    resident_ns: int = 0
    """Of the stays that are over."""
    since_ns: int | None = None
    """Since when it has memory of a card."""

    def take(self, body: AnyBody, at_ns: int) -> None:
        """One record more of its rack."""
        match body:
            case OrganAnswered(outcome=outcome):
                self.served += outcome == SERVED
                self.refused += outcome != SERVED
            case ModelMoved(source=source, target=target, cause=cause, version=version):
                self.evictions += cause == "room"
                self.slices += source == TRAINING and cause in (SLICE, TRAINED)
                self.version = version
                if target == LOADING:
                    self.loads += 1
                    self.since_ns = at_ns
                elif target == FREE and self.since_ns is not None:
                    self.resident_ns += at_ns - self.since_ns
                    self.since_ns = None

    def outcome(self, end_ns: int) -> dict[str, Value]:
        """What expectations see."""
        going_ns = 0 if self.since_ns is None else max(0, end_ns - self.since_ns)
        return {
            "served": self.served,
            "refused": self.refused,
            "loads": self.loads,
            "evictions": self.evictions,
            "slices": self.slices,
            "version": self.version,
            "resident": self.resident_ns + going_ns,
        }
