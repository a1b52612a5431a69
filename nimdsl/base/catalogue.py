"""The catalogue: what each diagnostic code means, with an example that is wrong and one that is right.

The law: every code that nimdsl reports stands here and no other does;
where an example is a document, the wrong one yields its code and the right one
yields nothing (tests hold both).  Besides, the words that results use and no
field has.  The text is in ``catalogue.yaml``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True)
class CatalogueEntry:
    """One code.  ``stage`` holds the documents that the examples stand beside; ``beside`` says which.

    Without ``runs`` the examples are no documents (a command, say) and only read.
    """

    code: str
    title: str
    explanation: str
    wrong: str
    right: str
    stage: str = ""
    beside: str = ""
    runs: bool = True


@dataclass(frozen=True)
class Word:
    """A word of results, with others that mean the same."""

    name: str
    also: tuple[str, ...]
    text: str


@lru_cache(maxsize=1)
def _data() -> Mapping[str, Any]:
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    text = Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8")
    data: dict[str, Any] = yaml.load(text, Loader=loader)
    return data


@lru_cache(maxsize=1)
def words() -> Mapping[str, Word]:
    """Every word, in the order of the alphabet."""
    return {
        name: Word(name, tuple(fields.get("also", ())), fields["text"])
        for name, fields in sorted(_data()["words"].items())
    }


@lru_cache(maxsize=1)
def catalogue() -> Mapping[str, CatalogueEntry]:
    """Every entry by code, in the order of the codes."""
    data = _data()
    stages = data["stages"]
    return {code: _entry(code, fields, stages) for code, fields in sorted(data["codes"].items())}


def _entry(code: str, fields: Mapping[str, Any], stages: Mapping[str, Mapping[str, str]]) -> CatalogueEntry:
    stage = stages.get(fields.get("stage", ""), {"beside": "", "text": ""})
    return CatalogueEntry(
        code=code,
        title=fields["title"],
        explanation=fields["explanation"],
        wrong=fields["wrong"],
        right=fields["right"],
        stage=stage["text"],
        beside=stage["beside"],
        runs=fields.get("runs", True),
    )
