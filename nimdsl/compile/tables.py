"""Compiles ``tables``: typed rows that expressions read as lists of records."""

from __future__ import annotations

from nimdsl.base.canonical import Plain
from nimdsl.compile.reader import Reader
from nimdsl.expression.check import Binding, Scope
from nimdsl.expression.evaluate import Fault
from nimdsl.expression.types import Type, list_of, record_of


def compile_tables(reader: Reader, key: str) -> tuple[dict[str, Plain], dict[str, Type]]:
    """The tables at ``key`` and the type of each."""
    rows: dict[str, Plain] = {}
    kinds: dict[str, Type] = {}
    for name, table in reader.named(key):
        columns = table.types("columns")
        row_type = record_of(columns)
        kinds[name] = list_of(row_type)
        rows[name] = [row for item in table.items("rows") if (row := _row(item, row_type)) is not None]
    return rows, kinds


def _row(reader: Reader, kind: Type) -> Plain:
    missing = [name for name, _ in kind.fields or () if name not in reader.node.entries]
    for name in missing:
        reader.findings.report("NIM0204", f"this row lacks `{name}`", reader.node.place, f"add `{name}:`")
    expression = reader.template_in(reader.node, Scope({}), kind)
    if reader.findings.failed:
        return None
    try:
        return expression.evaluate({})
    except Fault as fault:
        reader.findings.report("NIM0304", str(fault), reader.node.place)
        return None


def table_bindings(kinds: dict[str, Type], root: str) -> dict[str, Binding]:
    """Names for expressions: each table is a list of records."""
    return {name: Binding(kind, (root, name)) for name, kind in kinds.items()}
