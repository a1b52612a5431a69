"""Records as the plain data that is written, and back, for tests that compare what is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from runtime.record_bytes import from_data, noted_data, to_data
from runtime.records import Noted, Record

Plain = dict[str, Any]
"""A record as it is written."""


def plain(records: Iterable[Record]) -> list[Plain]:
    """Records as they are written."""
    return [to_data(record) for record in records]


def plain_notes(notes: Iterable[Noted]) -> list[Plain]:
    """The same of what a step leaves, which has no place yet."""
    return [noted_data(noted) for noted in notes]


def typed(written: Iterable[Mapping[str, Any]]) -> list[Record]:
    """The records that were written so."""
    return [from_data(dict(one)) for one in written]
