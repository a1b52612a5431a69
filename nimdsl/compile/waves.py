"""Waves: what those of an actor contain, and who hears which.

A cell hears cells and gates by name, each as an event of its own; a gate hears domains.  What is heard has
the types of what is emitted, so whoever emits is compiled first; where cells hear one another, what comes
round is not known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from nimdsl.base.suggest import phrase
from nimdsl.compile.documents import Document
from nimdsl.compile.interface import WAVES, EventSource, add_source
from nimdsl.compile.purses import BUILT_IN
from nimdsl.compile.reader import Reader
from nimdsl.expression.syntax import Literal
from nimdsl.expression.types import ANY, REAL, Type, join
from nimdsl.program.machine import Emit, State, every_action
from nimdsl.text.tree import MapNode

CELL, GATE = "cell", "gate"
"""Whoever can be heard by name."""


@dataclass(frozen=True)
class Waves:
    """What the waves of an actor contain, and how sure they are at most; ``domain`` is theirs."""

    domain: str
    content: Type
    most: float
    emitter: str = ""
    """The id of the actor."""
    uneven: str = ""
    """A field that only some of its waves contain, after its name; empty where they are alike."""


def emitted_by(name: str, root: State, domain: str) -> Waves | None:
    """What the machine of an actor emits; None where it emits nothing."""
    emits = [action for action in every_action(root) if isinstance(action, Emit)]
    found = together(domain, (Waves(domain, one.content.type, _most(one)) for one in emits))
    fields = [{key for key, _ in one.content.type.fields or ()} for one in emits]
    odd = min((key for one in fields for key in fields[0] ^ one), default="")
    uneven = f"`{odd}`, and others of `{name}` do not" if odd else ""
    return replace(found, emitter=f"cell/{name}", uneven=uneven) if found else None


def together(domain: str, emitted: Iterable[Waves]) -> Waves | None:
    """What several emit; a field that only some have is there too, and has no value where it is not."""
    known = [*emitted]
    if not known:
        return None
    content = known[0].content
    for one in known[1:]:
        content = join(content, one.content) or ANY
    return Waves(domain, content, max(one.most for one in known))


def _most(action: Emit) -> float:
    node = action.confidence.node
    return float(node.value) if isinstance(node, Literal) and isinstance(node.value, int | float) else 1.0


def check_even(reader: Reader, key: str, emitted: Iterable[Waves]) -> None:
    """NIM0702: waves of one actor that have different fields: who hears them could not read some."""
    for one in emitted:
        if one.uneven:
            message = f"some waves heard here contain {one.uneven}"
            fix = "let all of them contain the same fields"
            reader.findings.report("NIM0702", message, reader.place(key), fix)


def heard_by(document: Document) -> dict[str, str]:
    """The ids of those whom a cell or a nerve says it hears, by the name of the event."""
    heard = document.spec.get("hears")
    entries = heard.entries if isinstance(heard, MapNode) else {}
    return {
        event: f"{kind}/{name.plain()}"
        for event, one in entries.items()
        for kind in (CELL, GATE)
        if isinstance(one, MapNode) and (name := one.get(kind)) is not None
    }


def in_hearing_order(
    documents: Mapping[str, Document], behind: Callable[[str], Iterable[str]]
) -> list[str]:
    """The names of documents, each after those that it hears, as far as that can be; else as they come.

    ``behind`` gives the names of the cells whose waves those of somebody contain, by id.
    """
    found: dict[str, None] = {}
    begun: set[str] = set()

    def visit(name: str) -> None:
        if name in begun or name not in documents:
            return
        begun.add(name)
        for heard in heard_by(documents[name]).values():
            for cell in behind(heard):
                visit(cell)
        found[name] = None

    for name in documents:
        visit(name)
    return [*found]


def compile_hears(
    reader: Reader, events: dict[str, EventSource], emitted: Mapping[str, Waves | None]
) -> dict[str, str]:
    """The ids of those who are heard, by the name of the event, which is added to ``events``.

    ``emitted`` is what is known of cells and gates, by id: None for one that emits nothing.
    """
    inner, heard = reader.sub("hears"), dict[str, str]()
    for name, one in reader.named("hears"):
        assert inner is not None
        key, heard_id = _who(one)
        place, who = inner.node.key_place(name), heard_id.partition("/")[2]
        report = reader.findings.report
        if name in events or name in BUILT_IN:
            message = f"`{name}` is an event of another kind already: a wave has a name of its own"
            report("NIM0208", message, place, "give what is heard another name")
        elif who and heard_id in heard.values():
            message = f"`{who}` is heard already: nobody hears a wave twice"
            report("NIM0210", message, one.place(key), "remove one of them")
        elif (key, who, reader.findings.document.kind) == (CELL, reader.findings.document.name, "Cell"):
            report("NIM0210", "nobody hears itself", one.place(key), "name another cell")
        elif who and heard_id in emitted and emitted[heard_id] is None:
            message = f"`{who}` emits no waves"
            same = [other for other, value in emitted.items() if value and other.startswith(f"{key}/")]
            lacks = "the action `emit`" if key == CELL else "`emits: {domain: <name>}`"
            fix = phrase(who, [other.partition("/")[2] for other in same]) or f"add {lacks} to `{who}`"
            report("NIM0701", message, one.place(key), fix)
        waves = emitted.get(heard_id)
        check_even(one, key, [waves] if waves else ())
        fields = {"confidence": REAL, "content": waves.content if waves else ANY}
        add_source(events, name, WAVES, fields, place)
        events[name].unsure |= waves is None
        if who:
            heard[name] = heard_id
    return heard


def _who(reader: Reader) -> tuple[str, str]:
    """Whether a cell or a gate is heard, and its id.  NIM0204 for neither, NIM0203 for both."""
    report = reader.findings.report
    if CELL not in reader and GATE not in reader:
        report(
            "NIM0204",
            "nobody is named who is heard",
            reader.place(),
            "add `cell: <name>`, or `gate: <name>`",
        )
        return CELL, ""
    if CELL in reader and GATE in reader:
        message = "`gate` beside `cell`: one event is the waves of one of them"
        report("NIM0203", message, reader.place(GATE), "remove `gate`, or give it an event of its own")
    key = CELL if CELL in reader else GATE
    name = reader.reference(key, key.capitalize())
    return key, f"{key}/{name}" if name else ""
