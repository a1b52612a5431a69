"""Who takes part in a scenario that does not say so.

The rule: the cells that its protocol's phases ask, that its stimuli address, that it
mentions in ``expect`` and ``set`` (or its protocol in a criterion), and those that they
and its attention send to, and so on; without protocol, attention and stimuli every cell.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from nimdsl.compile.reader import Reader
from nimdsl.expression.syntax import (
    ExpressionNode,
    Field,
    Index,
    Literal,
    Name,
    SyntaxMistake,
    children,
    parse,
)
from nimdsl.program import Protocol
from nimdsl.program.machine import Send, State, every_action
from nimdsl.text.tree import ListNode

Sends = Mapping[str, frozenset[str]]
"""The cells that an actor sends to, by its id; an actor that is wrong itself is missing."""


def receivers_of(root: State) -> frozenset[str]:
    """The cells that a machine sends to."""
    found = (action.to for action in every_action(root) if isinstance(action, Send))
    return frozenset(to.removeprefix("cell/") for to in found)


def concerned(
    reader: Reader, known: Iterable[str], protocol: Protocol | None, attention: str, sends: Sends
) -> list[str]:
    """The cells that a scenario concerns, sorted; ``known`` are all that there are."""
    known = sorted(known)
    if not ("protocol" in reader or attention or reader.items("stimuli")):
        return known
    named = {item.text("to") for item in reader.items("stimuli") if "to" in item}
    named |= {*_expected(reader), *_changed(reader, known), *sends.get(f"attention/{attention}", ())}
    if protocol is not None:
        named |= {phase.cell for phase in protocol.phases}
        named |= {cell for one in protocol.criteria for cell in _mentioned(one.holds.node)}
    found: set[str] = set()
    while waiting := (named & {*known}) - found:
        found |= waiting
        named = {to for cell in waiting for to in sends.get(f"cell/{cell}", ())}
    return sorted(found)


def _expected(reader: Reader) -> Iterator[str]:
    node = reader.node.get("expect")
    for item in node.items if isinstance(node, ListNode) else ():
        try:
            yield from _mentioned(parse(str(item.plain())))
        except SyntaxMistake:
            continue  # told where expectations are compiled


def _changed(reader: Reader, known: list[str]) -> Iterator[str]:
    for path in reader.keys("set"):
        kind, _, rest = path.partition("/")
        matching = [name for name in known if rest == name or rest.startswith(name + ".")]
        if kind.lower() == "cell" and matching:
            yield max(matching, key=len)


def _mentioned(tree: ExpressionNode) -> Iterator[str]:
    """The names after ``cells``."""
    match tree:
        case Field(target=Name("cells"), name=name):
            yield name
        case Index(target=Name("cells"), index=Literal(value=str(name))):
            yield name
    for child in children(tree):
        yield from _mentioned(child)
