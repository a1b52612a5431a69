"""Expressions that the compiler writes itself, for the machines of phases and protocols."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from nimdsl.base.errors import InternalError
from nimdsl.expression.check import Binding, Scope, infer
from nimdsl.expression.syntax import Literal, RecordOf, parse
from nimdsl.expression.types import ANY, INT, LIFEFORCE, RECORD, STRING, Type, list_of, record_of
from nimdsl.program.expression import Expression
from nimdsl.program.machine import Set

GENERATED = Scope(
    {
        "attempt": Binding(INT, ("$data", "attempt")),
        "translation": Binding(INT, ("$data", "translation")),
        "errors": Binding(INT, ("$data", "errors")),
        "message": Binding(RECORD, ("$data", "message")),
        "intent": Binding(RECORD, ("$data", "intent")),
        "hint": Binding(STRING, ("$data", "hint")),
        "price": Binding(LIFEFORCE, ("$event", "price")),
        "balance": Binding(LIFEFORCE, ("$event", "balance")),
        "event": Binding(ANY, ("$event",)),
    }
)
"""The protocol's own data and the event at hand."""

PHASE_COUNTERS: Mapping[str, Type] = {
    "handshakes": INT,
    "accepted": INT,
    "rejected": INT,
    "failed": INT,
    "tries": INT,
}


def expression(text: str, scope: Scope = GENERATED) -> Expression:
    """A checked expression from text that the compiler wrote."""
    return _general(text) if scope is GENERATED else _checked(text, scope)


@lru_cache(maxsize=1_024)
def _general(text: str) -> Expression:
    return _checked(text, GENERATED)


def _checked(text: str, scope: Scope) -> Expression:
    tree = parse(text)
    kind, mistakes = infer(tree, scope)
    if mistakes:
        raise InternalError(f"generated expression {text!r}: {mistakes[0].message}")
    return Expression(tree, kind, scope)


def constant(value: Any, kind: Type = ANY) -> Expression:
    """A literal."""
    return Expression(Literal(value, kind), kind, Scope({}))


def record(fields: Mapping[str, Expression]) -> Expression:
    """A record of expressions that share names."""
    names: dict[str, Binding] = {}
    constants: dict[str, Literal] = {}
    for part in fields.values():
        names.update(part.scope.names)
        constants.update(part.scope.constants)
    tree = RecordOf(tuple((key, part.node) for key, part in fields.items()))
    return Expression(tree, record_of({k: p.type for k, p in fields.items()}), Scope(names, constants))


def phase_scope(phase: str) -> Scope:
    """The generated names with the phase's own counters and lists."""
    path = ("$data", "phases", phase)
    own = {name: Binding(kind, (*path, name)) for name, kind in PHASE_COUNTERS.items()}
    lists = {
        "replies": Binding(list_of(ANY), (*path, "replies")),
        "claims": Binding(list_of(INT), (*path, "claims")),
    }
    return GENERATED.extended({**own, **lists})


def bump(*path: str, by: Expression | None = None) -> Set:
    """One more in the counter at ``path``."""
    scope = Scope({"counter": Binding(INT, ("$data", *path))})
    return Set(path, by or expression("counter + 1", scope))
