"""The kind ``Cell``: a small actor with a machine, with answers, or with both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from nimdsl.base.diagnostics import Severity
from nimdsl.checks.machines import check_answers, check_machine
from nimdsl.checks.origins import answers_back, check_answers_back, senders_of
from nimdsl.checks.resources import check_orders, orders_of
from nimdsl.compile.answers import Context
from nimdsl.compile.cell import CompiledCell, accepted_events, compile_cell
from nimdsl.compile.compilation import Compilation
from nimdsl.compile.purses import purses_of
from nimdsl.compile.reader import Findings, Reader
from nimdsl.compile.relaying import cells_behind, relayed
from nimdsl.compile.waves import GATE, Waves, emitted_by, heard_by, in_hearing_order
from nimdsl.kinds import Kind
from nimdsl.kinds.schemas import shipped
from nimdsl.program import Actor, Program
from nimdsl.program.machine import events_of
from nimdsl.show.costs import cell_costs
from nimdsl.show.graph import Drawing, draw_cell
from nimdsl.text.tree import MapNode, Node, Scalar


def _compile(compilation: Compilation) -> dict[str, CompiledCell]:
    emitted: dict[str, Waves | None] = {}
    context = Context(compilation.parts["Schema"], compilation.rewards, compilation.economies, emitted)

    documents = compilation.documents

    def compile_one(findings: Findings, reader: Reader) -> CompiledCell | None:
        for gate in {*heard_by(findings.document).values()}:
            if gate.startswith(GATE):
                emitted.update(relayed(documents, gate, emitted))
        cell = compile_cell(findings, reader, context)
        if cell is not None and not findings.failed:
            name = findings.document.name
            emitted[f"cell/{name}"] = emitted_by(name, cell.root, cell.domain)
        if cell is not None and not findings.failed and not findings.poisoned:
            check = check_machine if "machine" in reader else check_answers
            check(findings, cell.root, cell.interface)
        return cell

    order = in_hearing_order(documents.of("Cell"), partial(cells_behind, documents))
    cells = compilation.each("Cell", compile_one, order)
    _check_answers_back(compilation, cells)
    _check_marks(compilation, cells)
    _check_orders(compilation, cells)
    return cells


def emitted_by_cells(compilation: Compilation) -> dict[str, Waves | None]:
    """What the cells emit that are sound, by id; None for nothing."""
    cells: Mapping[str, CompiledCell] = compilation.parts["Cell"]
    return {f"cell/{name}": emitted_by(name, cell.root, cell.domain) for name, cell in cells.items()}


def topics_of(compilation: Compilation, cell: CompiledCell) -> tuple[str, ...]:
    """The topics in which a cell or a nerve finds those whom it hears."""
    cells, gates = compilation.parts["Cell"], compilation.parts["Gate"]
    names = [heard.partition("/") for heard in cell.heard.values()]
    domains = {gates[name].emits if kind == GATE else cells[name].domain for kind, _, name in names}
    return tuple(sorted(f"wave/{domain or 'none'}" for domain in domains))


def _check_marks(compilation: Compilation, cells: Mapping[str, CompiledCell]) -> None:
    """NIM0510: marks that no cell hears which could; once all cells are known.  It is a warning."""
    if len(cells) < len(compilation.documents.of("Cell")) or compilation.documents.damaged:
        return
    heard: set[tuple[str, str]] = set()
    for cell in cells.values():
        own = cell.interface.economy
        purses = purses_of(cell.root, own) | (frozenset() if own else {*compilation.economies})
        heard |= {(name, event) for name in purses for event in events_of(cell.root)}
    elsewhere = {
        event for one in compilation.documents.of("Nerve").values() for event in events_named(one.spec)
    }
    for name, economy in compilation.economies.items():
        for mark in economy.marks:
            told = {mark, f"{mark}.over"}
            if not {(name, event) for event in told} & heard and not told & elsewhere:
                findings, reader = compilation.open(compilation.documents.of("Economy")[name])
                message = f"no cell that lives on `{name}` hears of `{mark}`"
                fix = f"add a transition on `{mark}` to one, or remove the mark"
                inner = reader.sub("marks")
                place = inner.node.key_place(mark) if inner else reader.place("marks")
                findings.report("NIM0510", message, place, fix, Severity.WARNING)
                compilation.close(findings)


def events_named(node: Node) -> Iterator[str]:
    """Every event that some transition in a document names."""
    if isinstance(node, MapNode):
        event = node.get("event")
        if isinstance(event, Scalar):
            yield str(event.value)
    inner = node.entries.values() if isinstance(node, MapNode) else getattr(node, "items", ())
    for one in inner:
        yield from events_named(one)


def _check_orders(compilation: Compilation, cells: Mapping[str, CompiledCell]) -> None:
    """NIM0511: resources that are acquired in opposite orders; once all cells are known."""
    orders = {name: found for name, cell in cells.items() if (found := orders_of(cell.root, cell.works))}
    known = {order: name for name, found in orders.items() for order in found}
    for name, found in orders.items():
        findings, _ = compilation.open(compilation.documents.of("Cell")[name])
        check_orders(findings, found, known)
        compilation.close(findings)


def _check_answers_back(compilation: Compilation, cells: Mapping[str, CompiledCell]) -> None:
    """What goes back to ``origin``: once all cells are known."""
    answering = {name: found for name, cell in cells.items() if (found := answers_back(cell.root))}
    if not answering:
        return
    senders = senders_of({f"cell/{name}": (cell.root, cell.works) for name, cell in cells.items()})
    known = {f"cell/{name}": accepted_events(cell) for name, cell in cells.items()}
    for name, found in answering.items():
        findings, _ = compilation.open(compilation.documents.of("Cell")[name])
        check_answers_back(findings, f"cell/{name}", known[f"cell/{name}"], found, senders, known)
        compilation.close(findings)


def _part(compilation: Compilation, name: str, cell: CompiledCell) -> Actor:
    events = accepted_events(cell)
    return Actor(
        kind="cell",
        name=name,
        root=cell.root,
        data=cell.data,
        tables=cell.tables,
        works=cell.works,
        accepts=tuple(sorted(events)),
        fields=events | {name: cell.interface.events[name].fields for name in cell.heard},
        domain=cell.domain,
        hears=topics_of(compilation, cell),
        senses=dict(sorted(cell.heard.items())),
        economy=cell.interface.economy,
        types=cell.interface.data,
        place=compilation.place_of("Cell", name),
    )


def _draw(program: Program, name: str, deep: bool) -> Drawing:
    return draw_cell(program.cells[name], deep)


KIND = Kind(
    "Cell",
    partial(shipped, "cell"),
    _compile,
    _part,
    needs=("Schema", "Economy"),
    plural="cells",
    draw=_draw,
    costs=cell_costs,
)
