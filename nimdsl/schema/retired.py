"""Forms that the language had once: each is one error, and its fix is the form that it has now.

A table, so that nobody else needs to know what there was before.  The law:
the schema of the kind does not allow what stands here, and allows the fix
(tests hold both).  Who asks is :mod:`nimdsl.schema.structure`, when something is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from nimdsl.base.diagnostics import Diagnostic, error
from nimdsl.schema.remedies import written
from nimdsl.text.tree import ListNode, MapNode, Node

CODE = "NIM0212"
_STAND_IN = "who lets the document answer is a stand-in"
_HOW_MUCH = "say what it may take: write `take: all`, `take: rest` or for example `take: {share: 40%}`"
Path = tuple[str | int, ...]


@dataclass(frozen=True)
class RetiredForm:
    """A form that was: where it stood (``*`` is one step, ``**`` any number), and what to do about it.

    ``now`` gives the fix for the key of a map, or None where that is no earlier form.
    """

    path: str
    says: str
    now: Callable[[MapNode, str], str | None]


def find(kind: str, root: Node, path: Path) -> Iterator[tuple[Path, Diagnostic]]:
    """The earlier forms on the way to ``path`` in a document and right below it, with where they stand."""
    node, so_far = root, [kind]
    for step in range(len(path) + 1):
        for key in node.entries if isinstance(node, MapNode) else ():
            assert isinstance(node, MapNode)
            onward = step == len(path) or path[step] == key
            form = _form("/".join([*so_far, key])) if onward else None
            fix = form.now(node, key) if form else None
            if form and fix:
                message = f"`{key}` is in an earlier form: {form.says}"
                yield (*path[:step], key), error(CODE, message, node.key_place(key), fix)
        if step < len(path):
            node = _below(node, path[step])
            so_far.append(str(path[step]))


def _below(node: Node, key: str | int) -> Node:
    if isinstance(node, ListNode) and isinstance(key, int):
        return node.items[key]
    assert isinstance(node, MapNode)
    return node.entries[str(key)]


def _form(path: str) -> RetiredForm | None:
    return next((form for form, pattern in _PATTERNS if pattern.fullmatch(path)), None)


def _take(level: MapNode, key: str) -> str | None:
    match level.entries[key].as_written():
        case {"all": value, **rest} | {"rest": value, **rest} if _is_no(value):
            if rest.keys() <= {"each", "share", "cap"} and rest.keys() != {"cap"}:
                return f"write `take: {written(rest)}`" if rest else _HOW_MUCH
        case {"all": value, **rest} if not rest and _is_yes(value):
            return "write `take: all`"
        case {"rest": value, **rest} if not rest and _is_yes(value):
            return "write `take: rest`"
        case {"rest": value, "minimum": minimum, **rest} if not rest and _is_yes(value):
            return f"write `take: {written({'rest': {'minimum': minimum}})}`"
    return None


def _is_yes(value: object) -> bool:
    """What meant true, also for those to whom YAML is 1.1."""
    return value is True or (isinstance(value, str) and value.lower() in ("true", "yes", "on", "y"))


def _is_no(value: object) -> bool:
    return value is False or (isinstance(value, str) and value.lower() in ("false", "no", "off", "n"))


def _event(stimulus: MapNode, key: str) -> str | None:
    whom = stimulus.entries.keys() & {"to", "level", "item"}
    return f"write `item: {written(stimulus.entries[key].as_written())}`" if whom == {"level"} else None


def _real(work: MapNode, key: str) -> str | None:
    match work.entries[key].as_written():
        case {"document": value, **rest} if not rest:
            return "write `real: stand_in`" if _is_yes(value) else "remove it" if _is_no(value) else None
        case {"document": value, **rest} if len(rest) == 1 and rest.keys() <= {"python", "service"}:
            other = f"`real: {written(rest)}`"
            if _is_yes(value):
                return f"keep one of them: write `real: stand_in`, or {other}"
            return f"write {other}" if _is_no(value) else None
    return None


def _delta(answer: MapNode, key: str) -> str:
    twice = "lifeforce_delta" in answer.entries
    return (
        "remove it: `lifeforce_delta` is there"
        if twice
        else f"write `lifeforce_delta: {written(answer.entries[key].as_written())}`"
    )


def _wave(action: MapNode, key: str) -> str | None:
    match action.entries[key].as_written():
        case {"wave": dict(wave), **rest} if not rest:
            return f"write `emit: {written(wave)}`"
    return None


def _gone(_: MapNode, __: str) -> str:
    return "remove it"


FORMS = (
    RetiredForm("**/emit", "the wave has no key of its own", _wave),
    RetiredForm("Attention/spec/levels/*/take", "`all` and `rest` are words now", _take),
    RetiredForm("Scenario/spec/stimuli/*/event", "what comes to a level is an item", _event),
    RetiredForm("Cell/spec/work/*/real", _STAND_IN, _real),
    RetiredForm("Attention/spec/work/*/real", _STAND_IN, _real),
    RetiredForm("Cell/spec/answers/*/delta", "it is called as in the message", _delta),
    RetiredForm("Cell/spec/tier", "nothing ever read it", _gone),
    RetiredForm("Protocol/spec/translator/real", _STAND_IN, _real),
)  # fmt: skip


def _pattern(path: str) -> re.Pattern[str]:
    steps = {"*": "[^/]+", "**": ".+"}
    return re.compile("/".join(steps.get(step, re.escape(step)) for step in path.split("/")))


_PATTERNS = [(form, _pattern(form.path)) for form in FORMS]
