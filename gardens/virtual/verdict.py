"""What running the program on a journal's bus finds: whether both gardens did the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nimdsl.base.units import SECOND_NS
from nimdsl.base.values import Value
from runtime.kernel.events import AnyEvent
from runtime.ports.topics import WAVES
from runtime.run.inbox import Difference, in_words

Identity = tuple[str, int]
"""Sender and number."""


@dataclass(frozen=True, slots=True)
class SentMessage:
    """A message of the virtual garden, or a copy of one that was published.

    ``to`` is the actor that takes it, ``address`` what it was sent to: one of the actor's threads, or a
    topic.  ``arrivals`` is when its bus would let it arrive.
    """

    sender: str
    number: int
    to: str
    time_ns: int
    event: AnyEvent
    arrivals: tuple[int, ...]
    too_large: bool = False
    address: str = ""

    @property
    def topic(self) -> str:
        """What it was published to; empty for what was sent."""
        return self.address if self.address.startswith(WAVES) else ""

    def __str__(self) -> str:
        return f"{in_words(self.event)} to {self.to}, sent at {self.time_ns / SECOND_NS:.6f} s"


@dataclass(frozen=True)
class Parity:
    """Whether a run did what the virtual garden does with the same arrivals and outcomes."""

    differences: tuple[Difference, ...]
    """The first of each actor, messages that are not the virtual garden's, the ledger's first."""
    losses: tuple[SentMessage, ...]
    """Sent, arrived nowhere, and nothing explains it."""
    explained: Mapping[str, int]
    """Sent and arrived nowhere, by explanation."""
    notes: tuple[str, ...]
    """What a person should know and what is no difference."""
    event_count: int
    message_count: int
    entry_count: int

    @property
    def holds(self) -> bool:
        """No difference, and no loss without an explanation."""
        return not self.differences and not self.losses

    @property
    def summary(self) -> dict[str, Value]:
        """Plain data for JSON."""
        return {
            "holds": self.holds,
            "events": self.event_count,
            "messages": self.message_count,
            "ledger_entries": self.entry_count,
            "differences": [difference.to_data() for difference in self.differences],
            "unexplained_losses": [str(sent) for sent in self.losses],
            "explained_losses": dict(self.explained),
            "notes": list(self.notes),
        }
