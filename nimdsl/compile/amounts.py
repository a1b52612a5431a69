"""Amounts of a document: quantities that are written down, or computed within a bound."""

from __future__ import annotations

from nimdsl.base.units import MICRO
from nimdsl.compile.reader import RATE_MAX, Reader
from nimdsl.expression.bounds import interval
from nimdsl.expression.check import Scope
from nimdsl.expression.template import is_template
from nimdsl.expression.types import DURATION, INT, LIFEFORCE, Type
from nimdsl.program.amount import RATE_TIMES, Amount, Computed
from nimdsl.text.tree import Scalar

_EXAMPLES = {"duration": "16s", "lifeforce": "2LF", "int": "4"}


def duration_or_lifeforce(reader: Reader, key: str, scope: Scope, kind: Type) -> Amount:
    """A duration or lifeforce in base units, or one that the run computes; it must have a bound."""
    node = reader.scalar(key)
    if node is None or not is_template(node):
        return reader.duration(key) if kind == DURATION else reader.lifeforce(key)
    return _computed(reader, key, node, scope, kind)


def count(reader: Reader, key: str, scope: Scope, default: int) -> Amount:
    """A whole number, or one that the run computes; it must have a bound."""
    node = reader.scalar(key)
    if node is None or not is_template(node):
        return int(reader.value(key, default))
    return _computed(reader, key, node, scope, INT)


def rate(reader: Reader, key: str, scope: Scope) -> Amount:
    """A rate in micro-LF a day; one that the run computes is in micro-LF a second, and has a bound too."""
    node = reader.scalar(key)
    if node is None or not is_template(node):
        return reader.rate(key)
    found = _computed(reader, key, node, scope, LIFEFORCE)
    if isinstance(found, Computed) and found.most > RATE_MAX // RATE_TIMES:
        most = RATE_MAX // RATE_TIMES // MICRO
        message = f"`{key}` may be more than {most} LF a second"
        reader.findings.report("NIM0210", message, node.place, f"write `min(..., {most}LF)`")
    return found


def _computed(reader: Reader, key: str, node: Scalar, scope: Scope, kind: Type) -> Amount:
    report, before = reader.findings.report, len(reader.findings.diagnostics)
    found = reader.template_in(node, scope, kind)
    if len(reader.findings.diagnostics) > before:
        return 0
    if found.type != kind:
        report("NIM0304", f"{kind} wanted here, this is {found.type}", node.place)
        return 0
    _, high = interval(found.node, found.scope)
    if high is None:
        message = f"nothing bounds `{key}`: its worst case must be read off it"
        fix = f"write `min(..., {_EXAMPLES[kind.name]})` with the most that it may be"
        report("NIM0211", message, node.place, fix)
        return 0
    if high < 0:
        message, fix = f"`{key}` is always less than nothing", "write what is from 0 upwards"
        report("NIM0210", message, node.place, fix)
        return 0
    return Computed(found, int(high))
