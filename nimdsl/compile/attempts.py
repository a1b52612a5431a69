"""Compiles ``attempts`` and ``backoff`` of work: how often it is tried, and the waits in between."""

from __future__ import annotations

from nimdsl.base.units import MICRO
from nimdsl.compile.reader import Reader
from nimdsl.program.work import Backoff


def compile_attempts(reader: Reader, asking: bool) -> int:
    """How often the work is tried; ``asking`` says whether the machine of a cell starts it."""
    report = reader.findings.report
    attempts = int(reader.value("attempts", 1))
    if attempts > 1 and not asking:
        message = "`attempts` is for work that the machine of a cell starts"
        report("NIM0203", message, reader.place("attempts"), "remove `attempts`")
        return 1
    at_most_once = reader.text("repeat", "idempotent") != "idempotent"
    if attempts > 1 and at_most_once and "timeout" in reader:
        message = "after a timeout nobody knows whether at-most-once work was done, so it may be done twice"
        fix = "remove `attempts` or `timeout`, or say `repeat: idempotent`"
        report("NIM0418", message, reader.place("attempts"), fix)
    return attempts


def compile_backoff(reader: Reader, attempts: int) -> Backoff | None:
    """The waits between attempts; NIM0203, NIM0204 and NIM0210 for those that make no sense."""
    inner = reader.sub("backoff")
    if inner is None:
        return None
    report = reader.findings.report
    if attempts == 1:
        message = "`backoff` is for work that is tried again, and this is tried once"
        report("NIM0203", message, reader.place("backoff"), "remove `backoff`, or write `attempts: 5`")
    initial_ns = inner.duration("initial")
    coefficient = round(inner.value("coefficient", 1) * MICRO)
    maximum_ns = inner.duration("maximum", initial_ns)
    if coefficient > MICRO and "maximum" not in inner:
        message = "nothing bounds a wait that grows"
        report("NIM0204", message, inner.node.place, "add for example `maximum: 1min`")
    elif maximum_ns < initial_ns:
        message = "the longest wait is shorter than the first"
        fix = f"write at least `maximum: {inner.text('initial')}`"
        report("NIM0210", message, inner.place("maximum"), fix)
    return Backoff(initial_ns, coefficient, maximum_ns, inner.share("jitter"))
