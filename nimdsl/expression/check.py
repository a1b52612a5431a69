"""Types of expressions: every mistake is found here, before anything runs.

``infer`` walks a tree once against a :class:`Scope` and returns its type; the
mistakes it met come back with their offsets.  A mistake has type ``ANY``, so
that one error is never reported twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from nimdsl.base.suggest import did_you_mean, phrase
from nimdsl.base.words import with_article
from nimdsl.expression import habits
from nimdsl.expression.fixes import SIZES, Remedy, bare_text, of_each, of_sides, parts_of, replaced
from nimdsl.expression.functions import FUNCTIONS
from nimdsl.expression.syntax import (
    MACROS,
    Binary,
    Call,
    Conditional,
    ExpressionNode,
    Field,
    Index,
    ListOf,
    Literal,
    Macro,
    Name,
    RecordOf,
    Text,
    Unary,
    unparse,
)
from nimdsl.expression.types import (
    ANY,
    BOOL,
    EMPTY,
    INT,
    NUMERIC,
    QUANTITIES,
    REAL,
    SHARE,
    STRING,
    Type,
    accepts,
    element_of,
    join,
    list_of,
    record_of,
)

MACRO_DEPTH_MAX = 3
"""Each level multiplies the work by the length of a list."""

UNDEFINED, MISTYPED, LACKING, OUTSIDE = "NIM0303", "NIM0304", "NIM0307", "NIM0210"


@dataclass(frozen=True, slots=True)
class Binding:
    """What a name means: its type, and the path to its value in the environment."""

    type: Type
    path: tuple[str, ...]


@dataclass(frozen=True)
class Scope:
    """The names an expression may use.

    Constants (``for`` variables) are literals in the scope; ``lets`` are names for expressions, which
    whoever reads a text puts in their place (:mod:`nimdsl.expression.substitution`).
    """

    names: Mapping[str, Binding]
    constants: Mapping[str, Literal] = field(default_factory=dict)
    lets: Mapping[str, ExpressionNode] = field(default_factory=dict)

    def extended(self, names: Mapping[str, Binding]) -> Scope:
        """This scope with more names."""
        return Scope({**self.names, **names}, self.constants, self.lets)


@dataclass(frozen=True, slots=True)
class Mistake:
    """A mistake at an offset of the expression's text."""

    code: str
    message: str
    start: int
    end: int
    fix: str = ""
    remedies: tuple[Remedy, ...] = ()
    """What may be written instead; the first that helps becomes the ``fix``."""


def infer(node: ExpressionNode, scope: Scope, wanted: Type = ANY) -> tuple[Type, tuple[Mistake, ...]]:
    """The type of ``node`` in ``scope`` and every mistake in it; ``wanted`` is what fixes lead to."""
    kind, mistakes = _inferred(node, scope)
    if any(one.remedies for one in mistakes):
        mistakes = tuple(_with_fix(one, node, scope, wanted, len(mistakes)) for one in mistakes)
    return kind, mistakes


def helps(remedy: Remedy, node: ExpressionNode, scope: Scope, wanted: Type, count: int = 1) -> bool:
    """Whether ``node`` has less than ``count`` mistakes with a remedy; without any, what is ``wanted``."""
    kind, mistakes = _inferred(replaced(node, remedy), scope)
    return len(mistakes) < count and (bool(mistakes) or accepts(wanted, kind))


def _inferred(node: ExpressionNode, scope: Scope) -> tuple[Type, tuple[Mistake, ...]]:
    checker = _Checker()
    kind = checker.visit(node, scope)
    return kind, tuple(checker.mistakes)


def _with_fix(mistake: Mistake, node: ExpressionNode, scope: Scope, wanted: Type, count: int) -> Mistake:
    """The mistake with the first of its remedies that helps, at its place."""
    for one in mistake.remedies:
        if helps(one, node, scope, wanted, count):
            return replace(mistake, start=one.part.start, end=one.part.end, fix=one.fix, remedies=())
    return replace(mistake, remedies=())


def kinds_of(node: ExpressionNode, scope: Scope) -> Mapping[int, Type]:
    """The types of ``node`` and of its parts, each by its ``id``."""
    checker = _Checker()
    checker.visit(node, scope)
    return checker.kinds


class _Checker:
    def __init__(self) -> None:
        self.mistakes: list[Mistake] = []
        self.kinds: dict[int, Type] = {}
        self.untyped: set[int] = set()
        """The parts, by ``id``, that come out of a record without declared fields."""
        self.macro_depth = 0
        self.around: dict[int, ExpressionNode] = {}
        """What a field or a side of a comparison is part of, by ``id``."""

    def _wrong(self, node: ExpressionNode, message: str, fix: str = "", code: str = MISTYPED) -> Type:
        self.mistakes.append(Mistake(code, message, node.start, node.end, fix))
        return ANY

    def _unknown(
        self, node: Field | Index | Call, message: str, fix: str = "", code: str = MISTYPED
    ) -> Type:
        """A name that is not there: only the name is blamed, not what stands before it or behind."""
        start, end = node.end - len(getattr(node, "name", "")), node.end
        if isinstance(node, Call):
            start, end = node.start, node.start + len(node.name)
        elif isinstance(node, Index):
            start, end = node.index.start, node.index.end
            if isinstance(node.index, Literal) and end - start > 2:
                start, end = start + 1, end - 1
        self.mistakes.append(Mistake(code, message, start, end, fix))
        return ANY

    def visit(self, node: ExpressionNode, scope: Scope) -> Type:
        kind = self.kinds[id(node)] = self._visit(node, scope)
        return kind

    def _visit(self, node: ExpressionNode, scope: Scope) -> Type:
        match node:
            case Literal():
                return node.type
            case Name():
                return self._name(node, scope)
            case Field():
                self.around[id(node.target)] = node
                return self._field(node, self.visit(node.target, scope))
            case Index():
                return self._index(node, self.visit(node.target, scope), self.visit(node.index, scope))
            case Unary():
                return self._unary(node, self.visit(node.operand, scope))
            case Binary() if node.operator == "-" and (found := self._hyphenated(node, scope)):
                return self._wrong(node, *found, LACKING)
            case Binary():
                if node.operator in _COMPARISONS:
                    self.around |= {id(node.left): node, id(node.right): node}
                left, right = self.visit(node.left, scope), self.visit(node.right, scope)
                self._bare_text(node.left, right)
                self._bare_text(node.right, left)
                return self._binary(node, left, right)
            case Conditional():
                return self._conditional(node, scope)
            case Call():
                return self._call(node, scope)
            case Macro():
                return self._macro(node, scope)
            case ListOf():
                return self._list(node, scope)
            case RecordOf():
                return record_of({key: self.visit(part, scope) for key, part in node.fields})
            case Text():
                return self._text(node, scope)
        raise TypeError(f"no rule for {node}")

    def _name(self, node: Name, scope: Scope) -> Type:
        if node.name in scope.constants:
            return scope.constants[node.name].type
        if node.name in scope.names:
            return scope.names[node.name].type
        if node.name in scope.lets:
            message = f"`{node.name}` reads a name that the variable of this macro hides"
            return self._wrong(node, message, "give the variable another name", UNDEFINED)
        known = [*scope.names, *scope.constants, *scope.lets]
        fix = habits.NAMES.get(node.name) or phrase(node.name, known)
        return self._wrong(node, f"`{node.name}` is not defined here", fix, UNDEFINED)

    def _field(self, node: Field, target: Type) -> Type:
        if target == ANY or (target.name == "record" and target.fields is None):
            if target != ANY or id(node.target) in self.untyped:
                self.untyped.add(id(node))
            return ANY
        if target.element is not None and (target.element.field(node.name) or node.name in SIZES):
            return self._of_each(node, target)
        if target.name != "record":
            return self._unknown(node, f"{with_article(str(target))} has no field `{node.name}`")
        return self._member(node, node.name, target)

    def _of_each(self, node: Field, target: Type) -> Type:
        """A field of a list that its items have."""
        outer: ExpressionNode = node
        while isinstance(around := self.around.get(id(outer)), Field):
            outer = around
        part, fix = of_each(node, around if isinstance(around, Binary) else outer)
        return self._wrong(part, f"{with_article(str(target))} has no field `{node.name}`", fix)

    def _bare_text(self, node: ExpressionNode, beside: Type) -> None:
        """Names beside a text that nobody knows: text without its quotes."""
        for part in parts_of(node) if beside == STRING else ():
            text, own = bare_text(part), [one for one in self.mistakes if _within(one, part)]
            if not text or not own or any(one.code != UNDEFINED for one in own):
                continue
            known = own[0].fix if own[0].fix.startswith("did you mean") else ""
            fix = f'{known} Or quote it: `"{text}"`' if known else f'quote it: `"{text}"`'
            self.mistakes = [one for one in self.mistakes if one not in own]
            self._wrong(part, f"`{text}` is not defined here", fix, UNDEFINED)

    def _member(self, node: Field | Index, name: str, target: Type) -> Type:
        """The type of a field of a record whose fields are known."""
        found = target.field(name)
        if found is not None or target.open:
            return found or ANY
        known = [key for key, _ in target.fields or ()]
        inside = [key for key, kind in target.fields or () if kind.name == "record" and kind.field(name)]
        fix = phrase(name, known)
        if isinstance(node, Field) and len(inside) == 1 and not did_you_mean(name, known):
            fix = f"write `{inside[0]}.{name}`"
        if "{}" in target.source:
            return self._unknown(node, target.source.format(name), fix, LACKING)
        if isinstance(node, Index):
            return self._unknown(node, f"`{unparse(node.target)}` has no `{name}`", fix, LACKING)
        if target.source:
            return self._unknown(node, f"{target.source} has no field `{name}`", fix, LACKING)
        return self._unknown(node, f"there is no `{name}` here", fix, UNDEFINED)

    def _index(self, node: Index, target: Type, index: Type) -> Type:
        if ANY in (target, index):
            return element_of(target)
        if target.name == "list" and index == INT:
            if _is_negative(node.index):
                listed = unparse(node.target)
                fix = f"count from 0; the last one is `{listed}[size({listed}) - 1]`"
                return self._wrong(node, "an index is never negative", fix, OUTSIDE)
            return element_of(target)
        if target.name == "record" and index == STRING:
            if isinstance(node.index, Literal) and target.fields is not None:
                return self._member(node, node.index.value, target)
            return ANY
        return self._wrong(node, f"{with_article(str(target))} is not indexed by {index}")

    def _unary(self, node: Unary, operand: Type) -> Type:
        if node.operator == "!":
            return self._want_bool(node.operand, operand, "`!`")
        if operand == ANY or operand in NUMERIC:
            return operand
        return self._wrong(node, f"`-` wants a number, this is {operand}")

    def _want_bool(self, node: ExpressionNode, kind: Type, what: str) -> Type:
        if kind not in (BOOL, ANY):
            self._wrong(node, f"{what} wants true or false, this is {kind}")
        return BOOL

    def _binary(self, node: Binary, left: Type, right: Type) -> Type:
        operator = node.operator
        if operator in ("&&", "||"):
            self._want_bool(node.left, left, f"`{operator}`")
            return self._want_bool(node.right, right, f"`{operator}`")
        if ANY in (left, right):
            self._unitless(node, (node.left, left), (node.right, right))
            return BOOL if operator in _COMPARISONS else ANY
        result = binary_type(operator, left, right)
        if result is None:
            return self._apart(
                node,
                f"`{operator}` does not join {left} and {right}",
                (node.left, left),
                (node.right, right),
            )
        return result

    def _apart(
        self, node: ExpressionNode, message: str, *sides: tuple[ExpressionNode, Type], fix: str = ""
    ) -> Type:
        """Values that do not meet, with what may bring them together."""
        found = Mistake(MISTYPED, message, node.start, node.end, fix, of_sides(node, *sides))
        self.mistakes.append(found)
        return ANY

    def _unitless(self, node: ExpressionNode, *parts: tuple[ExpressionNode, Type]) -> None:
        """Reports a value without a type beside a quantity: whatever it is, it never fits."""
        quantity = next((kind for _, kind in parts if kind in QUANTITIES), None)
        loose = next((part for part, _ in parts if id(part) in self.untyped), None)
        if quantity is None or loose is None:
            return
        scaled = isinstance(node, Binary) and node.operator in "*/"
        message = f"`{unparse(loose)}` has no declared type, and never meets a {quantity}"
        self._wrong(node, message, undeclared_fix(loose, INT if scaled else quantity))

    def _hyphenated(self, node: Binary, scope: Scope) -> tuple[str, str] | None:
        """Message and fix for ``cells.robot-1.state`` where only names like ``robot-1`` are known."""
        rest, after = node.right, []
        while isinstance(rest, Field):
            after.append(rest.name)
            rest = rest.target
        left = node.left.operand if isinstance(node.left, Unary) else node.left
        if not isinstance(left, Field) or not isinstance(rest, Literal | Name):
            return None
        target, mistakes = infer(left.target, scope)
        known = [name for name, _ in target.fields or () if name.startswith(f"{left.name}-")]
        if mistakes or not known or target.field(left.name) is not None:
            return None
        name, record = f"{left.name}-{unparse(rest)}", unparse(left.target)
        meant = name if name in known else did_you_mean(name, known) or known[0]
        whole = ".".join([f'{record}["{meant}"]', *reversed(after)])
        message = "`-` subtracts here" if meant == name else f"`{record}` has no `{name}`"
        return message, f"a name with `-` is read by an index: `{whole}`"

    def _conditional(self, node: Conditional, scope: Scope) -> Type:
        self._want_bool(node.test, self.visit(node.test, scope), "`?`")
        yes, no = self.visit(node.yes, scope), self.visit(node.no, scope)
        self._unitless(node, (node.yes, yes), (node.no, no))
        message = f"the two branches differ: {yes} and {no}"
        return join(yes, no) or self._apart(node, message, (node.yes, yes), (node.no, no))

    def _call(self, node: Call, scope: Scope) -> Type:
        if node.name == "has":
            return self._has(node, scope)
        kinds = [self.visit(argument, scope) for argument in node.arguments]
        function = FUNCTIONS.get(node.name)
        if function is None:
            known = known_functions()
            fix = habits.instead_of(node.name, [unparse(part) for part in node.arguments])
            fix = fix or phrase(node.name, known, len(known))
            if did_you_mean(node.name, known) and fix == phrase(node.name, known):
                return self._unknown(node, f"there is no function `{node.name}`", fix, UNDEFINED)
            return self._wrong(node, f"there is no function `{node.name}`", fix, UNDEFINED)
        if len(kinds) not in function.arity:
            return self._wrong(
                node, f"`{node.name}` has the wrong number of arguments", f"write {function.usage}"
            )
        self._unitless(node, *zip(node.arguments, kinds, strict=True))
        result = function.rule(*kinds)
        if result is None:
            found = ", ".join(map(str, kinds))
            sides = tuple(zip(node.arguments, kinds, strict=True)) if node.name in ALIKE else ()
            message, fix = f"`{node.name}` does not take {found}", f"write {function.usage}"
            return self._apart(node, message, *sides, fix=fix)
        return result

    def _has(self, node: Call, scope: Scope) -> Type:
        if len(node.arguments) != 1 or not isinstance(node.arguments[0], Field):
            return self._wrong(node, "`has` takes one field", "write has(record.field)")
        self.visit(node.arguments[0], scope)
        return BOOL

    def _macro(self, node: Macro, scope: Scope) -> Type:
        target = self.visit(node.target, scope)
        if target != ANY and target.name != "list":
            return self._wrong(node, f"`{node.kind}` wants a list, this is {target}")
        item = Binding(element_of(target), (node.variable,))
        inner = Scope(
            {**scope.names, node.variable: item},
            {name: value for name, value in scope.constants.items() if name != node.variable},
            scope.lets,
        )
        self.macro_depth += 1
        if self.macro_depth > MACRO_DEPTH_MAX:
            self._wrong(node, f"macros nest at most {MACRO_DEPTH_MAX} deep", "split it, or shape the data")
        body = self.visit(node.body, inner)
        self.macro_depth -= 1
        if node.kind == "map":
            return list_of(body)
        self._want_bool(node.body, body, f"`{node.kind}`")
        return target if node.kind == "filter" else BOOL

    def _list(self, node: ListOf, scope: Scope) -> Type:
        element = EMPTY
        for item in node.items:
            kind = self.visit(item, scope)
            joined = join(element, kind)
            if joined is None:
                return self._wrong(item, f"this list mixes {element} and {kind}")
            element = joined
        return list_of(element)

    def _text(self, node: Text, scope: Scope) -> Type:
        for part in node.parts:
            kind = self.visit(part, scope)
            if kind.name in ("list", "record"):
                self._wrong(part, f"{with_article(str(kind))} cannot stand inside text")
        return STRING


def undeclared_fix(node: ExpressionNode, wanted: Type) -> str:
    """What to change where a value without a type should be a quantity."""
    name = node.name if isinstance(node, Field) else "x"
    return f"declare the fields of the record: `{{{name}: {wanted}}}` instead of `record`"


def known_functions() -> list[str]:
    """The names of everything that can be called."""
    return [*FUNCTIONS, *MACROS, "has"]


def _within(mistake: Mistake, node: ExpressionNode) -> bool:
    return node.start <= mistake.start and mistake.end <= node.end


def _is_negative(node: ExpressionNode) -> bool:
    """Whether the index is written out and less than 0."""
    if isinstance(node, Unary):
        return node.operator == "-" and isinstance(node.operand, Literal) and node.operand.value > 0
    return isinstance(node, Literal) and node.value < 0


ALIKE = ("min", "max", "clamp", "mod")
"""Functions whose arguments are of one type."""
_COMPARISONS = ("==", "!=", "<", "<=", ">", ">=", "in")


def binary_type(operator: str, left: Type, right: Type) -> Type | None:
    """The type of ``left operator right`` (arithmetic, comparison, ``in``), or None."""
    if operator in ("==", "!="):
        return BOOL if join(left, right) else None
    if operator == "in":
        element = element_of(right) if right.name == "list" else None
        return BOOL if element and join(element, left) else None
    joined = join(left, right)
    if operator in _COMPARISONS:
        if {left, right} == {REAL, SHARE}:
            return BOOL  # a share is a part of one
        return BOOL if joined in (*NUMERIC, STRING) else None
    if operator in "+-":
        added = joined is not None and operator == "+" and (joined == STRING or joined.name == "list")
        return joined if joined in NUMERIC or added else None
    return _product(operator, left, right, joined)


def _product(operator: str, left: Type, right: Type, joined: Type | None) -> Type | None:
    if joined in (INT, REAL):
        return joined
    if operator == "/":
        if joined in QUANTITIES:
            return REAL
        return left if left in QUANTITIES and right in (INT, REAL) else None
    if joined == SHARE:
        return SHARE
    for one, other in ((left, right), (right, left)):
        if one in QUANTITIES and other in (INT, REAL, SHARE):
            return one if other != SHARE or one != SHARE else SHARE
    return None
