"""What to write where a value of another type stands."""

from __future__ import annotations

import re
from collections.abc import Iterable

from nimdsl.base.suggest import did_you_mean, phrase
from nimdsl.base.units import MICRO, parse_share
from nimdsl.expression import types
from nimdsl.expression.check import Scope, helps
from nimdsl.expression.fixes import Remedy, to_number, to_quantity
from nimdsl.expression.habits import TYPES
from nimdsl.expression.syntax import ExpressionNode, unparse
from nimdsl.expression.types import INT, QUANTITIES, REAL, STRING, Type, parse_type
from nimdsl.schema.remedies import items_of
from nimdsl.schema.remedies import written as as_yaml
from nimdsl.text.scalars import read_plain
from nimdsl.text.tree import Scalar

WANTED = {
    "int": "write a whole number, for example `3`",
    "real": "write a number, for example `0.5`",
    "bool": "write `true` or `false`",
    "string": "write it as text: put it in quotes",
}
"""An example of each type."""
_WORD = re.compile(r"\b[A-Za-z_]\w*\b(?!\s*:)")
_PYTHON = {"int": (int,), "real": (int, float), "bool": (bool,)}


def of_literal(node: Scalar, kind: Type, expected: Type, computes: bool) -> str:
    """For a literal; ``computes`` says whether its text is an expression of names that are there."""
    fix = WANTED.get(expected.name, "")
    if kind != STRING:
        return fix
    text = str(node.value)
    if expected.name == "list" and (items := items_of(node)):
        return f"write `[{', '.join(items)}]`"
    reading = read_plain(text)
    if node.quoted and not reading.code and type(reading.value) in _PYTHON.get(expected.name, ()):
        return f"remove the quotes: `{text}`"
    share = parse_share(text)
    if share is not None and expected in (INT, REAL):
        plain = "0" if not share else f"{share / MICRO:g}"
        return f"write `{plain}`: numbers have no `%`" if expected == REAL or not share else fix
    if computes:
        return f'text is literal; to compute, write "${{{text}}}"'
    return f'{fix}; to compute it, `"${{...}}"`' if fix else ""


def of_type(written: str) -> str:
    """For text that is no type: the one that is meant, also inside another one."""
    known = [*types.SCALARS, "record", "list<string>", "{x: int}"]
    if written.lower() in TYPES:
        return f"write `{TYPES[written.lower()]}`"
    words = (*types.SCALARS, "record", "list")
    meant = _WORD.sub(lambda one: did_you_mean(one.group(), words) or one.group(), written)
    if meant != written and parse_type(meant) is not None:
        return f"did you mean `{as_yaml(meant)}`?"
    return phrase(written, known)


def of_computed(
    tree: ExpressionNode, kind: Type, expected: Type, scope: Scope
) -> tuple[ExpressionNode, str]:
    """For what ``${...}`` computes: which part of it to write differently, and how."""
    whole = unparse(tree)
    if (kind, expected) == (REAL, INT):
        return tree, f"""write `"${{round({whole})}}"`"""
    if expected == STRING and kind.name not in ("list", "record"):
        return tree, f"""write `"${{string({whole})}}"`"""
    remedies: Iterable[Remedy] = ()
    if expected in QUANTITIES and kind in (INT, REAL):
        remedies = to_quantity(tree, expected)
    elif expected in (INT, REAL) and kind in QUANTITIES:
        remedies = to_number(tree, kind)
    found = next((one for one in remedies if helps(one, tree, scope, expected)), None)
    return (found.part, found.fix) if found else (tree, "")
