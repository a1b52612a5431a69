"""The JSON Schemas (2020-12) of whole documents, made of what each kind says of its ``spec``.

One schema a kind describes the whole document with its constants filled in.  The structural check uses it,
``explain`` reads descriptions and defaults from it; editors get it with ``${...}`` allowed for scalars.
No unions: the error is always about the field that was mistyped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from nimdsl.kinds import kind_names, kinds

API_VERSION = "nimdsl.dev/v1"

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@cache
def shipped(name: str) -> dict[str, Any]:
    """The schema in the YAML file of that name beside this module."""
    text = Path(__file__).with_name(f"{name}.yaml").read_text(encoding="utf-8")
    loaded: dict[str, Any] = yaml.load(text, Loader=_LOADER)
    return loaded


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        target = schema.get("$ref", "")
        if isinstance(target, str) and target:
            yield target.removeprefix("#/$defs/")
        for part in schema.values():
            yield from _references(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _references(part)


@cache
def document_schema(kind: str) -> Mapping[str, Any]:
    """The JSON Schema of a whole document of ``kind``; it stands alone."""
    spec = kinds()[kind].spec()
    common = shipped("common")
    needed, waiting = {"name"}, list(_references(spec))
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += _references(common[name])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"https://{API_VERSION}/{kind.lower()}.json",
        "title": kind,
        "description": spec["description"],
        "type": "object",
        "additionalProperties": False,
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "properties": {
            "apiVersion": {"const": API_VERSION, "description": "The version of the language."},
            "kind": {"const": kind},
            "metadata": {
                "type": "object",
                "additionalProperties": False,
                "required": ["name"],
                "properties": {
                    "name": {
                        **common["name"],
                        "description": "Unique among documents of this kind.",
                    },
                    "labels": {
                        "type": "object",
                        "description": "Free labels.",
                        "additionalProperties": {"type": "string"},
                    },
                },
            },
            "spec": {key: value for key, value in spec.items() if key != "title"},
        },
        "$defs": {name: common[name] for name in sorted(needed)},
    }


@cache
def editor_schema(kind: str) -> Mapping[str, Any]:
    """The schema of a document of ``kind`` as it is written: ``${...}`` may stand for any scalar.

    What comes out of it must then satisfy :func:`document_schema`.
    """
    schema = dict(document_schema(kind))
    envelope, spec = schema["properties"], schema["properties"]["spec"]
    metadata = _templated(envelope["metadata"])
    schema["properties"] = {**envelope, "metadata": metadata, "spec": _templated(spec)}
    schema["$defs"] = {name: _templated(one) for name, one in schema["$defs"].items()}
    return schema


_TEMPLATE: Final = r"\$\{"
_SCALARS: Final = ("integer", "number", "boolean")


def _templated(schema: Any) -> Any:
    """A schema in which text with ``${`` is allowed wherever a scalar is."""
    if isinstance(schema, list):
        return [_templated(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {
        key: value if key in ("examples", "default", "description") else _templated(value)
        for key, value in schema.items()
    }
    if schema.get("type") in _SCALARS:
        found |= {"type": [schema["type"], "string"], "pattern": _TEMPLATE}
    elif "enum" in schema:
        del found["enum"]
        found["anyOf"] = [{"enum": schema["enum"]}, {"type": "string", "pattern": _TEMPLATE}]
    elif isinstance(schema.get("pattern"), str):
        found["pattern"] = f"(?:{schema['pattern']})|{_TEMPLATE}"
    return found


def any_schema() -> Mapping[str, Any]:
    """The JSON Schema of a document of any kind as it is written, for editors; it stands alone."""
    branches = []
    for kind in kind_names():
        schema = {key: value for key, value in editor_schema(kind).items() if key not in ("$schema", "$id")}
        definitions = schema.pop("$defs")
        renamed = _renamed(schema, kind.lower())
        branches.append(
            (
                kind,
                renamed,
                {f"{kind.lower()}_{n}": _renamed(d, kind.lower()) for n, d in definitions.items()},
            )
        )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"https://{API_VERSION}/document.json",
        "title": "Document",
        "type": "object",
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "properties": {"kind": {"enum": list(kind_names()), "description": "What the document describes."}},
        "allOf": [
            {"if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]}, "then": schema}
            for kind, schema, _ in branches
        ],
        "$defs": {name: schema for _, _, definitions in branches for name, schema in definitions.items()},
    }


def _renamed(schema: Any, prefix: str) -> Any:
    """A schema whose references lead to definitions with a prefix."""
    if isinstance(schema, dict):
        return {
            key: f"#/$defs/{prefix}_{value.removeprefix('#/$defs/')}"
            if key == "$ref"
            else _renamed(value, prefix)
            for key, value in schema.items()
        }
    return [_renamed(item, prefix) for item in schema] if isinstance(schema, list) else schema


def resolve(kind: str, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """A schema with its own ``$ref`` followed; keywords beside the reference win."""
    while "$ref" in schema:
        name = schema["$ref"].removeprefix("#/$defs/")
        schema = {
            **document_schema(kind)["$defs"][name],
            **{k: v for k, v in schema.items() if k != "$ref"},
        }
    return schema
