"""Names that stand for expressions: each is replaced before anything is checked or evaluated.

The law: a tree without such names means the same in every environment as the tree with them.  A variable of
a macro hides a name as ever; where it would hide what a name's expression reads, the name is not replaced,
and so is not defined there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from nimdsl.expression.syntax import ExpressionNode, Macro, Name, children, free_names, with_children


def expanded(tree: ExpressionNode, lets: Mapping[str, ExpressionNode]) -> ExpressionNode:
    """``tree`` with the names of ``lets`` replaced; what replaces one stands where the name stood."""
    if not lets or lets.keys().isdisjoint(free_names(tree)):
        return tree
    match tree:
        case Name(name=name):
            return _moved(lets[name], tree.start, tree.end)
        case Macro(variable=variable):
            inside = {
                name: one
                for name, one in lets.items()
                if name != variable and variable not in free_names(one)
            }
            target, body = expanded(tree.target, lets), expanded(tree.body, inside)
            return replace(tree, target=target, body=body)
    return with_children(tree, lambda part: expanded(part, lets))


def size_of(tree: ExpressionNode) -> int:
    """Of how many parts a tree is made."""
    return 1 + sum(map(size_of, children(tree)))


def _moved(tree: ExpressionNode, start: int, end: int) -> ExpressionNode:
    moved = with_children(tree, lambda part: _moved(part, start, end))
    return replace(moved, start=start, end=end)
