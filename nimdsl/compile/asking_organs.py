"""Compiles what asks an organ: work of a machine that a model does."""

from __future__ import annotations

from nimdsl.compile.amounts import count
from nimdsl.compile.handed import check_handed
from nimdsl.compile.reader import Reader
from nimdsl.expression.check import Scope
from nimdsl.expression.types import ANY, Type, parse_type
from nimdsl.program.work import OrganSpec
from nimdsl.text.tree import MapNode


def compile_organ_work(
    reader: Reader, scope: Scope, starting: bool
) -> tuple[OrganSpec | None, dict[str, Type]]:
    """What is asked of which organ, with the fields that it returns; NIM0203 and NIM0204.

    ``starting`` says whether the machine of an actor starts it.
    """
    inner = reader.sub("organ")
    if inner is None:
        return None, {}
    if not starting:
        message = "only the machine of a cell can ask an organ"
        reader.findings.report("NIM0203", message, reader.place("organ"), "remove `organ`")
        return None, {}
    check_handed(
        reader,
        "organ",
        why="the organ does the work, and says what it costs",
        waits="who asks an organ must say how long it waits: others may be before it",
        example="30s",
        also=("reserve", "cost"),
    )
    name = inner.reference("name", "Organ")
    if not name:
        return None, {}
    stages: list[str] = inner.value("stages", [])
    spec = OrganSpec(
        name,
        inner.text("task"),
        inner.template("payload", scope),
        tuple(sorted({*stages})),
        count(inner, "priority", scope, 0),
    )
    return spec, _returned(reader, name)


def _returned(reader: Reader, name: str) -> dict[str, Type]:
    """What the organ's document says that it returns."""
    document = reader.findings.documents.get("Organ", name)
    fields = document.spec.get("returns") if document and not document.broken else None
    if not isinstance(fields, MapNode):
        return {}
    return {key: parse_type(str(kind.plain())) or ANY for key, kind in fields.entries.items()}
