"""Compiles what goes to another actor: events, with a payload that every receiver takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from nimdsl.base.suggest import misspelt, phrase
from nimdsl.compile.addresses import Addressed, compile_address
from nimdsl.compile.documents import Document
from nimdsl.compile.reader import Reader
from nimdsl.expression.check import Scope
from nimdsl.expression.types import ANY, INT, REAL, Type, join, parse_type, record_of
from nimdsl.program import AskSpec
from nimdsl.program.address import FamilyAddress, OriginAddress
from nimdsl.program.expression import Expression
from nimdsl.program.machine import Action, Send
from nimdsl.text.tree import MapNode


def compile_send(reader: Reader, scope: Scope) -> list[Action]:
    """``send``; nothing where it is wrong, which is reported."""
    inner = reader.sub("send")
    if inner is None:
        return []
    addressed, event = compile_address(inner, "to", "Cell", scope), inner.text("event")
    payload = payload_for(inner, scope, event, addressed)
    return [Send(addressed.address, event, payload, inner.place("to"))] if addressed else []


def payload_for(reader: Reader, scope: Scope, event: str, addressed: Addressed | None) -> Expression:
    """The payload of an event for whoever can be reached."""
    if addressed is None or isinstance(addressed.address, OriginAddress):
        return reader.template("payload", scope)
    kinds = _fields(reader, event, addressed.reached)
    if kinds is None:
        return reader.template("payload", scope)
    return event_payload(reader, scope, event, kinds)


def _fields(reader: Reader, event: str, reached: Sequence[Document]) -> Mapping[str, Type] | None:
    """The fields of an event as every receiver declares them; None where one does not or is wrong."""
    common: Mapping[str, Type] | None = None
    for document in reached:
        if document.broken:
            return None
        declared = document.spec.get("accepts")
        fields = declared.get(event) if isinstance(declared, MapNode) else None
        if not isinstance(fields, MapNode):
            known = declared.entries if isinstance(declared, MapNode) else ()
            message = f"`{document.name}` does not accept the event `{event}`"
            if len(reached) > 1:
                message += f", and `{reader.text('to')}` can reach it"
            reader.findings.report("NIM0301", message, reader.place("event"), phrase(event, known))
            return None
        kinds = _declared(fields)
        common = kinds if common is None else joined_fields(common, kinds)
    return common


def joined_fields(one: Mapping[str, Type], other: Mapping[str, Type]) -> Mapping[str, Type]:
    """The fields of two receivers: what only one of them has must be there too."""
    both = {name: _narrower(kind, other.get(name, kind)) for name, kind in one.items()}
    return {**other, **both}


def compile_ask(reader: Reader, scope: Scope) -> tuple[AskSpec | None, dict[str, Type]]:
    """Who is asked and by what, with the fields of the answer; None, and reported, where it is wrong."""
    before = len(reader.findings.diagnostics)
    addressed, event = compile_address(reader, "to", "Cell", scope), reader.text("event")
    payload = payload_for(reader, scope, event, addressed)
    if addressed is None or len(reader.findings.diagnostics) > before:
        return None, {}
    if isinstance(addressed.address, FamilyAddress) and addressed.address.is_broadcast:
        message, fix = (
            "an ask goes to one cell: nobody could tell the answers apart",
            "name one, or compute it",
        )
        reader.findings.report("NIM0310", message, reader.place("to"), fix)
    if isinstance(addressed.address, OriginAddress):
        message, fix = "an ask goes to a cell that is known to answer", "name it, or a family's member"
        reader.findings.report("NIM0310", message, reader.place("to"), fix)
        return None, {}
    answer = _answered(reader, event, addressed.reached)
    return (None if answer is None else AskSpec(addressed.address, event, payload)), answer or {}


def _answered(reader: Reader, event: str, reached: Sequence[Document]) -> dict[str, Type] | None:
    """The fields that everybody who can be asked answers with; None where they are not known."""
    common: dict[str, Type] | None = None
    for document in reached:
        if document.broken:
            return None
        declared = document.spec.get("replies")
        fields = declared.get(event) if isinstance(declared, MapNode) else None
        if not isinstance(fields, MapNode):
            message = f"`{document.name}` does not reply to `{event}`"
            fix = f"add `replies: {{{event}: {{}}}}` to it, or `send` the event"
            reader.findings.report("NIM0310", message, reader.place("event"), fix)
            return None
        kinds = _declared(fields)
        common = kinds if common is None else {k: v for k, v in common.items() if kinds.get(k) == v}
    return common


def _declared(fields: MapNode) -> dict[str, Type]:
    return {key: parse_type(str(kind.plain())) or ANY for key, kind in fields.entries.items()}


def _narrower(one: Type, other: Type) -> Type:
    """What a receiver of either type takes: an int is one where a real is wanted too."""
    return INT if {one, other} == {INT, REAL} else join(one, other) or one


def event_payload(
    reader: Reader, scope: Scope, event: str, kinds: Mapping[str, Type], beside: Iterable[str] = ()
) -> Expression:
    """The payload of an event whose fields have these types; what it lacks is reported.

    ``beside`` are names that are given elsewhere: who misspells a field lacks none.
    """
    payload = reader.template("payload", scope, record_of(kinds))
    meant = misspelt([*(key for key, _ in payload.type.fields or ()), *beside], kinds)
    missing = [key for key in kinds if payload.type.field(key) is None and key not in meant]
    if missing:
        message = f"the event `{event}` needs `{missing[0]}`"
        fix = f"add `{missing[0]}:` under `payload:`"
        reader.findings.report("NIM0306", message, reader.place("event"), fix)
    return payload
