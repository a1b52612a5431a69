"""Compiles ``let``: names for expressions, each written once and read wherever the document reads.

A name stands for its expression, so what it means is what the expression means where it is read.  It may
read what the whole document reads and the other names, but not the event at hand.

Not here: how a name is replaced (:func:`nimdsl.expression.substitution.expanded`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from nimdsl.compile.reader import Reader
from nimdsl.expression.check import Binding, Scope
from nimdsl.expression.substitution import expanded, size_of
from nimdsl.expression.syntax import ExpressionNode, SyntaxMistake, free_names, parse
from nimdsl.expression.types import ANY
from nimdsl.text.tree import Scalar

SIZE_MAX = 2_000
"""Of how many parts a name may be made, all that it stands for together."""
LET = "let"


def with_lets(reader: Reader, scope: Scope) -> Scope:
    """``scope`` with the names that the document gives to expressions; what is wrong is reported.

    A name that is wrong is known all the same, so that nobody who reads it is blamed.
    """
    inner = reader.sub(LET)
    if inner is None:
        return scope
    scope = reader.scope(scope)
    return _Lets(inner, scope, _parsed(inner, scope)).named()


def _parsed(reader: Reader, scope: Scope) -> dict[str, ExpressionNode]:
    """The expressions that can be read, by name.  NIM0208 for names that mean something already."""
    found: dict[str, ExpressionNode] = {}
    for name, node in reader.node.entries.items():
        if name in scope.names or name in scope.constants:
            message = f"`{name}` means something to every expression here already"
            reader.findings.report("NIM0208", message, reader.node.key_place(name), "give it another name")
        elif isinstance(node, Scalar):
            try:
                found[name] = parse(str(node.value))
            except SyntaxMistake:
                reader.expression(name, scope, ANY)
    return found


class _Lets:
    def __init__(self, reader: Reader, scope: Scope, parsed: Mapping[str, ExpressionNode]) -> None:
        self._reader = reader
        self._scope = scope
        self._parsed = parsed
        self._done: dict[str, ExpressionNode] = {}
        taken = scope.names.keys() | scope.constants.keys()
        self._wrong: set[str] = reader.node.entries.keys() - parsed.keys() - taken

    def named(self) -> Scope:
        """The scope with all names."""
        for name in self._parsed:
            self._resolve(name, ())
        return self._scope_so_far()

    def _scope_so_far(self) -> Scope:
        unknown = {name: Binding(ANY, ("$let", name)) for name in self._wrong}
        return replace(self._scope.extended(unknown), lets=dict(self._done))

    def _resolve(self, name: str, around: tuple[str, ...]) -> None:
        """Replaces what the expression of a name reads of the others; those come first."""
        if name in self._done or name in self._wrong:
            return
        for other in sorted(free_names(self._parsed[name]) & self._parsed.keys()):
            if other in (*around, name):
                message = f"`{name}` is read to know what `{name}` is"
                self._refuse("NIM0208", name, message, "write one of them out")
                return
            self._resolve(other, (*around, name))
        scope = self._scope_so_far()
        tree = expanded(self._parsed[name], scope.lets)
        if self._reader.expression(name, scope, ANY) is None:
            self._wrong.add(name)
        elif size_of(tree) > SIZE_MAX:
            message = f"`{name}` stands for more than {SIZE_MAX:,} parts"
            self._refuse("NIM0210", name, message, "write it shorter")
        else:
            self._done[name] = tree

    def _refuse(self, code: str, name: str, message: str, fix: str) -> None:
        self._wrong.add(name)
        self._reader.findings.report(code, message, self._reader.place(name), fix)
