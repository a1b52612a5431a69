"""Writes the generated part of ``docs/language.md``, every field of every kind, and ``docs/formats.md``.

The part stands between two markers and is never edited by hand.  Run
``python docs/generate.py`` after a change of the kinds; a test compares the
page with :func:`generated`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from docs import generate_formats
from nimdsl.kinds import kind_names
from nimdsl.kinds.schemas import document_schema

PAGE = Path(__file__).with_name("language.md")
BEGIN = "<!-- generated: python docs/generate.py -->"
END = "<!-- end of the generated part -->"

Schema = Mapping[str, Any]

_TYPES = {"object": "map", "array": "list", "string": "text", "integer": "whole number", "boolean": "bool"}

HEAD = ("| field | type | default | |", "|---|---|---|---|")


class _Kind:
    """Tables of one kind; ``shapes`` collects the shared shapes that they mention."""

    def __init__(self, kind: str, shapes: dict[str, str]) -> None:
        self.kind = kind
        self.definitions: Mapping[str, Schema] = document_schema(kind)["$defs"]
        self.shapes = shapes

    def rows(self, schema: Schema, prefix: str = "") -> Iterator[str]:
        """A row for each field, inner maps of this document flattened with dots."""
        required = schema.get("required", ())
        for name, field in schema.get("properties", {}).items():
            yield self._row(prefix + name, field, name in required)
            yield from self._below(prefix + name, field)

    def _below(self, path: str, field: Schema) -> Iterator[str]:
        if "$ref" in field:
            return
        inner, mark = field, ""
        if field.get("type") == "array":
            inner, mark = field.get("items", {}), "[]"
        elif isinstance(field.get("additionalProperties"), Mapping):
            inner, mark = field["additionalProperties"], ".<name>"
        if "$ref" not in inner and "properties" in inner:
            yield from self.rows(inner, f"{path}{mark}.")

    def _row(self, path: str, field: Schema, required: bool) -> str:
        merged = self._resolved(field)
        default = _value(merged["default"]) if "default" in merged else "required" if required else ""
        linked = "$ref" in field and "properties" in merged
        text = str((field if linked else merged).get("description", "")) + _limits(merged)
        cells = (f"`{path}`", self.type(field), default, text.strip())
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    def _resolved(self, schema: Schema) -> Schema:
        while "$ref" in schema:
            rest = {key: value for key, value in schema.items() if key != "$ref"}
            schema = {**self.definitions[schema["$ref"].removeprefix("#/$defs/")], **rest}
        return schema

    def type(self, schema: Schema) -> str:
        """The type of a field, with a link where it is a shared shape."""
        merged = self._resolved(schema)
        name = str(schema.get("$ref", "")).removeprefix("#/$defs/")
        if name and "properties" in merged:
            self.shapes.setdefault(name, self.kind)
            return f"[{name}](#{name.lower()})"
        items, entries = merged.get("items"), merged.get("additionalProperties")
        if merged.get("type") == "array" and isinstance(items, Mapping):
            return "list of " + self.type(items)
        if isinstance(entries, Mapping) and entries and "properties" not in merged:
            return "name → " + self.type(entries)
        return _plain_type(merged)


def _plain_type(schema: Schema) -> str:
    if "enum" in schema:
        return _choices(schema)
    if "x-reference" in schema:
        return f"name of {_article(schema['x-reference'])}"
    if "x-words" in schema:
        return " or ".join([*(f"`{word}`" for word in schema["x-words"]), "map"])
    return str(schema.get("x-type") or _TYPES.get(str(schema.get("type")), "any"))


def _article(word: str) -> str:
    return f"an {word}" if word[0] in "AEIOU" else f"a {word}"


def _choices(schema: Schema) -> str:
    return " or ".join(f"`{value}`" for value in schema["enum"])


def _value(value: Any) -> str:
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _limits(schema: Schema) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f" ({low} to {high})"
    return f" (at least {low})" if low is not None else ""


def generated() -> str:
    """The text between the markers, without them."""
    shapes: dict[str, str] = {}
    lines: list[str] = []
    for kind in kind_names():
        spec = document_schema(kind)["properties"]["spec"]
        lines += [f"### {kind}", "", spec["description"], "", *HEAD]
        lines += [*_Kind(kind, shapes).rows(spec), ""]
    done: set[str] = set()
    while waiting := [name for name in shapes if name not in done]:
        for name in waiting:
            done.add(name)
            lines += _shape(name, shapes)
    return "\n".join(lines)


def _shape(name: str, shapes: dict[str, str]) -> list[str]:
    writer = _Kind(shapes[name], shapes)
    schema = writer.definitions[name]
    intro = [str(schema["description"]), ""] if schema.get("description") else []
    if schema.get("minProperties") == schema.get("maxProperties") == 1:
        words = " or ".join(f"`{word}`" for word in schema.get("x-words", ()))
        intro += [
            f"Either {words}, or exactly one of these fields." if words else "Exactly one of these fields.",
            "",
        ]
    return [f"### {name}", "", *intro, *HEAD, *writer.rows(schema), ""]


def page() -> str:
    """The whole page with its generated part made anew.  Raises ValueError without the markers."""
    text = PAGE.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE} lacks the markers")
    return f"{before}{BEGIN}\n\n{generated()}\n{END}{after}"


def main() -> int:
    """Rewrites the page; with ``--check`` only says whether it is up to date (1 when it is not)."""
    new = page()
    if "--check" in sys.argv[1:]:
        formats = generate_formats
        old = formats.PAGE.read_text(encoding="utf-8") if formats.PAGE.is_file() else ""
        return int(PAGE.read_text(encoding="utf-8") != new or old != formats.page())
    PAGE.write_text(new, encoding="utf-8")
    generate_formats.main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
