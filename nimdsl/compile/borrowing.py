"""Compiles what work borrows: units of a resource, and lifeforce until its price is known."""

from __future__ import annotations

from collections.abc import Mapping

from nimdsl.base.words import counted
from nimdsl.compile.amounts import count, duration_or_lifeforce
from nimdsl.compile.handed import check_handed
from nimdsl.compile.reader import Reader
from nimdsl.expression.check import Binding, Scope
from nimdsl.expression.types import LIFEFORCE, Type, record_of
from nimdsl.program.amount import Amount, most_of
from nimdsl.program.expression import Expression
from nimdsl.program.work import AcquireSpec


def compile_acquire(reader: Reader, scope: Scope, starting: bool) -> AcquireSpec | None:
    """What work lends; NIM0203, NIM0204 and NIM0511 for what makes no sense.

    ``starting`` says whether the machine of a cell starts it.
    """
    inner = reader.sub("acquire")
    if inner is None:
        return None
    report = reader.findings.report
    if not starting:
        message = "only the machine of a cell can acquire units of a resource"
        report("NIM0203", message, reader.place("acquire"), "remove `acquire`")
        return None
    check_handed(
        reader,
        "acquire",
        why="units are lent, nobody works",
        waits="who acquires must say how long it waits: nobody knows when units come back",
        example="5min",
        also=("attempts", "backoff", "reserve", "cost"),
    )
    name = inner.reference("resource", "Resource")
    units = count(inner, "units", scope, 1)
    if units == 0:
        report("NIM0210", "at least one unit can be acquired", inner.place("units"), "write `units: 1`")
    _check_units(inner, name, units)
    return AcquireSpec(name, units, count(inner, "priority", scope, 0)) if name else None


def _check_units(reader: Reader, name: str, units: Amount) -> None:
    """NIM0511: more than the resource ever has."""
    document = reader.findings.documents.get("Resource", name) if name else None
    capacity = document.spec.get("capacity") if document and not document.broken else None
    most: object = capacity.plain() if capacity is not None else None
    if isinstance(most, int) and 0 < most < most_of(units):
        message = f"`{name}` has {counted(most, 'unit')}, and this may ask for {most_of(units):,}"
        fix = (
            f"write `min(..., {most})`" if not isinstance(units, int) else f"write at most `units: {most}`"
        )
        reader.findings.report("NIM0511", message, reader.place("units"), fix)


def compile_reserve(
    reader: Reader, scope: Scope, returns: Mapping[str, Type], starting: bool
) -> tuple[Amount | None, Expression | None]:
    """What an attempt of work puts aside, and what of it it costs."""
    report = reader.findings.report
    given = [key for key in ("reserve", "cost") if key in reader]
    if given and not starting:
        message = f"`{given[0]}` is for work that the machine of a cell starts"
        report("NIM0203", message, reader.place(given[0]), f"remove `{given[0]}`")
        return None, None
    if len(given) == 1:
        lacks, example = ("cost", "0.5") if given == ["reserve"] else ("reserve", "2")
        what = (
            "what it costs in the end" if lacks == "cost" else "the most that it may cost, put aside before"
        )
        message = f"`{given[0]}` without `{lacks}`: {what}"
        report("NIM0204", message, reader.place(given[0]), f"add for example `{lacks}: {example}`")
    if len(given) < 2:
        return None, None
    event = record_of(returns, "what the work returned")
    inner = scope.extended({"event": Binding(event, ("$event",))})
    reserve = duration_or_lifeforce(reader, "reserve", scope, LIFEFORCE)
    return reserve, reader.template("cost", inner, LIFEFORCE)
