"""Journals as lists of lines, free to be doctored, and what reads them."""

from __future__ import annotations

import copy
from typing import Any

from gardens.report.result.result import RunResult
from gardens.stores.memory import MemoryJournal
from runtime.ports.journal import Journal
from runtime.run.recording import Recording

PROTOCOL, CELL = "protocol/hello", "cell/greeter"

Lines = dict[str, list[tuple[str, Any]]]
"""A journal by actor: kind and body of each line, free to be doctored."""


def lines_of(journal: Journal) -> Lines:
    return {
        name: [(line.kind, copy.deepcopy(line.body)) for line in journal.read(name)]
        for name in journal.actors()
    }


def journal_of(lines: Lines) -> MemoryJournal:
    journal = MemoryJournal()
    for name, entries in lines.items():
        for kind, body in entries:
            journal.append(name, kind, body)
    return journal


def recording_of(result: RunResult, lines: Lines | None = None, garden: str = "") -> Recording:
    journal = result.journal if lines is None else journal_of(lines)
    return Recording(journal, result.program, result.scenario, garden, result.seed, result.run.run_id)


def groups_of(entries: list[tuple[str, Any]]) -> list[list[tuple[str, Any]]]:
    """An actor's lines, each accepted event with what came of it."""
    groups: list[list[tuple[str, Any]]] = []
    for entry in entries:
        if entry[0] == "accepted":
            groups.append([])
        groups[-1].append(entry)
    return groups


def find(entries: list[tuple[str, Any]], kind: str, number: int = 0) -> int:
    """The position of the ``number``-th accepted event of a kind."""
    places = [i for i, (line, body) in enumerate(entries) if line == "accepted" and is_kind(body, kind)]
    return places[number]


def is_kind(body: Any, kind: str) -> bool:
    return bool(body["event"]["kind"] == kind)
