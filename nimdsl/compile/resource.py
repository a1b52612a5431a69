"""Compiles ``Resource``."""

from __future__ import annotations

from nimdsl.compile.reader import Findings, Reader
from nimdsl.program.resource import Resource

QUEUE_MAX = 100_000
"""How many requests may wait for a resource that does not say so."""


def compile_resource(findings: Findings, reader: Reader) -> Resource:
    """The resource."""
    return Resource(
        findings.document.name, int(reader.value("capacity", 1)), int(reader.value("queue", QUEUE_MAX))
    )
