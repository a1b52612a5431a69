"""The wire: what a request or reply looks like between two actors.

A body plus ``request_id`` (uuid5 of the run and the request's identity) and
``timestamp`` (ISO 8601, of the first sending).  Attempts of one request have
the same bytes (SEMANTICS 4.2); inside, the integer pair is the identity (2.4).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from nimdsl import canonical

_NAMESPACE = uuid.UUID("6f0f7a3e-5c1d-5d0c-9a53-2f3c9e6d1b10")


def request_id(run_id: str, identity: list[Any]) -> str:
    """The uuid by which a request is known outside."""
    return str(uuid.uuid5(_NAMESPACE, f"{run_id}/{identity[0]}/{identity[1]}"))


def timestamp(epoch: str, time_ns: int) -> str:
    """Garden time as ISO 8601 with microseconds."""
    moment = datetime.fromisoformat(epoch.replace("Z", "+00:00")) + timedelta(microseconds=time_ns // 1_000)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def encode(message: Mapping[str, Any], run_id: str, identity: list[Any], epoch: str, time_ns: int) -> bytes:
    """The bytes of a message."""
    return canonical.encode(
        {**message, "request_id": request_id(run_id, identity), "timestamp": timestamp(epoch, time_ns)}
    )


def decode(data: bytes) -> dict[str, Any]:
    """The body of a message."""
    whole: dict[str, Any] = canonical.decode(data)
    return {key: value for key, value in whole.items() if key not in ("request_id", "timestamp")}
