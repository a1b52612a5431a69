"""Structure: does a document have the fields of its kind, in the right shape?

The kinds' JSON Schemas decide; this module says it in the user's terms, at the
user's place.  jsonschema-rs answers the usual case (nothing is wrong) at once,
jsonschema names the errors of the rest; patterns are always read by the former.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Container, Iterable, Iterator
from functools import cache
from typing import Any

from nimdsl.base.diagnostics import Diagnostic, Place, error
from nimdsl.base.json_schema import matches, validator_of
from nimdsl.base.suggest import did_you_mean, phrase
from nimdsl.base.units import MICRO, PARSERS, parse_lifeforce, parse_rate, parse_share
from nimdsl.base.words import JSON_TYPES
from nimdsl.expression.template import is_template, not_constant
from nimdsl.kinds import kind_names, kinds
from nimdsl.kinds.schemas import API_VERSION, document_schema
from nimdsl.schema import remedies, retired
from nimdsl.schema.quantities import UNIT_FIX, unit_fix
from nimdsl.text.alignment import place_within
from nimdsl.text.flow_text import quoted
from nimdsl.text.scalars import shortened
from nimdsl.text.tree import ListNode, LostScalar, MapNode, Node, Scalar

DIAGNOSTICS_PER_DOCUMENT_MAX = 50
ENVELOPE = ("apiVersion", "kind", "metadata", "spec")


@cache
def _fast(kind: str) -> Any:
    return validator_of(dict(document_schema(kind)))


@cache
def _slow(kind: str) -> Any:
    from jsonschema import Draft202012Validator, ValidationError, validators  # slow to import

    def pattern(_: Any, wanted: str, text: Any, __: Any) -> Iterator[ValidationError]:
        if isinstance(text, str) and not matches(wanted, text):
            yield ValidationError(f"{text!r} does not match {wanted!r}")

    extend: Any = validators.extend
    return extend(Draft202012Validator, {"pattern": pattern})(document_schema(kind))


def check_envelope(root: Node) -> tuple[str, str, tuple[Diagnostic, ...]]:
    """Kind and name of a document (empty when it has none) and what is wrong with its envelope."""
    if not isinstance(root, MapNode):
        fix = f"begin with `apiVersion: {API_VERSION}`, `kind:`, `metadata:` and `spec:`"
        return (
            "",
            "",
            (error("NIM0201", f"a document is a map of fields, this is {what_is(root)}", root.place, fix),),
        )
    kind_node = root.get("kind")
    if kind_node is None:
        return "", "", (_without_kind(root),)
    name = _name(root)
    kind = kind_node.value if isinstance(kind_node, Scalar) else None
    if not isinstance(kind, str):
        known = [one for one in kind_names() if one in _texts_in(kind_node)]
        fix = f"write `kind: {known[0]}`" if len(known) == 1 else phrase("", kind_names())
        place = _at(root, ("kind",))[1]
        return "", name, (error("NIM0202", f"a kind is text, this is {what_is(kind_node)}", place, fix),)
    if kind not in kind_names():
        fix = phrase(kind, kind_names())
        if did_you_mean(kind, kind_names()) is None:
            fix = (
                f"install the package that brings the kind `{shortened(kind)}`, or write one that is {fix}"
            )
        return "", name, (error("NIM0202", f"unknown kind {shortened(kind)!r}", kind_node.place, fix),)
    return kind, name, ()


def _without_kind(root: MapNode) -> Diagnostic:
    misspelt = [key for key in root.entries if remedies.meant(key, ENVELOPE) == "kind"]
    if misspelt:
        place = root.key_place(misspelt[0])
        return error("NIM0203", f"`document` has no field `{misspelt[0]}`", place, "did you mean `kind`?")
    fix = phrase("", kind_names())
    return error("NIM0201", "this document does not say its `kind`", root.place, fix)


def _texts_in(node: Node) -> list[object]:
    """What stands in a list or as the keys of a map."""
    if isinstance(node, MapNode):
        return [*node.entries]
    return [item.value for item in getattr(node, "items", ()) if isinstance(item, Scalar)]


def _name(root: MapNode) -> str:
    metadata = root.get("metadata")
    name = metadata.get("name") if isinstance(metadata, MapNode) else None
    return str(name.value) if isinstance(name, Scalar) and name.value is not None else ""


def check_structure(kind: str, root: MapNode, constants: Iterable[str] = ()) -> tuple[Diagnostic, ...]:
    """Everything about the document that its kind's schema does not allow; it may use these constants."""
    plain = root.plain()
    if _fast(kind).is_valid(plain):
        return ()
    found: list[Diagnostic] = []
    told: set[retired.Path] = set()
    problem: Any
    for problem in sorted(_slow(kind).iter_errors(plain), key=lambda p: list(map(str, p.absolute_path))):
        path = tuple(problem.absolute_path)
        for where, diagnostic in retired.find(kind, root, path):
            found += [diagnostic] if where not in told else []
            told.add(where)
        old = any(path[: len(where)] == where for where in told)
        if not old and not isinstance(_at(root, path)[0], LostScalar):
            blamed = {where[-1] for where in told if where[:-1] == path}
            found += _unfilled(kind, problem, root, constants) or _explained(kind, problem, root, blamed)
    return tuple(_once(found)[:DIAGNOSTICS_PER_DOCUMENT_MAX])


def _once(found: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Without what follows from the first: a constant is declared once, wherever it is missing."""
    kept: dict[tuple[str, str] | Diagnostic, Diagnostic] = {}
    for one in found:
        missing = one.message.partition(": ")[2] if one.code == "NIM0303" else ""
        kept.setdefault((one.code, missing) if missing else one, one)
    return [*kept.values()]


def _unfilled(kind: str, problem: Any, root: Node, constants: Iterable[str]) -> list[Diagnostic]:
    """What is wrong with a template that should have become something else."""
    node, place = _at(root, problem.absolute_path)
    if problem.validator not in ("type", "pattern", "enum") or not isinstance(node, Scalar):
        return []
    if problem.validator_value in ("object", "array"):
        return []
    known = {*constants, *_looped(root, problem.absolute_path)}
    declare = _declaring(kind, [*problem.absolute_path])
    mistake = not_constant(str(node.value), known, declare) if is_template(node) else None
    if mistake is None:
        return []
    field = _field(list(problem.absolute_path))
    if node.text == str(node.value):
        place = place_within(node, mistake.offset, mistake.offset + mistake.length)
    return [error("NIM0303", f"`{field}`: {mistake.message}", place, mistake.fix)]


def _declaring(kind: str, path: list[str | int]) -> str:
    """How a constant is declared that a field needs: a name that differs is that of a family."""
    fields: Any = kinds()[kind].spec()["properties"]
    if path == ["metadata", "name"] and "for" in fields:
        return "add `for: {{{}: [...]}}` to the spec"
    listed = fields.get(path[1], {}) if len(path) > 2 and path[0] == "spec" else {}
    if len(path) > 3 and "for" in listed.get("items", {}).get("properties", {}):
        return f"add `for: {{{{{{}}: [...]}}}}` beside `{path[3]}`"
    return "add `parameters: {{{}: ...}}` to the spec"


def _looped(root: Node, path: Iterable[str | int]) -> set[str]:
    """The variables of the items on a path that have a ``for`` of their own."""
    node, found = root, set[str]()
    for key in path:
        if isinstance(node, MapNode) and isinstance(key, str):
            node = node.entries[key]
        elif isinstance(node, ListNode) and isinstance(key, int):
            node = node.items[key]
        found |= {*node.variables} if isinstance(node, MapNode) else set()
    return found


def _at(root: Node, path: Any) -> tuple[Node, Place]:
    """The node at a path, and the best place to blame (a key, where the value says nothing)."""
    node, place = root, root.place
    for key in path:
        if isinstance(node, MapNode) and isinstance(key, str):
            place, node = node.key_place(key), node.entries[key]
        elif isinstance(node, ListNode):
            node = node.items[key]
            place = node.place
    return node, node.place if isinstance(node, Scalar) and node.text else place


def what_is(node: Node) -> str:
    """What stands there, in words, with the beginning of a scalar."""
    if isinstance(node, MapNode):
        return "a map"
    if isinstance(node, ListNode):
        return "a list"
    assert isinstance(node, Scalar)
    if node.value is None:
        return "nothing"
    kind = {bool: "true or false", int: "a number", float: "a number", str: "text"}[type(node.value)]
    shown = repr(node.text[:40]) if isinstance(node.value, str) else node.text[:40]
    return f"{kind} ({shown})"


def _explained(kind: str, problem: Any, root: Node, told: Container[str | int]) -> Iterator[Diagnostic]:
    """What is wrong, in words; the keys in ``told`` have been blamed already."""
    node, place = _at(root, problem.absolute_path)
    field = _field(list(problem.absolute_path))
    match problem.validator:
        case "additionalProperties":
            yield from _unknown_keys(problem, node, field, told)
        case "required":
            fields = problem.schema.get("properties", {})
            misspelt = {remedies.meant(key, fields) for key in problem.instance}
            misspelt |= {remedies.head(key, fields) for key in problem.instance}
            for key in problem.validator_value:
                if key in misspelt or key in problem.instance or f"'{key}'" not in problem.message:
                    continue
                value = f" {fields[key]['const']}" if "const" in fields.get(key, {}) else ""
                fix = f"add `{key}:{value}`"
                states = node.get("states") if isinstance(node, MapNode) and key == "initial" else None
                if isinstance(states, MapNode) and states.entries:
                    fix = remedies.of_initial([*states.entries])
                yield error("NIM0204", f"`{field}` lacks `{key}`", place, fix)
        case "type" | "pattern":
            yield _badly_typed(kind, problem, node, place)
        case "enum" | "const":
            values = problem.validator_value if problem.validator == "enum" else [problem.validator_value]
            fix = phrase(str(problem.instance), [str(value) for value in values])
            said = repr(problem.instance[:40]) if isinstance(problem.instance, str) else what_is(node)
            yield error("NIM0206", f"`{field}` cannot be {said}", place, fix)
        case _:
            fix = remedies.of_bound(kind, problem.schema, problem.validator, _key(problem))
            if bare := remedies.without_minus(problem.schema, problem.validator, node):
                message = f"`{field}` must not be negative, this is -{bare}"
                yield error("NIM0210", message, place, f"remove the minus: `{bare}`")
                return
            yield error("NIM0210", f"`{field}`: {_bound(problem)}", place, fix)


def _field(path: list[Any]) -> str:
    """How a message calls the field: its key, with the position of a list item."""
    names = [str(part) for part in path if isinstance(part, str)]
    position = f"[{path[-1]}]" if path and isinstance(path[-1], int) else ""
    return (names[-1] if names else "document") + position


def _key(problem: Any) -> str:
    """The key of the field; empty for an item of a list."""
    path = list(problem.absolute_path)
    return path[-1] if path and isinstance(path[-1], str) else ""


def _unknown_keys(problem: Any, node: Node, field: str, told: Container[str | int]) -> Iterator[Diagnostic]:
    known = list(problem.schema.get("properties", {}))
    assert isinstance(node, MapNode)
    cut = _cut_by_commas(node, known)
    for first, (parts, text) in cut.items():
        message = f"`,` ends a plain text inside brackets, and `{first}` goes on"
        yield error("NIM0203", message, node.entries[first].place, f"quote it: {quoted(text)}")
        told = {*parts, *(key for key in node.entries if key in told)}
    for key in node.entries:
        if key not in known and key not in told:
            message, fix = remedies.unseparated(key, known)
            message = message or f"`{field}` has no field `{key}`"
            yield error("NIM0203", message, node.key_place(key), fix or remedies.of_unknown(key, known))


def _cut_by_commas(node: MapNode, known: Collection[str]) -> dict[str, tuple[list[str], str]]:
    """The fields whose text a comma cut inside a parenthesis: what follows became keys without values."""
    found: dict[str, tuple[list[str], str]] = {}
    keys = list(node.entries)
    for number, key in enumerate(keys):
        value = node.entries[key]
        text = value.text if isinstance(value, Scalar) and not value.quoted else ""
        parts: list[str] = []
        for later in keys[number + 1 :]:
            after = node.entries[later]
            bare = isinstance(after, Scalar) and after.value is None and later not in known
            if text.count("(") <= text.count(")") or not bare:
                break
            parts.append(later)
            text += f", {later}"
        if parts and text.count("(") == text.count(")"):
            found[key] = (parts, text)
    return found


def negative(unit: str, text: str) -> str:
    """A quantity that is less than nothing, without its sign; empty for what is none."""
    bare = text.strip().removeprefix("-").lstrip()
    parse_unit = parse_rate if unit == "rate" else PARSERS.get(unit) if unit != "lifeforce" else None
    found = text.strip().startswith("-") and parse_unit is not None and parse_unit(bare) is not None
    return bare if found else ""


def _cut_by_colon(node: Node) -> str:
    """The text of which a `: ` made a key and its value; empty for a map that was meant as one."""
    if not isinstance(node, MapNode) or len(node.entries) != 1:
        return ""
    ((key, value),) = node.entries.items()
    where = node.key_place(key)
    inside = isinstance(value, Scalar) and value.line == where.line == node.line and value.length > 0
    line = node.source.lines[node.line - 1] if inside else ""
    if not inside or not where.excerpt or line[node.column - 1 : node.column] == "{":
        return ""
    return line[node.column - 1 : value.column - 1 + getattr(value, "length", 0)]


def _badly_typed(kind: str, problem: Any, node: Node, place: Place) -> Diagnostic:
    field = _field(list(problem.absolute_path))
    unit = problem.schema.get("x-type", "") if isinstance(problem.schema, dict) else ""
    if isinstance(node, MapNode) and isinstance(problem.instance, str):
        place = node.key_place(problem.instance)  # it is a key that does not fit
    if unit in UNIT_FIX and isinstance(node, Scalar):
        wanted, fix = UNIT_FIX[unit][0], unit_fix(unit, node.text)
        if unit == "lifeforce" and node.quoted and parse_lifeforce(node.text) is not None:
            fix = f"remove the quotes: `{node.text}`"
        if unit == "share" and (beyond := parse_share(node.text)) is not None and beyond > MICRO:
            return error("NIM0207", f"`{field}` is more than 100 %", place, "write at most `100%`")
        if bare := negative(unit, node.text):
            message = f"`{field}` must not be negative, this is {shortened(node.text)!r}"
            return error("NIM0210", message, place, f"remove the minus: `{bare}`")
        return error("NIM0207", f"`{field}` wants {wanted}, this is {what_is(node)}", place, fix)
    if problem.validator == "pattern" and "x-words" in problem.schema:
        fix = remedies.of_type(kind, problem.schema, _key(problem), node)
        return error("NIM0205", f"`{field}` cannot be {problem.instance[:60]!r}", place, fix)
    if problem.validator == "pattern" and "integer" in problem.schema.get("type", ()):
        fix = f"write {remedies.numbers_in(problem.schema)} or an expression: `${{...}}`"
        return error("NIM0205", f"`{field}` wants a whole number, this is {what_is(node)}", place, fix)
    if problem.validator == "pattern":
        message = f"{problem.instance[:60]!r} is not a good name here"
        if unit == "name" or not problem.schema.get("description"):
            return error("NIM0209", message, place, _good_name(problem.validator_value))
        message = f"`{field}` cannot be {problem.instance[:60]!r}"
        return error("NIM0205", message, place, _like(kind, problem))
    if unit == "type":
        message = f"`{field}` wants a type, this is {what_is(node)}"
        return error(
            "NIM0205", message, place, "fields begin at zero: write for example `int` or `list<string>`"
        )
    if problem.validator_value == "string" and (text := _cut_by_colon(node)):
        message = "`: ` in a text makes a key of what stands before it"
        whole = node.source.place(node.line, node.column, len(text))
        return error("NIM0205", message, whole, f"quote it: `{quoted(text)}`")
    wanted = _wanted(problem)
    if isinstance(node, MapNode) and problem.validator_value == "array" and node.line > place.line:
        place = node.place  # a dash is missing there
    known = UNIT_FIX[unit][1] if unit in UNIT_FIX else ""
    fix = remedies.without_brackets(kind, problem.schema, _key(problem), node) or known
    fix = fix or remedies.of_type(kind, problem.schema, _key(problem), node)
    return error("NIM0205", f"`{field}` wants {wanted}, this is {what_is(node)}", place, fix)


_RANGES = "A-Za-z|a-z|A-Z"
_NAMES = re.compile(rf"\^(?:\(.*\)\?)?\[((?:{_RANGES})_?)\]\[({_RANGES})0-9(\W*_?\W*)\]\*\$")
_LETTERS = {"A-Za-z": "letters", "a-z": "lower-case letters", "A-Z": "capital letters"}


def _good_name(pattern: str) -> str:
    """What a pattern for names allows, in words."""
    found = _NAMES.fullmatch(pattern)
    if found is None:
        return f"write what fits `{pattern}`"
    begins, letters, signs = found.groups()
    allowed = [_LETTERS[letters], "digits", *(f"`{sign}`" for sign in signs)]
    beginning = f"a {_LETTERS[begins.rstrip('_')].removesuffix('s')}" + " or `_`" * begins.endswith("_")
    return f"use {', '.join(allowed[:-1])} and {allowed[-1]}, beginning with {beginning}"


def _like(kind: str, problem: Any) -> str:
    """What fits the pattern of a field: its own example, or what a name may be."""
    if _NAMES.fullmatch(problem.validator_value):
        return _good_name(problem.validator_value)
    return remedies.shown("", remedies.example(kind, problem.schema))


def _wanted(problem: Any) -> str:
    if isinstance(problem.schema, dict) and "x-words" in problem.schema:
        return " or ".join([*(f"`{word}`" for word in problem.schema["x-words"]), "a map"])
    value = problem.validator_value
    return " or ".join(JSON_TYPES.get(one, one) for one in (value if isinstance(value, list) else [value]))


def _bound(problem: Any) -> str:
    limit = problem.validator_value
    if problem.validator in ("maxProperties", "minProperties") and limit == 1:
        known = ", ".join(problem.schema.get("properties", {}))
        return "say exactly one of " + known if known else "say at least one"
    bounds = {
        "minItems": f"at least {limit} wanted",
        "maxItems": f"at most {limit} allowed",
        "minimum": f"must not be less than {limit}",
        "maximum": f"must not be more than {limit}",
        "minLength": "must not be empty",
        "maxLength": f"at most {limit} characters",
        "minProperties": f"at least {limit} wanted",
        "maxProperties": f"at most {limit} allowed",
    }
    return bounds.get(str(problem.validator), str(problem.message)[:200])
