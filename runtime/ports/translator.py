"""The translator port: from an intent to the text of a typed message (SEMANTICS 4.1).

The default writes what the document says.  A model behind the same port may
write anything: the kernel parses and checks it, and tells it what was wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from nimdsl.base import canonical
from nimdsl.program import Schema


class Translator(Protocol):
    """Writes messages."""

    def translate(self, intent: Mapping[str, Any]) -> str:
        """The JSON text of a message.

        ``intent`` has ``phase``, ``handshake``, ``schema`` (the request's schema name),
        ``payload`` (what the document says) and ``hint`` (why the last attempt was no such
        message; empty at first).
        """
        ...


class DocumentTranslator:
    """Fills the message from the document: deterministic, never wrong about types."""

    def __init__(self, schemas: Mapping[str, Schema]) -> None:
        self._schemas = schemas

    def translate(self, intent: Mapping[str, Any]) -> str:
        """See :class:`Translator`."""
        schema = self._schemas[intent["schema"]]
        message = {"$schema": schema.name, "type": schema.type, "payload": intent["payload"]}
        return canonical.encode(message).decode()
