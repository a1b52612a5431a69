"""Plain data with its type: what documents, messages and records hold that no schema of ours fixes.

JSON in Python: None, bool, int, finite float, str, lists, and dicts with string keys.  Readers that
convert from bytes take it as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from msgspec import Meta

if TYPE_CHECKING:
    Value: TypeAlias = bool | int | float | str | list["Value"] | dict[str, "Value"] | None
else:
    Value = Any

Fields: TypeAlias = Mapping[str, Value]
"""Named values: a payload, a message, an actor's data."""
TimeNs = Annotated[int, Meta(ge=0, le=2**63 - 1)]
"""Garden time in nanoseconds."""
MicroLF = Annotated[int, Meta(extra={"unit": "micro-LF"})]
"""An amount of lifeforce."""
