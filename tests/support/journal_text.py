"""Journals as text: one JSON object a line, for goldens that a person can read and git can compare."""

from __future__ import annotations

import json
from pathlib import Path

from gardens.stores.memory import MemoryJournal
from runtime.ports.journal import Journal

META = ("format", "origin", "complete")


def to_text(journal: Journal) -> str:
    """A whole journal."""
    lines = [{"meta": key, "value": journal.meta(key)} for key in META if journal.meta(key) is not None]
    lines += [
        {"actor": entry.actor, "kind": entry.kind, "body": entry.body}
        for actor in journal.actors()
        for entry in journal.read(actor)
    ]
    return "".join(json.dumps(line, ensure_ascii=False, sort_keys=True) + "\n" for line in lines)


def from_text(path: Path) -> MemoryJournal:
    """The journal that :func:`to_text` wrote."""
    journal = MemoryJournal()
    for text in path.read_text(encoding="utf-8").splitlines():
        line = json.loads(text)
        if "meta" in line:
            journal.set_meta(line["meta"], line["value"])
        else:
            journal.append(line["actor"], line["kind"], line["body"])
    return journal
