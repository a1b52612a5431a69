"""Drawings of machines: what a cell, a phase or a protocol does, as vertices and edges.

A drawing is plain data, made from a state tree: vertices (nested), edges with
labels, and which vertex comes first.  The law: every id is valid and unique,
every edge joins vertices that are drawn, and what is left out is only what
happens in no time inside a vertex.  Collapsed, a composite state is one
vertex; ``deep`` opens it.  How a drawing is written down is in :mod:`nimdsl.show.notation`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from nimdsl.base.units import format_lifeforce
from nimdsl.expression.syntax import Binary, Literal, Name, unparse
from nimdsl.program import Actor, Phase, Protocol
from nimdsl.program.flatten import FAULT, REFUSED, REQUESTED, own_event
from nimdsl.program.machine import Reply, State, Timer, Transition, walk
from nimdsl.show.amounts import bill_text, duration_text, flow_text, jittered

ANY_STATE = "any state"
LABEL_LENGTH_MAX = 80


@dataclass(frozen=True)
class Vertex:
    """A state that is drawn; ``initial`` is the id of the inner vertex that is entered first."""

    id: str
    label: str
    final: bool = False
    initial: str = ""
    inner: tuple[Vertex, ...] = ()


@dataclass(frozen=True)
class Edge:
    """A way from one vertex to another."""

    source: str
    target: str
    label: str = ""


@dataclass(frozen=True)
class Drawing:
    """A drawing; ``notes`` say what is true of all of it."""

    title: str
    initial: str
    vertices: tuple[Vertex, ...]
    edges: tuple[Edge, ...]
    notes: tuple[str, ...] = ()


def draw_cell(cell: Actor, deep: bool = False) -> Drawing:
    """The machine of a cell."""
    return _Artist(cell.root, deep).drawing(cell.name)


def draw_protocol(protocol: Protocol, deep: bool = False) -> Drawing:
    """Its phases; ``deep`` shows what happens inside each."""
    return _Artist(protocol.actor.root, deep).drawing(protocol.name)


def draw_phase(phase: Phase, deep: bool = False) -> Drawing:
    """Start, the handshakes in order, verdict, complete, failed."""
    root = State("", phase.name, (phase.root,))
    artist = _Artist(root, deep, top=phase.name)
    for handshake in phase.handshakes:
        artist.labels[f"{phase.name}/{handshake.name}"] = handshake.label
    drawing = artist.drawing(phase.name)
    return drawing if deep or not phase.reservation else _priced(drawing, phase)


def _priced(drawing: Drawing, phase: Phase) -> Drawing:
    amount = format_lifeforce(phase.reservation)
    note = f"each handshake reserves {amount} LF; where the pool cannot, the protocol ends as refused"
    return Drawing(drawing.title, drawing.initial, drawing.vertices, drawing.edges, (note,))


class _Artist:
    """Draws the states directly below ``top`` (all states below, when ``deep``)."""

    def __init__(self, root: State, deep: bool, top: str = "") -> None:
        self.states = {"": root, **dict(walk(root))}
        self.deep = deep
        self.top = top
        self.labels: dict[str, str] = {}
        self.ids = _ids([path for path in self.states if path and path != top], top)

    def drawing(self, title: str) -> Drawing:
        top = self.states[self.top]
        vertices = [self._vertex(_below(self.top, child.name), child) for child in top.states]
        edges = self._all_edges()
        if any(edge.source == self.ids[ANY_STATE] for edge in edges):
            vertices.append(Vertex(self.ids[ANY_STATE], ANY_STATE))
        return Drawing(title, self.ids[_below(self.top, top.initial)], tuple(vertices), tuple(edges))

    def _all_edges(self) -> list[Edge]:
        """Every edge once; the ways out of a collapsed state in the order of where they lead."""
        order = {id_: number for number, id_ in enumerate(self.ids.values())}
        found = dict.fromkeys(edge for path in self.states for edge in self._edges(path))
        whole = {self.ids[path] for path in self.ids if path in self.states and not self._is_closed(path)}
        return sorted(found, key=lambda e: (order[e.source], 0 if e.source in whole else order[e.target]))

    def _is_closed(self, path: str) -> bool:
        return bool(self.states[path].states) and not self.deep

    def _vertex(self, path: str, state: State) -> Vertex:
        label = self.labels.get(path) or state.name.replace("_", " ")
        if state.defer:
            label += f" (defers {', '.join(state.defer)})"
        if flow := flow_text(state.income, state.upkeep):
            label += f" ({flow})"
        if not state.states or not self.deep:
            return Vertex(self.ids[path], label, final=self._ends(path, state))
        inner = tuple(self._vertex(f"{path}/{child.name}", child) for child in state.states)
        return Vertex(self.ids[path], label, False, self.ids[f"{path}/{state.initial}"], inner)

    def _ends(self, path: str, state: State) -> bool:
        """Whether the drawing ends here: a final state, or one that only leads out of what is drawn."""
        return state.final or (bool(self.top) and path in (f"{self.top}/complete", f"{self.top}/failed"))

    def _drawn(self, path: str) -> str:
        """The path of the vertex that stands for a state; empty when none does."""
        if path not in self.states or (self.top and not path.startswith(self.top + "/")):
            return ""
        if self.deep:
            return path
        depth = self.top.count("/") + 2 if self.top else 1
        return "/".join(path.split("/")[:depth])

    def _edges(self, path: str) -> Iterable[Edge]:
        state = self.states[path]
        source = self._drawn(path) if path else ANY_STATE
        if not source:
            return
        collapsed = bool(path) and source != path
        ways = [(t, t.event) for t in state.transitions]
        ways += [(t, _after(timer)) for timer in state.timers for t in timer.transitions]
        for number, (transition, event) in enumerate(ways):
            target = (
                self._drawn(transition.target) if transition.target or not transition.answer else source
            )
            hidden = self._silent(transition) or (collapsed and target == source)
            if target and not hidden and not _never(transition):
                label = self._label(path, transition, event, collapsed, last=number == len(ways) - 1)
                yield Edge(self.ids[source], self.ids[target], label)

    def _silent(self, transition: Transition) -> bool:
        """What can go wrong anywhere in a phase stands in the note of its drawing.

        That an answer cannot be begun, or paid, is not drawn.
        """
        own = transition.answer
        if own and transition.event in (own_event(own, FAULT), own_event(own, REFUSED)):
            return True
        return bool(self.top) and not self.deep and transition.event in (REFUSED, FAULT)

    def _label(self, path: str, transition: Transition, event: str, collapsed: bool, last: bool) -> str:
        if collapsed and self.top:
            return ""
        if collapsed and not event and path.count("/"):
            return path.rpartition("/")[2]
        parts = [_event(event)] if event else []
        if transition.guard is not None:
            text = unparse(transition.guard.node)
            parts.append(f"[{_shortened(text)}]" if event else _shortened(text))
        elif not event and last and self._guarded(path):
            parts.append("otherwise")
        back = ["(where it was left)"] if transition.history else []
        return " ".join([*parts, *back, *_cost(transition), *_replies(transition)])

    def _guarded(self, path: str) -> bool:
        """Whether some timer of the state that fires at once is guarded."""
        timers = self.states[path].timers
        return any(
            t.guard and not _never(t) for timer in timers for t in timer.transitions if not timer.after_ns
        )


def _below(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name


def _after(timer: Timer) -> str:
    after = jittered(_shortened(duration_text(timer.after_ns)), timer.jitter)
    return f"after {after}" if timer.after_ns else ""


def _event(event: str) -> str:
    return event.replace(REQUESTED, "request ", 1)


def _never(transition: Transition) -> bool:
    """The way back of a phase without retries: tries begin at 1."""
    guard = transition.guard.node if transition.guard else None
    return isinstance(guard, Binary) and guard.left == Name("tries") and _is_zero(guard.right)


def _is_zero(node: object) -> bool:
    return isinstance(node, Literal) and node.value == 0


def _cost(transition: Transition) -> list[str]:
    told = bill_text(transition.bill, ())
    return [f"({_shortened(told)})"] if told else []


def _replies(transition: Transition) -> list[str]:
    return [f"/ {action.status}" for action in transition.actions if isinstance(action, Reply)]


def _shortened(text: str) -> str:
    return text if len(text) <= LABEL_LENGTH_MAX else text[: LABEL_LENGTH_MAX - 1] + "…"


_RESERVED = frozenset(
    [
        "state",
        "note",
        "end",
        "as",
        "direction",
        "class",
        "classdef",
        "style",
        "click",
        "fork",
        "join",
        "choice",
        "default",
        "hide",
        "scale",
        "left",
        "right",
        "of",
        "graph",
        "digraph",
        "node",
        "edge",
        "subgraph",
        "strict",
        "root",
    ]
)


def _ids(paths: Iterable[str], top: str) -> dict[str, str]:
    """An id for each path (letters, digits, underscores), good in both notations, all different."""
    ids: dict[str, str] = {}
    used: set[str] = set()
    for path in [*paths, ANY_STATE]:
        id_ = re.sub(r"\W", "_", path.removeprefix(f"{top}/"), flags=re.ASCII)
        id_ = id_ if id_[:1].isalpha() else f"s_{id_}"
        while id_.lower() in _RESERVED or id_ in used:
            id_ += "_"
        used.add(id_)
        ids[path] = id_
    return ids
