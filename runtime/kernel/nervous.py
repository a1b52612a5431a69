"""What a nerve has in mind: what it senses, what is absent, and its opening (SEMANTICS 6.12).

Pure data and arithmetic; how events change it is in :mod:`runtime.kernel.nerve`.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from nimdsl.base.values import Value
from nimdsl.program.nerve import Nerve


class Sense(Struct, frozen=True, forbid_unknown_fields=True):
    """The latest wave of a sense."""

    confidence: float
    content: Value
    at_ns: int


class Opening(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """An opening that it took and has not judged: from whom it is, its tier, when the wave came."""

    number: int
    gate: str
    tier: int
    stage: str
    since_ns: int
    agreed_ns: int | None = None
    """When the cell agreed to the command; None before."""


class Nervous(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The state of a nerve besides its machine; ``counts`` are of what it did."""

    senses: Mapping[str, Sense] = {}
    absent: tuple[str, ...] = ()
    """Senses that are stale, and ids of cells that do not answer, sorted."""
    opening: Opening | None = None
    stage: str = ""
    """That of the opening which it took last."""
    latest: int = 0
    """The number of that."""
    asleep: bool = False
    """Whether its economy sleeps: then nothing becomes stale."""
    counts: Mapping[str, int] = {}
    answered_ns: int = 0
    """How long it took at most from a wave to the cell's answer."""

    def counted(self, *names: str) -> Nervous:
        """The same, one more of each."""
        more = {name: self.counts.get(name, 0) + 1 for name in names}
        return replace(self, counts={**self.counts, **more})


def environment(nerve: Nerve, state: Nervous) -> dict[str, object]:
    """What its expressions read; what is absent and needed has no value."""
    gone = nerve.needs.keys() & state.absent
    seen = {
        name: {"confidence": one.confidence, "content": one.content}
        for name, one in state.senses.items()
        if name not in gone
    }
    return {"$senses": seen, "$degraded": nerve.needed(state.absent, "degrades"), "$stage": state.stage}
