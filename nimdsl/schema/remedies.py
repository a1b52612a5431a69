"""What to write instead: fixes that follow from the schema of a field.

A schema says what is wanted: its type, its bounds, what is in it.  From that
comes the fix, with a value that it allows; ``examples`` of the schema go
before made ones.  ``x-below`` is what to say of a number below the minimum,
``x-words`` what may stand in place of a map.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from nimdsl.base.suggest import LISTED_COUNT_MAX, did_you_mean, phrase
from nimdsl.base.words import listed
from nimdsl.kinds.schemas import resolve
from nimdsl.text.scalars import both_float, read_plain
from nimdsl.text.tree import ListNode, MapNode, Node, Scalar

Schema = Mapping[str, Any]

DEPTH_MAX = 4
SHOWN_MAX = 100
"""Longer examples are not shown."""
WHOLE_MAX = 200
"""What somebody wrote is shown again up to this length."""
_SPECIAL = re.compile(r"[\[\]{},?\"]|: |:$| #|^[#&*!|>'%@`?:-]|^\.\.\.|^\s|\s$")
_WORDS = {
    "duration": "5s",
    "share": "40%",
    "lifeforce": 0.4,
    "rate": 0.4,
    "expression": "a > 2",
    "type": "int",
}
_QUANTITIES = ("duration", "share", "lifeforce", "rate")
_PYTHON = {"integer": (int,), "number": (int, float), "string": (str,), "boolean": (bool,)}

_BOOLEANS = {**dict.fromkeys(("y", "yes", "on"), "true"), **dict.fromkeys(("n", "no", "off"), "false")}
_ITEM = re.compile(r"[\w.-]+")
_RUN_TOGETHER = re.compile(r"(\w+)(?:(:)|\s+)(\S.*)", re.DOTALL)


MEANT_BOOLEANS = frozenset(f"write `{word}`" for word in _BOOLEANS.values())
"""The fixes for words that mean true or false elsewhere."""
HABITS = {
    **dict.fromkeys(("std", "stddev", "sigma", "sd"), ("deviation",)),
    **dict.fromkeys(("rate", "lambda", "average"), ("mean",)),
    **dict.fromkeys(("on", "edges", "events"), ("transitions", "accepts")),
    **dict.fromkeys(("entry", "onEntry", "onentry"), ("enter",)),
    **dict.fromkeys(("onExit", "onexit", "leave"), ("exit",)),
    **dict.fromkeys(("guard", "cond", "condition", "when"), ("if",)),
    **dict.fromkeys(("target", "next", "goto"), ("to",)),
    **dict.fromkeys(("action", "actions", "effects", "then"), ("do",)),
    **dict.fromkeys(("delay", "wait", "seconds"), ("after",)),
    **dict.fromkeys(("price", "lifeforce"), ("cost",)),
    **dict.fromkeys(("start", "first"), ("initial",)),
    **dict.fromkeys(("from", "trigger", "signal"), ("event",)),
    **dict.fromkeys(("min",), ("low", "minimum")),
    **dict.fromkeys(("max",), ("high",)),
}
"""Words of other languages, and those of ours that may be meant."""


def meant(key: str, known: Collection[str]) -> str | None:
    """The known key that an unknown one is probably meant to be."""
    if key in known:
        return None
    habit = next((one for one in HABITS.get(key, ()) if one in known), None)
    return habit or did_you_mean(key, known)


def unseparated(key: str, known: Collection[str]) -> tuple[str, str]:
    """Message and fix for a key that is a known one and its value, run together; else empty."""
    found = _RUN_TOGETHER.fullmatch(key)
    if found is None or found[1] not in known:
        return "", ""
    head, colon, rest = found[1], found[2] or "", found[3]
    what = "a space is missing after" if colon else "a `:` is missing after"
    return f"{what} `{head}{colon}`", f"write `{head}: {rest}`"


def head(key: str, known: Collection[str]) -> str:
    """The known key with which a key begins that holds its value too; else empty."""
    found = _RUN_TOGETHER.fullmatch(key)
    return found[1] if found is not None and found[1] in known else ""


def without_minus(schema: Schema, keyword: str, node: Node) -> str:
    """A number that would do without its minus; else empty."""
    if keyword != "minimum" or "x-below" in schema or not isinstance(node, Scalar) or node.template:
        return ""
    bare = node.text.removeprefix("-").lstrip()
    value = read_plain(bare).value
    if not isinstance(value, (int, float)) or bare == node.text or not node.text.startswith("-"):
        return ""
    within = schema["minimum"] <= value <= schema.get("maximum", value)
    return bare if within and not isinstance(value, bool) else ""


def of_unknown(key: str, known: Collection[str]) -> str:
    """What to write instead of a key that is not known."""
    likely = meant(key, known)
    return f"did you mean `{likely}`?" if likely else phrase(key, known)


def of_type(kind: str, schema: Schema, key: str, node: Node) -> str:
    """What to write where a value of another type stands; ``key`` is the field's, or empty."""
    schema = resolve(kind, schema)
    wanted = schema.get("type")
    if words := schema.get("x-words"):
        return _of_words(kind, schema, words, key, node)
    if isinstance(node, Scalar) and node.quoted and _without_quotes(wanted, node.text):
        return f"remove the quotes: `{node.text}`"
    if wanted == "boolean":
        said = _BOOLEANS.get(node.text.lower(), "") if isinstance(node, Scalar) else ""
        return f"write `{said}`" if said else "write `true` or `false`"
    if wanted in ("integer", "number"):
        return f"write {numbers_in(schema)}"
    number = isinstance(node, Scalar) and type(node.value) in (int, float)
    if number and schema.get("x-type") == "expression":
        return f"write a condition, for example `{_WORDS['expression']}`"
    if wanted == "string" and isinstance(node, Scalar) and node.value is not None:
        return "write it as text: put it in quotes"
    if wanted == "array" and _is_item(kind, schema, node):
        whole = f"{f'{key}: ' if key else ''}{written([node.as_written()])}"
        short = len(whole) <= WHOLE_MAX and "\n" not in whole
        return (
            f"put it into a list: `{whole}`"
            if short
            else "put it into a list, with `- ` before it or in `[]`"
        )
    if alone := without_brackets(kind, schema, key, node):
        return alone
    return shown(key, _kept(kind, schema, node) or example(kind, schema))


def _without_quotes(wanted: str | None, text: str) -> bool:
    """Whether text is what is wanted once its quotes are gone."""
    reading = read_plain(text)
    numeric = wanted in ("integer", "number", "boolean")
    return numeric and not reading.code and type(reading.value) in _PYTHON[str(wanted)]


def _of_words(kind: str, schema: Schema, words: list[str], key: str, node: Node) -> str:
    """One of the words, if that was meant; else a map that holds what stands there, or any of both."""
    likely = did_you_mean(str(node.value), words) if isinstance(node, Scalar) else None
    if likely:
        return f"did you mean `{likely}`?"
    kept = _kept(kind, schema, node)
    if kept:
        return shown(key, kept)
    return f"write {', '.join(f'`{key}: {word}`' for word in words)} or for example `{key}: " + (
        f"{written(example(kind, schema))}`"
    )


def of_bound(kind: str, schema: Schema, keyword: str, key: str) -> str:
    """What to write where a bound of the schema, its ``keyword``, does not hold."""
    schema = resolve(kind, schema)
    if keyword == "minimum" and "x-below" in schema:
        return str(schema["x-below"])
    match keyword:
        case "minimum" | "maximum":
            return f"write {numbers_in(schema)}"
        case "minLength":
            return "fill it in"
        case "maxLength":
            return "make it shorter"
        case "maxProperties" if schema[keyword] == 1:
            return "keep one of them"
        case "maxItems" | "maxProperties" if schema.get(keyword.replace("max", "min")) != schema[keyword]:
            return "leave some out"
    return shown(key, example(kind, schema))


def of_initial(states: Sequence[str]) -> str:
    """What to say where nothing says which of these states is entered first."""
    others = "".join(f", or `{one}`" for one in states[1:LISTED_COUNT_MAX])
    return f"add `initial: {states[0]}`{others}"


def of_work(name: str, declared: Iterable[str]) -> str:
    """What to say where work is named that the document does not declare."""
    return phrase(name, declared) or f"declare it: `work: {{{name}: {{}}}}` in the spec"


def example(kind: str, schema: Schema, depth: int = 0) -> Any:
    """A plain value of the shape that the schema wants; names that the user chooses stand in `<>`."""
    schema = resolve(kind, schema)
    for keyword in ("examples", "enum"):
        if keyword in schema:
            return schema[keyword][0]
    if "default" in schema:
        return schema["default"]
    if "x-reference" in schema:
        return f"<{schema['x-reference'].lower()}>"
    match schema.get("type", ""):
        case "object":
            return _map(kind, schema, depth) if depth < DEPTH_MAX else {}
        case "array":
            return [example(kind, schema.get("items", {}), depth + 1)]
        case "integer":
            return schema.get("minimum", 1)
        case "number" if "x-type" not in schema:
            return schema.get("minimum", 1)
        case "boolean":
            return True
    return _WORDS.get(schema.get("x-type", ""), "<name>" if schema.get("x-type") == "name" else "text")


def _map(kind: str, schema: Schema, depth: int) -> dict[str, Any]:
    fields = schema.get("properties", {})
    names = schema.get("required") or [*fields][: schema.get("minProperties", 0)]
    free = schema.get("additionalProperties")
    if not fields and isinstance(free, Mapping):
        return {"<name>": example(kind, free, depth + 1)}
    return {name: example(kind, fields[name], depth + 1) for name in names}


def without_brackets(kind: str, schema: Schema, key: str, node: Node) -> str:
    """What to write for the only item of a list where it would do by itself; else empty."""
    items = node.items if isinstance(node, ListNode) else []
    if len(items) != 1 or not isinstance(items[0], Scalar) or not _fits(kind, schema, items[0]):
        return ""
    return f"write it without the brackets: `{f'{key}: ' if key else ''}{written(items[0].value)}`"


def _is_item(kind: str, schema: Schema, node: Node) -> bool:
    """Whether a map has the fields that the items of the list have."""
    known = resolve(kind, schema.get("items", {})).get("properties", {})
    return isinstance(node, MapNode) and bool(node.entries) and node.entries.keys() <= known.keys()


def _kept(kind: str, schema: Schema, node: Node) -> Any:
    """The value that stands there, as the item of a list or the field of a map that it fits; or None."""
    if named := _named(kind, schema, node):
        return named
    if not isinstance(node, Scalar) or node.value is None:
        return None
    if schema.get("type") == "array":
        if isinstance(node.value, str) and (listed_ := items_of(node)):
            return listed_
        one = schema.get("minItems", 1) == 1 and _fits(kind, schema.get("items", {}), node)
        return [node.value] if one else None
    likely: Mapping[str, Any] = next(iter(schema.get("examples", ())), {})
    for name in sorted(schema.get("properties", {}), key=lambda name: name not in likely):
        inner = resolve(kind, schema["properties"][name])
        if inner.get("x-aside"):
            continue
        telling = inner.get("x-type") in _QUANTITIES or not {"type", "enum"} & {*inner}
        if telling and {name}.issuperset(schema.get("required", ())) and _fits(kind, inner, node):
            return {name: node.value}
    return None


def _named(kind: str, schema: Schema, node: Node) -> dict[str, Any]:
    """A map of the names that stand there without their values; empty where these are no names."""
    free = schema.get("additionalProperties")
    items = node.items if isinstance(node, ListNode) else []
    names = [one.value for one in items if isinstance(one, Scalar) and isinstance(one.value, str)]
    if schema.get("properties") or not isinstance(free, Mapping) or len(names) != len(items):
        return {}
    inner = resolve(kind, free)
    empty = inner.get("type") == "object" and not inner.get("required")
    value = {} if empty else example(kind, free)
    fit = (
        re.search(resolve(kind, schema.get("propertyNames", {})).get("pattern", ""), one) for one in names
    )
    return dict.fromkeys(names, value) if names and all(fit) else {}


def items_of(node: Scalar) -> list[str]:
    """The items of a list that was written without its brackets, or without one; else empty."""
    text = node.text.strip()
    bare = text.removeprefix("[").removesuffix("]")
    parts = [part.strip() for part in bare.split(",")]
    return parts if (len(parts) > 1 or bare != text) and all(map(_ITEM.fullmatch, parts)) else []


def _fits(kind: str, schema: Schema, node: Scalar) -> bool:
    schema = resolve(kind, schema)
    wanted, value = schema.get("type"), node.value
    kinds: list[str] = wanted if isinstance(wanted, list) else [wanted or ""]
    if wanted is not None and not any(type(value) in _PYTHON.get(one, ()) for one in kinds):
        return False
    if isinstance(wanted, list) and not isinstance(value, str):
        return True
    return re.search(schema.get("pattern", ""), str(node.value)) is not None


def numbers_in(schema: Schema) -> str:
    """The numbers that a schema allows, in words."""
    what = "a whole number" if "integer" in schema.get("type", ()) else "a number"
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f"{what} from {low:,} to {high:,}"
    if low is not None:
        return f"{what}, {low:,} or more"
    return what if high is None else f"{what}, {high:,} or less"


def shown(key: str, value: Any) -> str:
    """A value as an example, with its key; of one that is long only what is in it."""
    text = f"{f'{key}: ' if key else ''}{written(value)}"
    if len(text) > SHOWN_MAX and isinstance(value, dict):
        return f"write a map with {listed([*value])}"
    return f"write for example `{text}`"


def written(value: Any) -> str:
    """YAML in flow style, for people: on one line, and the same value for YAML 1.1 and 1.2."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{written(key)}: {written(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(written, value)) + "]"
    if isinstance(value, float):
        return both_float(value)
    if not isinstance(value, str):
        return json.dumps(value)
    read = read_plain(value)
    safe = not read.code and read.value == value and not _SPECIAL.search(value) and value.isprintable()
    return value if safe else _quoted(value)


def _quoted(text: str) -> str:
    """In double quotes; what does not print, and what ends a line for YAML, by its number."""
    escaped = json.dumps(text, ensure_ascii=False)
    return "".join(char if char.isprintable() else _escape(ord(char)) for char in escaped)


def _escape(number: int) -> str:
    return f"\\u{number:04x}" if number < 1 << 16 else f"\\U{number:08x}"
