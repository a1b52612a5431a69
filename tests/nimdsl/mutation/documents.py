"""The documents that are mutated, and where in their text each key and value stands.

Read with PyYAML and not with nimdsl's own parser, so that what a mutant is does not hang on
what is tested.  ``NIMDSL_MUTATED`` names more files, each of which stands alone.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
MORE = os.environ.get("NIMDSL_MUTATED", "")
WORD = re.compile(r"[A-Za-z_][\w-]*")


@dataclass(frozen=True)
class Site:
    """A key or a value: where it stands in the text, and on which path of its document."""

    path: str
    """``Cell/spec/machine/states/idle/transitions/#/event``: names, and ``#`` for an item of a list."""
    is_key: bool
    start: int
    end: int
    line: int
    """From 1; the line on which it begins."""
    node: Any
    holder: Any = None
    """The map or list that it stands in."""
    owners: frozenset[int] = frozenset()
    """The lines on which the map that it stands in begins, and those of its other keys."""
    rest: int = 0
    """Of a key: where its value ends."""

    @property
    def key(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]

    @property
    def is_scalar(self) -> bool:
        return isinstance(self.node, yaml.ScalarNode)

    @property
    def style(self) -> str:
        """The quote or block sign of a scalar; empty for a plain one."""
        return getattr(self.node, "style", None) or ""


@dataclass
class File:
    """One file and what stands in it."""

    name: str
    text: str
    sites: list[Site] = field(default_factory=list)

    @cached_property
    def lines(self) -> list[str]:
        return self.text.split("\n")

    @cached_property
    def starts(self) -> list[int]:
        """The offset at which each line begins."""
        starts = [0]
        for line in self.lines:
            starts.append(starts[-1] + len(line) + 1)
        return starts

    def line_of(self, offset: int) -> int:
        return self.text.count("\n", 0, offset) + 1

    def raw(self, site: Site) -> str:
        """A key or a value as it is written, quotes and all."""
        return self.text[site.start : site.end]


@dataclass
class Group:
    """Files that are read together."""

    name: str
    files: list[File]

    @cached_property
    def words(self) -> frozenset[str]:
        """Every word of every file: what a misspelt word must not be, so that it surely means nothing."""
        return frozenset(word for file in self.files for word in WORD.findall(file.text))

    @cached_property
    def names(self) -> frozenset[str]:
        """The words in keys and short values: what a name can be."""
        texts = {
            site.node.value
            for file in self.files
            for site in file.sites
            if site.is_scalar and " " not in site.node.value
        }
        return frozenset(word for text in texts for word in WORD.findall(text))


def groups() -> list[Group]:
    """The shipped documents, and those that the environment names."""
    found = [
        _group("specs", sorted((ROOT / "specs").rglob("*.yaml"))),
        _group("template", sorted((ROOT / "nimdsl" / "templates" / "cell").glob("*.yaml"))),
    ]
    found += [_group(path.stem, [path]) for path in sorted((ROOT / "examples").glob("*.yaml"))]
    found += [_group(Path(path).stem, [Path(path)]) for path in MORE.split(os.pathsep) if path]
    return found


def _group(name: str, paths: list[Path]) -> Group:
    return Group(name, [_file(_shown(path), path.read_text("utf-8")) for path in paths])


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else path.name


def _file(name: str, text: str) -> File:
    file = File(name, text)
    for root in yaml.compose_all(text, Loader=yaml.SafeLoader):
        kind = next((v.value for k, v in root.value if k.value == "kind"), "")
        file.sites += _sites(file, root, kind)
    return file


def _sites(file: File, node: Any, path: str, first: int = 0) -> Iterator[Site]:
    """Everything below a map or list; ``first`` is the line of the key under which it stands."""
    if isinstance(node, yaml.MappingNode):
        lines = {key.start_mark.line + 1 for key, _ in node.value} | {node.start_mark.line + 1}
        owners = frozenset(lines | {first} - {0})
        for key, value in node.value:
            below = f"{path}/{key.value}"
            line = key.start_mark.line + 1
            yield _site(below, key, node, owners, is_key=True, rest=_end(file, value))
            yield _site(below, value, node, owners)
            yield from _sites(file, value, below, line)
    elif isinstance(node, yaml.SequenceNode):
        owners = frozenset({node.start_mark.line + 1, first} - {0})
        for item in node.value:
            yield _site(f"{path}/#", item, node, owners)
            yield from _sites(file, item, f"{path}/#", item.start_mark.line + 1)


def _site(
    path: str, node: Any, holder: Any, owners: frozenset[int], is_key: bool = False, rest: int = 0
) -> Site:
    start, end = node.start_mark, node.end_mark
    return Site(path, is_key, start.index, end.index, start.line + 1, node, holder, owners, rest)


def _end(file: File, node: Any) -> int:
    """Where a value ends: PyYAML's marks of block collections lie at the next token."""
    end: int = node.end_mark.index
    if isinstance(node, yaml.CollectionNode) and not node.flow_style:
        while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
            last = node.value[-1]
            node = last[1] if isinstance(last, tuple) else last
        end = node.end_mark.index
    if getattr(node, "style", None) in ("|", ">"):
        end = len(file.text[:end].rstrip())
    return end


def plain(text: str) -> Any:
    """What PyYAML reads in a text, without meaning: nested lists; None where it is not YAML."""
    try:
        return [_plain(root) for root in yaml.compose_all(text, Loader=yaml.SafeLoader)]
    except yaml.YAMLError:
        return None


def _plain(node: Any) -> Any:
    if isinstance(node, yaml.MappingNode):
        return [("map", _plain(key), _plain(value)) for key, value in node.value]
    if isinstance(node, yaml.SequenceNode):
        return ["list", *map(_plain, node.value)]
    return (node.value, node.style in ("'", '"')) if node is not None else None
