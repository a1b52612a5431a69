"""Checks of phases: an exit that can never hold, and phases that wait for each other."""

from __future__ import annotations

from collections.abc import Iterator

from nimdsl.base.diagnostics import Diagnostic, error
from nimdsl.checks.guards import Case, possible
from nimdsl.compile.documents import Document, Documents
from nimdsl.compile.phase import CompiledPhase
from nimdsl.compile.reader import Findings, Reader
from nimdsl.text.tree import ListNode


def check_exit(findings: Findings, reader: Reader, phase: CompiledPhase) -> None:
    """NIM0501: no number of accepted handshakes makes ``exit`` true."""
    if phase.exit is None:
        return
    count = len(phase.phase.handshakes)
    whole = range(count + 1)
    domains = {"accepted": whole, "rejected": whole, "failed": whole, "handshakes": [count]}

    def legal(case: Case) -> bool:
        """Every handshake ends in one of three ways."""
        known = [case[name] for name in ("accepted", "rejected", "failed") if name in case]
        total = sum(map(int, known))
        return total == count if len(known) == 3 else total <= count

    if not possible(phase.exit, domains, legal):
        message = f"this can never be true: the phase has {count} handshake{'s' if count != 1 else ''}"
        fix = f"write for example `accepted == {count}` or `accepted == handshakes`"
        findings.report("NIM0501", message, reader.place("exit"), fix)


def check_cycles(documents: Documents) -> Iterator[Diagnostic]:
    """NIM0504: a phase that comes, through others, after itself; each cycle is told once."""
    phases = documents.of("Phase")
    after = {name: _after(document) for name, document in phases.items()}
    told: set[str] = set()
    for name in after:
        cycle = _cycle(name, after)
        if cycle and not told & set(cycle):
            told |= set(cycle)
            message = "these phases wait for each other: " + " after ".join([*cycle, cycle[0]])
            yield error("NIM0504", message, phases[name].place, "remove one `after`")


def _after(document: Document) -> list[str]:
    node = None if document.broken else document.spec.get("after")
    return [str(item.plain()) for item in node.items] if isinstance(node, ListNode) else []


def _cycle(start: str, after: dict[str, list[str]]) -> list[str]:
    """The shortest way from a phase back to itself, or nothing."""
    paths, seen = [[start]], {start}
    while paths:
        path = paths.pop(0)
        for name in after.get(path[-1], ()):
            if name == start:
                return path
            if name not in seen:
                seen.add(name)
                paths.append([*path, name])
    return []
