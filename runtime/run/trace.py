"""Hash chains over records (SEMANTICS 8.1): the run's fingerprint.

``trace_sha256`` covers everything; ``decision_sha256`` leaves out what may
differ between two gardens that decide alike: times, ids and causal parents.

The law: a chain depends on its actor's records in their order, and on nothing
of another actor.  So a :class:`Trace` can be fed record by record while a run
goes on, and finished lists, one actor after the other, give the same hashes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from nimdsl.base import canonical
from runtime.record_bytes import encode
from runtime.records import Record


class Trace:
    """The chains of a run's actors, fed as it goes: two hashes an actor, however long it lasts."""

    def __init__(self, actors: Iterable[str]) -> None:
        """``actors`` are all that take part: one that leaves no record counts too."""
        self._heads = dict.fromkeys(actors, b"")
        self._decisions = dict(self._heads)

    def take(self, record: Record) -> bytes:
        """Takes the next record of its actor; returns the canonical bytes, which were hashed."""
        actor = record.actor
        data, decision = encode(record)
        self._heads[actor] = _linked(self._heads[actor], data)
        self._decisions[actor] = _linked(self._decisions[actor], decision)
        return data

    @property
    def trace_sha256(self) -> str:
        """Hash of the chain heads of all actors, sorted by actor."""
        return _over(self._heads)

    @property
    def decision_sha256(self) -> str:
        """The same without times, ids and causal parents."""
        return _over(self._decisions)


def trace_of(records: Mapping[str, Iterable[Record]]) -> Trace:
    """The trace of finished lists, by actor."""
    trace = Trace(records)
    for chain in records.values():
        for record in chain:
            trace.take(record)
    return trace


def _linked(head: bytes, data: bytes) -> bytes:
    return hashlib.sha256(head + data).digest()


def _over(heads: Mapping[str, bytes]) -> str:
    return canonical.sha256({actor: head.hex() for actor, head in heads.items()})
