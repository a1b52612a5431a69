"""Schemas of messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nimdsl.expression.types import Type
from nimdsl.program.format import tagged


@tagged("schema")
@dataclass(frozen=True)
class Schema:
    """A message's schema.  ``body`` is what the kernel checks, ``wire`` adds id and timestamp."""

    name: str
    role: str
    type: str
    payload_type: Type
    body: Mapping[str, Any]
    wire: Mapping[str, Any] = field(metadata={"hashed": False})
