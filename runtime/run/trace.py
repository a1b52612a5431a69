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
from runtime.kernel.turn import Record

NOT_A_DECISION = frozenset(
    {"time_ns", "number", "request", "keys"}
    | {"balance", "at_ns", "from_ns", "to_ns", "left_ns", "remaining_ns", "overrun_ns", "times"}
)
"""Fields of records that are times, ids or causal parents."""


class Trace:
    """The chains of a run's actors, fed as it goes: two hashes an actor, however long it lasts."""

    def __init__(self, actors: Iterable[str]) -> None:
        """``actors`` are all that take part: one that leaves no record counts too."""
        self._heads = dict.fromkeys(actors, b"")
        self._decisions = dict(self._heads)

    def take(self, record: Record) -> bytes:
        """Takes the next record of its actor; returns the canonical bytes, which were hashed."""
        actor, data = record["actor"], canonical.encode(record)
        self._heads[actor] = _linked(self._heads[actor], data)
        self._decisions[actor] = _linked(self._decisions[actor], canonical.encode(_decision(record)))
        return data

    @property
    def trace_sha256(self) -> str:
        """Hash of the chain heads of all actors, sorted by actor."""
        return _over(self._heads)

    @property
    def decision_sha256(self) -> str:
        """The same without times, ids and causal parents."""
        return _over(self._decisions)


def trace_sha256(records: Mapping[str, Iterable[Record]]) -> str:
    """Hash of the chain heads of all actors, sorted by actor, from the records of each."""
    return _over({actor: _head(chain) for actor, chain in records.items()})


def decision_sha256(records: Mapping[str, Iterable[Record]]) -> str:
    """The same without times, ids and causal parents."""
    return trace_sha256({actor: map(_decision, chain) for actor, chain in records.items()})


def _head(records: Iterable[Record]) -> bytes:
    head = b""
    for record in records:
        head = _linked(head, canonical.encode(record))
    return head


def _linked(head: bytes, data: bytes) -> bytes:
    return hashlib.sha256(head + data).digest()


def _over(heads: Mapping[str, bytes]) -> str:
    return canonical.sha256({actor: head.hex() for actor, head in heads.items()})


def _decision(record: Record) -> Record:
    return {key: value for key, value in record.items() if key not in NOT_A_DECISION}
