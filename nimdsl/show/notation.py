"""Notations: a drawing as Mermaid, which Markdown on GitHub shows, or as DOT for Graphviz.

The law: whatever labels hold, the text stays valid and means the same drawing.
What is drawn is decided in :mod:`nimdsl.show.graph`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from nimdsl.show.graph import Drawing, Vertex


def to_mermaid(drawing: Drawing) -> str:
    """A Mermaid ``stateDiagram-v2``."""
    lines = ["---", f"title: {_quoted_yaml(drawing.title)}", "---", "stateDiagram-v2"]
    lines += [f"    %% {note}" for note in drawing.notes]
    lines += _mermaid_states(drawing.vertices, 1)
    lines += _mermaid_line(1, "[*]", drawing.initial, "")
    for edge in drawing.edges:
        lines += _mermaid_line(1, edge.source, edge.target, edge.label)
    lines += [line for v in _all(drawing.vertices) if v.final for line in _mermaid_line(1, v.id, "[*]", "")]
    return "\n".join(lines) + "\n"


def _all(vertices: Iterable[Vertex]) -> Iterable[Vertex]:
    for vertex in vertices:
        yield vertex
        yield from _all(vertex.inner)


def _mermaid_states(vertices: Iterable[Vertex], depth: int) -> list[str]:
    indent, lines = "    " * depth, []
    for vertex in vertices:
        label = _mermaid_text(vertex.label).replace('"', "#quot;")
        named = f'state "{label}" as {vertex.id}'
        bare = f"state {vertex.id}" if vertex.inner else vertex.id
        lines.append(indent + (bare if vertex.label == vertex.id else named))
        if vertex.inner:
            lines[-1] += " {"
            lines += _mermaid_states(vertex.inner, depth + 1)
            lines += [*_mermaid_line(depth + 1, "[*]", vertex.initial, ""), indent + "}"]
    return lines


def _mermaid_line(depth: int, source: str, target: str, label: str) -> list[str]:
    text = f" : {_mermaid_text(label)}" if label else ""
    return [f"{'    ' * depth}{source} --> {target}{text}"]


_ENTITIES = {"#": "#35;", ":": "#58;", ";": "#59;", "{": "#123;", "}": "#125;", "\n": " "}


def _mermaid_text(text: str) -> str:
    """Text that cannot be taken for syntax; ``<`` only where a tag could begin."""
    text = "".join(_ENTITIES.get(character, character) for character in text)
    return re.sub(r"<(?=[A-Za-z/!?])", "#lt;", text)


def _quoted_yaml(text: str) -> str:
    return text if re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", text) else '"' + text.replace('"', "'") + '"'


def to_dot(drawing: Drawing) -> str:
    """A Graphviz ``digraph``."""
    lines = [f"digraph {_dot_text(drawing.title)} {{", "    rankdir=LR;", "    compound=true;"]
    lines += [
        '    node [shape=box, style=rounded, fontname="Helvetica"];',
        '    edge [fontname="Helvetica"];',
    ]
    lines += [f"    // {note}" for note in drawing.notes]
    lines += ["    begin_ [shape=point];", *_dot_states(drawing.vertices, 1)]
    entry = {vertex.id: _dot_entry(vertex) for vertex in _all(drawing.vertices)}
    lines.append(f"    begin_ -> {entry[drawing.initial]};")
    for edge in drawing.edges:
        attributes = [f"label={_dot_text(edge.label)}"] if edge.label else []
        attributes += [f"ltail=cluster_{edge.source}"] if entry[edge.source] != edge.source else []
        attributes += [f"lhead=cluster_{edge.target}"] if entry[edge.target] != edge.target else []
        shown = f" [{', '.join(attributes)}]" if attributes else ""
        lines.append(f"    {entry[edge.source]} -> {entry[edge.target]}{shown};")
    return "\n".join([*lines, "}"]) + "\n"


def _dot_entry(vertex: Vertex) -> str:
    """DOT joins nodes only: a composite is represented by the leaf that is entered first."""
    while vertex.inner:
        vertex = next(inner for inner in vertex.inner if inner.id == vertex.initial)
    return vertex.id


def _dot_states(vertices: Iterable[Vertex], depth: int) -> list[str]:
    indent, lines = "    " * depth, []
    for vertex in vertices:
        if vertex.inner:
            lines += [
                f"{indent}subgraph cluster_{vertex.id} {{",
                f"{indent}    label={_dot_text(vertex.label)};",
            ]
            lines += [*_dot_states(vertex.inner, depth + 1), indent + "}"]
        else:
            final = ", peripheries=2" if vertex.final else ""
            lines.append(f"{indent}{vertex.id} [label={_dot_text(vertex.label)}{final}];")
    return lines


def _dot_text(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") + '"'
