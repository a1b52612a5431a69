"""Compiles ``command``: work that is a handshake with a cell that answers requests."""

from __future__ import annotations

from collections.abc import Mapping

from nimdsl.base.suggest import phrase
from nimdsl.compile.documents import Document
from nimdsl.compile.handed import check_handed
from nimdsl.compile.payload import check_payload
from nimdsl.compile.reader import Reader
from nimdsl.expression.check import Scope
from nimdsl.expression.types import Type
from nimdsl.program import Schema
from nimdsl.program.work import CommandSpec
from nimdsl.text.tree import MapNode


def compile_command(
    reader: Reader, scope: Scope, schemas: Mapping[str, Schema], starting: bool
) -> tuple[CommandSpec | None, dict[str, Type]]:
    """The handshake, with the fields of the reply's payload; None where there is none, or it is wrong.

    ``starting`` says whether the machine of a cell, or of a nerve, starts it.
    """
    inner, report = reader.sub("command"), reader.findings.report
    if inner is None:
        if "declined" in reader:
            message = "`declined` is for a command"
            report("NIM0203", message, reader.place("declined"), "remove `declined`")
        return None, {}
    if not starting:
        message = "only the machine of a cell or of a nerve can command"
        report("NIM0203", message, reader.place("command"), "remove `command`")
        return None, {}
    check_handed(
        reader,
        "command",
        why="the cell that is commanded does the work",
        waits="a command must say how long it waits: messages can be lost",
        example="100ms",
        also=("reserve", "cost"),
    )
    return _command(inner, scope, schemas)


def _command(
    reader: Reader, scope: Scope, schemas: Mapping[str, Schema]
) -> tuple[CommandSpec | None, dict[str, Type]]:
    to, name = reader.reference("to", "Cell"), reader.reference("schema", "Schema")
    schema = schemas.get(name)
    payload = reader.template("payload", scope)
    if schema is None or not to:
        return None, {}
    check_payload(reader, scope, schema)
    reply = schemas.get(_reply(reader, reader.findings.documents.of("Cell")[to], name))
    if reply is None:
        return None, {}
    fields = dict(reply.payload_type.fields or ())
    translations = int(reader.value("translations", 3))
    return CommandSpec(f"cell/{to}", name, reply.name, payload, translations), fields


def _reply(reader: Reader, cell: Document, schema: str) -> str:
    """The schema of the cell's reply; NIM0706 where it answers no such request."""
    answers = cell.spec.get("answers")
    named = answers.entries.values() if isinstance(answers, MapNode) else ()
    known = {
        str(one.entries["request"].plain()): str(one.entries["reply"].plain())
        for one in reversed([*named])
        if isinstance(one, MapNode) and {"request", "reply"} <= one.entries.keys()
    }
    if schema in known or cell.broken:
        return known.get(schema, "")
    message = f"`{cell.name}` answers no request of the schema `{schema}`"
    fix = phrase(schema, known) or f"add an answer with `request: {schema}` to `{cell.name}`"
    reader.findings.report("NIM0706", message, reader.place("schema"), fix)
    return ""
