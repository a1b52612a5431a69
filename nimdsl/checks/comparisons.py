"""Texts that something is compared with: names that must be among those that there are."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from nimdsl.base.diagnostics import Place
from nimdsl.base.suggest import phrase
from nimdsl.compile.phase import REPLY
from nimdsl.compile.reader import Findings
from nimdsl.compile.wire import STATUSES
from nimdsl.expression.check import kinds_of
from nimdsl.expression.syntax import Binary, ExpressionNode, Field, ListOf, Literal, children
from nimdsl.expression.types import Type
from nimdsl.program.expression import Expression


def compared(
    tree: ExpressionNode, subject: Callable[[ExpressionNode], str]
) -> Iterator[tuple[str, Literal]]:
    """What a tree compares with texts (``==``, ``!=``, ``in``): its subject, and each of the texts.

    ``subject`` names what a part is; empty for what does not matter.
    """
    if isinstance(tree, Binary) and tree.operator in ("==", "!=", "in"):
        for one, other in ((tree.left, tree.right), (tree.right, tree.left)):
            named = subject(one)
            texts = other.items if isinstance(other, ListOf) else (other,)
            for text in texts if named else ():
                if isinstance(text, Literal) and isinstance(text.value, str):
                    yield named, text
    for child in children(tree):
        yield from compared(child, subject)


def check_statuses(findings: Findings, condition: Expression, place: Callable[[int, int], Place]) -> None:
    """NIM0206: a reply's ``status`` that is compared with what none has; ``place`` is that of a part."""
    tree, kinds = condition.node, kinds_of(condition.node, condition.scope)

    def of_reply(part: ExpressionNode) -> str:
        known = isinstance(part, Field) and part.name == "status" and _is_reply(kinds.get(id(part.target)))
        return "status" if known else ""

    for _, written in compared(tree, of_reply):
        if written.value not in STATUSES:
            message = f"no reply has the status {written.value!r}"
            fix = phrase(str(written.value), STATUSES)
            findings.report("NIM0206", message, place(written.start + 1, written.end - 1), fix)


def _is_reply(kind: Type | None) -> bool:
    return kind is not None and [name for name, _ in kind.fields or ()] == [*REPLY]


def no_state(cell: str, written: str, known: Collection[str]) -> tuple[str, str] | None:
    """What is wrong with the name of a state that is found at the end of a path; None for nothing.

    ``known`` are the states that have none inside: only those are told.
    """
    if written in known:
        return None
    inside = [path for path in known if path.startswith(f"{written}/")]
    if inside:
        message = f"`{written}` of `{cell}` has states inside, and one of them is told"
        return message, phrase("", inside)
    return f"`{cell}` has no state `{written}`", phrase(written, known)
