"""Reading typed fields of a document that has the right structure.

A reader stands on a map of the document.  What it cannot read it reports and
answers with None or an expression of type ``any``; whoever compiles goes on,
so that all mistakes are found at once.  ``Findings.failed`` says that
something was reported.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from nimdsl.base.diagnostics import Diagnostic, Place, Severity
from nimdsl.base.suggest import phrase
from nimdsl.base.units import (
    MICRO,
    NANOSECONDS,
    SECOND_NS,
    parse_bytes,
    parse_duration,
    parse_lifeforce,
    parse_rate,
    parse_share,
)
from nimdsl.base.words import with_article
from nimdsl.compile.documents import Document, Documents
from nimdsl.compile.syntax_mistakes import corrected, said_of_syntax
from nimdsl.compile.value_fixes import WANTED, of_computed, of_literal, of_type
from nimdsl.expression import types
from nimdsl.expression.check import Scope, infer, undeclared_fix
from nimdsl.expression.conversion import converter
from nimdsl.expression.functions import REAL_EXACT_MAX
from nimdsl.expression.substitution import expanded
from nimdsl.expression.syntax import (
    Binary,
    Call,
    ListOf,
    Literal,
    RecordOf,
    SyntaxMistake,
    parse,
    unparse,
)
from nimdsl.expression.syntax import ExpressionNode as Tree
from nimdsl.expression.template import is_template, literal, parse_template
from nimdsl.expression.types import (
    ANY,
    BOOL,
    EMPTY,
    INT,
    QUANTITIES,
    REAL,
    STRING,
    Type,
    accepts,
    list_of,
    parse_type,
    record_of,
)
from nimdsl.program.expression import Expression
from nimdsl.schema.quantities import UNIT_FIX, UNIT_WRITTEN, off_grid, unit_fix
from nimdsl.schema.structure import negative
from nimdsl.text.alignment import place_within
from nimdsl.text.scalars import shortened
from nimdsl.text.tree import ListNode, MapNode, Node, Scalar

RATE_MAX = 1_000 * MICRO * (NANOSECONDS["d"] // SECOND_NS)
"""The highest rate that a document may have, micro-LF a day."""


@dataclass
class Findings:
    """What was found wrong with one document."""

    document: Document
    documents: Documents
    diagnostics: list[Diagnostic] = field(default_factory=list)
    failed: bool = False
    poisoned: bool = False
    """Whether it leans on a document that is broken itself."""

    def report(
        self, code: str, message: str, place: Place, fix: str = "", severity: Severity = Severity.ERROR
    ) -> None:
        """Adds a diagnostic; an instance of a ``for`` is named in it."""
        if self.document.variables:
            message += f" (in `{self.document.name}`)"
        self.diagnostics.append(Diagnostic(code, severity, message, place, fix))
        self.failed = self.failed or severity is Severity.ERROR


class Reader:
    """Fields of one map."""

    def __init__(self, findings: Findings, node: MapNode, constants: Mapping[str, Literal]) -> None:
        self.findings = findings
        self.node = node
        self.constants = constants

    def __contains__(self, key: str) -> bool:
        return key in self.node.entries

    def place(self, key: str = "") -> Place:
        """The place of a field's value (of a map or list: of its key), or of the whole map."""
        if key not in self.node.entries:
            return self.node.place
        value = self.node.entries[key]
        return value.place if isinstance(value, Scalar) else self.node.key_place(key)

    def silent(self) -> Reader:
        """The same map, whose mistakes are reported to nobody."""
        return Reader(Findings(self.findings.document, self.findings.documents), self.node, self.constants)

    # Structure

    def sub(self, key: str) -> Reader | None:
        """The map at ``key``."""
        node = self.node.entries.get(key)
        return Reader(self.findings, node, self.constants) if isinstance(node, MapNode) else None

    def items(self, key: str) -> list[Reader]:
        """The maps of the list at ``key``."""
        node = self.node.entries.get(key)
        nodes = node.items if isinstance(node, ListNode) else []
        return [
            Reader(
                self.findings,
                item,
                {**self.constants, **item.variables} if item.variables else self.constants,
            )
            for item in nodes
            if isinstance(item, MapNode)
        ]

    def named(self, key: str) -> Iterator[tuple[str, Reader]]:
        """The maps in the map at ``key``, by name."""
        node = self.node.entries.get(key)
        for name, value in node.entries.items() if isinstance(node, MapNode) else ():
            if isinstance(value, MapNode):
                yield name, Reader(self.findings, value, self.constants)

    def keys(self, key: str) -> list[str]:
        """The names in the map at ``key``."""
        node = self.node.entries.get(key)
        return list(node.entries) if isinstance(node, MapNode) else []

    def scalars(self, key: str) -> list[Reader]:
        """The scalars in the list at ``key``, each as a map of which it is the value at ``key``."""
        node = self.node.entries.get(key)
        found = []
        for item in node.items if isinstance(node, ListNode) else ():
            alone = MapNode(item.source, item.line, item.column)
            alone.entries = {key: item}
            found.append(Reader(self.findings, alone, self.constants))
        return found

    # Scalars

    def scalar(self, key: str) -> Scalar | None:
        """The scalar at ``key``."""
        node = self.node.entries.get(key)
        return node if isinstance(node, Scalar) else None

    def value(self, key: str, default: Any = None) -> Any:
        """A plain value."""
        node = self.node.entries.get(key)
        return default if node is None else node.plain()

    def text(self, key: str, default: str = "") -> str:
        """Text."""
        node = self.scalar(key)
        return default if node is None else str(node.value)

    def _quantity(self, key: str, default: int, parse_unit: Any, unit: str) -> int:
        node = self.scalar(key)
        if node is None:
            return default
        value = parse_unit(node.text)
        if value is not None:
            return int(value)
        wrong, fix = off_grid(unit, node.text)
        message = f"`{key}`: {shortened(node.text)!r} is {wrong}"
        self.findings.report("NIM0207", message, node.place, fix)
        return default

    def duration(self, key: str, default: int = 0) -> int:
        """Nanoseconds."""
        return self._quantity(key, default, parse_duration, "duration")

    def share(self, key: str, default: int = 0) -> int:
        """Millionths; at most 100 %."""
        value = self._quantity(key, default, parse_share, "share")
        if value > 1_000_000:
            message = f"`{key}` is more than 100 %"
            self.findings.report("NIM0207", message, self.place(key), "write at most `100%`")
        return value

    def lifeforce(self, key: str, default: int = 0) -> int:
        """Micro-LF."""
        return self._quantity(key, default, parse_lifeforce, "lifeforce")

    def size(self, key: str) -> int:
        """Bytes."""
        return self._quantity(key, 0, parse_bytes, "bytes")

    def lifeforces(self, key: str) -> dict[str, int]:
        """A map of names to micro-LF, sorted by name."""
        inner = self.sub(key)
        return {name: inner.lifeforce(name) for name in sorted(self.keys(key))} if inner else {}

    def rate(self, key: str) -> int:
        """Micro-LF a day; at most 1,000 LF a second."""
        value = self._quantity(key, 0, parse_rate, "rate")
        if value > RATE_MAX:
            message, fix = f"`{key}` is more than 1000 LF a second", "write at most `1000`"
            self.findings.report("NIM0210", message, self.place(key), fix)
        return value

    def types(self, key: str) -> dict[str, Type]:
        """A map of names to types."""
        inner = self.sub(key)
        return inner.own_types() if inner else {}

    def own_types(self) -> dict[str, Type]:
        """This map as names and types."""
        return {name: self.type(name) for name in self.node.entries}

    def type(self, key: str) -> Type:
        """A type."""
        written = self.text(key)
        found = parse_type(written)
        if found is None:
            self.findings.report("NIM0305", f"`{written}` is no type", self.place(key), of_type(written))
        return found or ANY

    def reference(self, key: str, kind: str) -> str:
        """The name of a document of ``kind``; empty (and reported) when there is none."""
        return self.refer(self.text(key), kind, self.place(key))

    def references(self, key: str, kind: str) -> list[str]:
        """Names of documents of ``kind``."""
        node = self.node.entries.get(key)
        nodes = node.items if isinstance(node, ListNode) else []
        names = [self.refer(str(item.plain()), kind, item.place) for item in nodes]
        return [name for name in names if name]

    def refer(self, name: str, kind: str, place: Place) -> str:
        """See :meth:`reference`."""
        known = self.findings.documents.of(kind)
        if name in known:
            self.findings.poisoned = self.findings.poisoned or known[name].broken
            return name
        if self.findings.documents.damaged:
            self.findings.poisoned = True
        if name and not self.findings.documents.damaged:
            fix = _family(name, known) or phrase(name, known) or f"add {with_article(kind)} document"
            self.findings.report("NIM0301", f"there is no {kind} named `{name}`", place, fix)
        return ""

    # Expressions

    def scope(self, scope: Scope) -> Scope:
        """The scope with this reader's ``for`` variables."""
        if not self.constants:
            return scope
        return Scope(scope.names, {**scope.constants, **self.constants}, scope.lets)

    def expression(self, key: str, scope: Scope, expected: Type = BOOL) -> Expression | None:
        """The expression at ``key``; None when the field is absent or wrong."""
        node = self.scalar(key)
        if node is None:
            return None
        return self.expression_in(node, scope, expected)

    def expressions(self, key: str, scope: Scope) -> list[tuple[str, Expression]]:
        """The conditions in the list at ``key`` with their texts; wrong ones are left out."""
        node = self.node.entries.get(key)
        found = []
        for item in node.items if isinstance(node, ListNode) else ():
            if isinstance(item, Scalar) and (expression := self.expression_in(item, scope, BOOL)):
                found.append((str(item.value), expression))
        return found

    def within(self, key: str, whole: Place, start: int, end: int) -> Place:
        """The place of a part of that text in the list at ``key`` whose place is ``whole``."""
        node = self.node.entries.get(key)
        items = node.items if isinstance(node, ListNode) else []
        found = (item for item in items if isinstance(item, Scalar) and item.place == whole)
        return next((place_within(item, start, end) for item in found), whole)

    def expression_in(self, node: Scalar, scope: Scope, expected: Type) -> Expression | None:
        """The expression in a scalar."""
        scope = self.scope(scope)
        try:
            tree = expanded(parse(str(node.value)), scope.lets)
        except SyntaxMistake as mistake:
            self._syntax(node, mistake)
            return None
        kind = self._checked(node, tree, scope, expected)
        if kind is None:
            return None
        if not accepts(expected, kind):
            fix = _condition_fix(tree, kind) if expected == BOOL else ""
            self.findings.report("NIM0304", f"{expected} wanted here, this is {kind}", node.place, fix)
            return None
        return Expression(tree, kind, scope, node.place, _unproven(expected, kind))

    def checked(self, key: str, tree: Tree, scope: Scope) -> Expression | None:
        """A part of the text at ``key`` that was parsed already; None, and reported, where it is wrong."""
        scope, node = self.scope(scope), self.scalar(key)
        kind = self._checked(node, tree, scope) if node is not None else None
        return None if kind is None or node is None else Expression(tree, kind, scope, node.place)

    def _checked(self, node: Scalar, tree: Tree, scope: Scope, expected: Type = ANY) -> Type | None:
        kind, mistakes = infer(tree, scope, expected)
        for mistake in mistakes:
            place, fix = corrected(node, mistake.start, mistake.end, mistake.fix)
            self.findings.report(mistake.code, mistake.message, place, fix)
        return None if mistakes else kind

    def _syntax(self, node: Scalar, mistake: SyntaxMistake) -> None:
        self.findings.report("NIM0302", *said_of_syntax(node, mistake))

    def template(self, key: str, scope: Scope, expected: Type = ANY) -> Expression:
        """The value at ``key`` with ``${...}`` inside; an empty record when the field is absent."""
        node = self.node.entries.get(key)
        if node is None:
            return Expression(RecordOf(()), record_of({}), scope)
        return self.template_in(node, scope, expected)

    def template_in(self, node: Node, scope: Scope, expected: Type = ANY) -> Expression:
        """The value of a node with ``${...}`` inside; type mistakes are reported at their scalar."""
        scope = self.scope(scope)
        tree, kind = self._template(node, scope, expected)
        return Expression(tree, kind, scope, node.place, _unproven(expected, kind))

    def _template(self, node: Node, scope: Scope, expected: Type) -> tuple[Tree, Type]:
        if isinstance(node, MapNode):
            return self._record(node, scope, expected)
        if isinstance(node, ListNode):
            return self._list(node, scope, expected)
        assert isinstance(node, Scalar)
        if not is_template(node):
            return self._literal(node, scope, expected)
        try:
            tree = expanded(parse_template(str(node.value)), scope.lets)
        except SyntaxMistake as mistake:
            self._syntax(node, mistake)
            return Literal("", ANY), ANY
        kind = self._checked(node, tree, scope, expected)
        if kind is None:
            return Literal("", ANY), ANY
        if not accepts(expected, kind):
            part, fix = of_computed(tree, kind, expected, scope)
            place = node.place if part is tree else place_within(node, part.start, part.end)
            self.findings.report("NIM0304", f"{expected} wanted here, this is {kind}", place, fix)
        if kind == ANY and expected in QUANTITIES and not (self.findings.failed or self.findings.poisoned):
            message = f"{expected} wanted here, this has no declared type and never is one"
            self.findings.report("NIM0304", message, node.place, undeclared_fix(tree, expected))
        if expected == REAL and kind == INT:
            return Call("real", (tree,)), REAL
        return tree, kind

    def _lost_name(self, node: Scalar, scope: Scope) -> None:
        """NIM0311: text that is the name of a field, or ``$`` before one; in quotes it is meant."""
        name = node.text.removeprefix("$")
        bound = scope.names.get(name)
        if bound is None or bound.path[0] != "$data" or (node.quoted and name == node.text):
            return
        message = f"this is the text `{node.text}`, not the value of the field `{name}`"
        fix = f'write `"${{{name}}}"` for the value, or `"{name}"` for the text'
        self.findings.report("NIM0311", message, node.place, fix, Severity.WARNING)

    def _no_quantity(self, node: Scalar, unit: str) -> None:
        code, message, fix = "NIM0207", f"{UNIT_FIX[unit][0]} wanted here", unit_fix(unit, node.text)
        if re.fullmatch(r"\d+(\.\d+)?" + UNIT_WRITTEN[unit], node.text.strip(), re.ASCII):
            wrong, fix = off_grid(unit, node.text)
            message = f"{shortened(node.text)!r} is {wrong}"
        if bare := negative(unit, node.text):
            code, message = (
                "NIM0210",
                f"a quantity is written without a minus here, this is {shortened(node.text)!r}",
            )
            fix = f'remove the minus: `{bare}`; or compute it: "${{{node.text}}}"'
        self.findings.report(code, message, node.place, fix)

    def _no_value(self, node: Scalar, expected: Type) -> None:
        message = f"{expected} wanted here, there is no value"
        fixes = {"list": "write `[]`", "record": "write `{}`", **WANTED}
        fix = fixes.get(expected.name) or UNIT_FIX[expected.name][1]
        if expected == STRING and not node.text:
            fix = 'write `""`'
        self.findings.report("NIM0304", message, node.place, fix)

    def _literal(self, node: Scalar, scope: Scope, expected: Type) -> tuple[Tree, Type]:
        if expected in (STRING, ANY):
            self._lost_name(node, scope)
        if node.value is None and expected != ANY:
            self._no_value(node, expected)
            return Literal(0, ANY), ANY
        if expected == REAL and type(node.value) is int and abs(node.value) > REAL_EXACT_MAX:
            most = f"{-REAL_EXACT_MAX} to {REAL_EXACT_MAX}"
            message = f"`{node.text}` is no whole number that a real holds exactly ({most})"
            fix = f"to have it rounded, write a point: `{node.value}.0`"
            self.findings.report("NIM0210", message, node.place, fix)
            return Literal(0.0, ANY), ANY
        found = literal(node, expected)
        if found is None:
            self._no_quantity(node, expected.name)
            return Literal(0, ANY), ANY
        if not accepts(expected, found.type):
            fix = of_literal(node, found.type, expected, _computes(str(node.value), scope))
            self.findings.report(
                "NIM0304", f"{expected} wanted here, this is {found.type}", node.place, fix
            )
        return found, found.type

    def _record(self, node: MapNode, scope: Scope, expected: Type) -> tuple[Tree, Type]:
        if expected.name not in ("record", "any"):
            self.findings.report(
                "NIM0304",
                f"{expected} wanted here, this is a record",
                node.place,
                WANTED.get(expected.name, ""),
            )
        fields: list[tuple[str, Tree]] = []
        kinds: dict[str, Type] = {}
        for key, value in node.entries.items():
            wanted = expected.field(key) or ANY
            tree, kinds[key] = self._template(value, scope, wanted)
            fields.append((key, tree))
            if expected.fields is not None and expected.field(key) is None:
                known = [name for name, _ in expected.fields]
                message = f"there is no field `{key}` here"
                self.findings.report("NIM0303", message, node.key_place(key), phrase(key, known))
        return RecordOf(tuple(fields)), record_of(kinds)

    def _list(self, node: ListNode, scope: Scope, expected: Type) -> tuple[Tree, Type]:
        if expected.name not in ("list", "any"):
            self.findings.report(
                "NIM0304",
                f"{expected} wanted here, this is a list",
                node.place,
                WANTED.get(expected.name, ""),
            )
        element = EMPTY
        trees: list[Tree] = []
        for item in node.items:
            tree, kind = self._template(item, scope, expected.element or ANY)
            trees.append(tree)
            element = types.join(element, kind) or ANY
        return ListOf(tuple(trees)), list_of(element)


def _unproven(expected: Type, kind: Type) -> Type:
    """The type that the run must look for; ``any`` where ``kind`` says enough, or fits in no case."""
    if expected in (ANY, kind) or not accepts(expected, kind) or converter(expected, kind) is None:
        return ANY
    return expected


def _family(name: str, known: Mapping[str, Document]) -> str:
    """What to say where the name of a whole family stands: what the instances are called."""
    members = [
        one for one, document in known.items() if document.constants and document.template.startswith(name)
    ]
    if not members:
        return ""
    return f"`{known[members[0]].template}` has {len(members)} members: name one, as `{members[0]}`"


def _computes(text: str, scope: Scope) -> bool:
    """Whether text without ``${}`` reads as an expression of names that are there."""
    try:
        return not infer(parse(text), scope)[1]
    except SyntaxMistake:
        return False


def _condition_fix(tree: Tree, kind: Type) -> str:
    """How a value becomes a condition."""
    if kind.name == "record":
        return "compare one of its fields"
    condition = Binary(">", tree, Literal(0.0 if kind == REAL else 0, kind))
    if kind.name == "list":
        condition = Binary(">", Call("size", (tree,)), Literal(0, INT))
    elif kind == STRING:
        condition = Binary("==", tree, Literal("text", STRING))
    return f"compare it, for example `{unparse(condition)}`"
