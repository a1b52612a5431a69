"""Hash chains over records (SEMANTICS 8.1): the run's fingerprint, computed on demand.

``trace_sha256`` covers everything; ``decision_sha256`` leaves out what may
differ between two gardens that decide alike: times, ids and causal parents.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from nimdsl import canonical
from runtime.turn import Record

NOT_A_DECISION = frozenset({"time_ns", "number", "request", "keys"})
"""Fields of records that are times, ids or causal parents."""


def chain_head(records: Iterable[Record]) -> str:
    """The head of the hash chain of one actor's records."""
    head = b""
    for record in records:
        head = hashlib.sha256(head + canonical.encode(record)).digest()
    return head.hex()


def trace_sha256(records: Mapping[str, Iterable[Record]]) -> str:
    """Hash of the chain heads of all actors, sorted by actor."""
    return canonical.sha256({actor: chain_head(chain) for actor, chain in records.items()})


def decision_sha256(records: Mapping[str, Iterable[Record]]) -> str:
    """The same without times, ids and causal parents."""
    return trace_sha256({actor: map(_decision, chain) for actor, chain in records.items()})


def _decision(record: Record) -> Record:
    return {key: value for key, value in record.items() if key not in NOT_A_DECISION}
