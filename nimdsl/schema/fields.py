"""Fields in words: what ``Cell.machine.states`` is, from the kinds' JSON Schemas.

A path begins with a kind (any case); ``spec`` may be left out, lists and the
names that a user chose (of states, of work) are looked through.  The schemas
themselves are in :mod:`nimdsl.kinds`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nimdsl.base.words import JSON_TYPES, with_article
from nimdsl.kinds import by_prefix, kind_names
from nimdsl.kinds.schemas import document_schema, resolve

Schema = Mapping[str, Any]

_UNITS = {
    "duration": "a duration with its unit: `200ms`, `5s`, `1.5min`",
    "share": "a share in percent: `40%`",
    "lifeforce": "lifeforce, a decimal number (LF)",
    "rate": "lifeforce over time: `0.4` (LF a second), `0.3/min`, `5/h` or `40/d`",
    "expression": "an expression: `event.noise < 0.2`",
    "type": "a type: int, real, duration, lifeforce, share, bytes, string, bool, list<T>, record",
    "name": "a name",
}
_DEPTH_MAX = 6
_LISTED_MAX = 12
"""So many fields of one name are listed."""
_BOUNDS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "minProperties": "at least {} entries",
    "maxProperties": "at most {} entries",
    "maxLength": "at most {} characters",
}


@dataclass(frozen=True)
class SchemaField:
    """A field that was found: its path as it is written in a document, and its schema."""

    kind: str
    path: tuple[str, ...]
    schema: Schema
    required: bool = False

    @property
    def shown(self) -> str:
        """``Cell.spec.machine.states``."""
        return ".".join((self.kind, *self.path))


@dataclass(frozen=True)
class Unknown:
    """No such field: the part of the path that does not exist, and what could stand there."""

    known: str
    word: str
    candidates: tuple[str, ...]


def find_field(text: str) -> SchemaField | Unknown:
    """The field at a dotted path, or what of it is unknown."""
    head, *rest = [
        part for part in re.split(r"[./]|\[\d*\]", text.strip()) if part and not part.isdigit()
    ] or [""]
    kinds = by_prefix()
    if head.lower() not in kinds:
        return Unknown("", head, kind_names())
    kind = kinds[head.lower()]
    found = SchemaField(kind, (), document_schema(kind), True)
    if not rest or rest[0] not in found.schema["properties"]:
        rest = ["spec", *rest]
    for word in rest:
        step = _step(found, word)
        if step is None:
            candidates = tuple(_here(found)) or tuple(found.schema.get("properties", {}))
            return Unknown(found.shown, word, candidates)
        found = step
    return found


def fields_called(word: str) -> list[SchemaField]:
    """Fields of that name, wherever documents have them; the outermost first."""
    found: list[SchemaField] = []
    level = [SchemaField(kind, (), document_schema(kind), True) for kind in kind_names()]
    for _ in range(_DEPTH_MAX):
        level = [
            inner
            for field in level
            for one in _named(field)
            for name in _here(one)
            if (inner := _step(one, name))
        ]
        found += [field for field in level if field.path[-1] == word]
    return found


def _named(field: SchemaField) -> tuple[SchemaField, ...]:
    """A field, and what stands under each name that a user chooses in it, if it is a map of names."""
    free = _inside(field).get("additionalProperties")
    if not isinstance(free, Mapping):
        return (field,)
    return field, SchemaField(field.kind, (*field.path, "<name>"), resolve(field.kind, free))


def explain_fields(fields: Sequence[SchemaField]) -> str:
    """Fields of one name: what it is, or where each stands and what it is there."""
    said = {first_words(one.kind, one.schema): one for one in reversed(fields)}
    if len(said) == 1:
        return explain_field(fields[0])
    rows = [(one.shown, words) for words, one in reversed(said.items())]
    width = max(len(shown) for shown, _ in rows[:_LISTED_MAX])
    lines = [f"  {shown:<{width}}  {words}" for shown, words in rows[:_LISTED_MAX]]
    more = [f"  and {len(rows) - _LISTED_MAX} more"] if len(rows) > _LISTED_MAX else []
    first = ".".join(one for one in rows[0][0].split(".") if one not in ("spec", "<name>"))
    last = f"`nimdsl explain {first}` says more"
    return "\n".join([f"`{fields[0].path[-1]}` is a field of several:", "", *lines, *more, "", last])


def _inside(field: SchemaField) -> Schema:
    """The schema of what a list holds; of anything else its own."""
    schema = resolve(field.kind, field.schema)
    while schema.get("type") == "array":
        schema = resolve(field.kind, schema.get("items", {}))
    return schema


def _here(field: SchemaField) -> Mapping[str, Any]:
    found: Mapping[str, Any] = _inside(field).get("properties", {})
    return found


def _step(field: SchemaField, word: str) -> SchemaField | None:
    schema = _inside(field)
    own = schema.get("properties", {})
    if word in own:
        required = word in schema.get("required", ())
        return SchemaField(field.kind, (*field.path, word), resolve(field.kind, own[word]), required)
    free = schema.get("additionalProperties")
    if not isinstance(free, Mapping):
        return None
    entry = SchemaField(field.kind, (*field.path, "<name>"), resolve(field.kind, free))
    if word in _here(entry):
        return _step(entry, word)
    return SchemaField(field.kind, (*field.path, word), entry.schema)


def type_in_words(kind: str, schema: Schema) -> str:
    """What a value looks like: ``a list of maps``, ``one of: ACK, NACK, RETRY``."""
    schema = resolve(kind, schema)
    if "enum" in schema:
        return "one of: " + ", ".join(map(str, schema["enum"]))
    if "const" in schema:
        return f"always `{schema['const']}`"
    unit = str(schema.get("x-type", ""))
    if "x-reference" in schema:
        return f"the name of {with_article(schema['x-reference'])}"
    if unit in _UNITS:
        return _UNITS[unit]
    if "x-words" in schema:
        return " or ".join([*(f"`{word}`" for word in schema["x-words"]), "a map"])
    written = JSON_TYPES.get(str(schema.get("type", "")), "any value")
    inner: Any = (
        schema.get("items") if schema.get("type") == "array" else schema.get("additionalProperties")
    )
    if isinstance(inner, Mapping) and inner and "properties" not in schema:
        of = type_in_words(kind, inner).partition(":")[0]
        return f"{written} of names, each with {of}" if written == "a map" else f"a list, each item {of}"
    return written


def first_words(kind: str, schema: Schema) -> str:
    """One line about a field: its description, else its type."""
    schema = resolve(kind, schema)
    return str(schema.get("description") or type_in_words(kind, schema))


def explain_field(field: SchemaField) -> str:
    """Several lines: description, type, default, bounds, sub-fields with a line each."""
    schema = field.schema
    lines = [field.shown, ""]
    if schema.get("description"):
        lines += [f"  {schema['description']}", ""]
    lines.append(f"  type      {type_in_words(field.kind, schema)}")
    if field.path:
        lines.append(f"  required  {'yes' if field.required else 'no'}")
    if "default" in schema:
        lines.append(f"  default   {_plain(schema['default'])}")
    bounds = _bounds(schema)
    if bounds:
        lines.append(f"  allowed   {', '.join(bounds)}")
    said = "x-words" in schema or schema.get("x-type") in _UNITS
    if isinstance(schema.get("pattern"), str) and not said:
        lines.append(f"  pattern   {schema['pattern']}")
    return "\n".join([*lines, *_subfields(field)])


def _bounds(schema: Schema) -> list[str]:
    if schema.get("minProperties") == schema.get("maxProperties") == 1:
        return ["exactly one of the fields"]
    texts = (text.format(schema[key]) for key, text in _BOUNDS.items() if key in schema)
    return [text.replace(" 1 items", " 1 item").replace(" 1 entries", " 1 entry") for text in texts]


def _plain(value: Any) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def _subfields(field: SchemaField) -> list[str]:
    inner = _inside(field)
    title = "each item has" if field.schema.get("type") == "array" else "fields"
    free = inner.get("additionalProperties")
    if not inner.get("properties") and isinstance(free, Mapping):
        inner = _inside(SchemaField(field.kind, field.path, resolve(field.kind, free)))
        title = "each entry has"
    fields: Mapping[str, Any] = inner.get("properties", {})
    if not fields:
        return []
    width = max(map(len, fields)) + 1
    required = inner.get("required", ())
    rows = [
        f"    {name + ('*' if name in required else ''):<{width}}  {first_words(field.kind, schema)}"
        for name, schema in fields.items()
    ]
    star = " (* required)" if set(required) & set(fields) else ""
    return ["", f"  {title}{star}", *rows]
