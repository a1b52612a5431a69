"""The kind ``Organ``: models on cards."""

from __future__ import annotations

from functools import partial

from nimdsl.compile.compilation import Compilation
from nimdsl.compile.organ import compile_organ
from nimdsl.kinds import Kind
from nimdsl.kinds.schemas import shipped
from nimdsl.program import Actor, Program
from nimdsl.program.machine import Price, PriceSource, State, Timer, Transition
from nimdsl.program.organ import Organ
from nimdsl.show.graph import Drawing, draw_cell


def _compile(compilation: Compilation) -> dict[str, Organ]:
    return compilation.each("Organ", compile_organ)


def _draw(program: Program, name: str, deep: bool) -> Drawing:
    return draw_cell(Actor("organ", name, _life(program.organs[name]), {}, {}, {}), deep)


def _life(organ: Organ) -> State:
    """What becomes of a model on a card, as its rack has it."""

    def way(event: str, target: str, amount: int = 0) -> Transition:
        price = Price(amount, PriceSource.POOL, organ.name) if amount else None
        return Transition(event, target, price=price)

    idle = Timer(organ.keep_ns, (way("idle", "unloading"),))
    back = (way("done", "ready"), way("failed", "ready"))
    ways = [way("request", "serving", organ.price_request), way("room", "unloading")]
    states = [
        State("free", transitions=(way("request", "loading", organ.price_load),)),
        State("loading", transitions=(way("done", "ready"), way("failed", "free"))),
        State("serving", transitions=back),
        State("unloading", transitions=(way("done", "free"),)),
    ]
    if organ.training is not None:
        ways.append(way("train", "training", organ.training.price))
        states.insert(3, State("training", transitions=back))
    states.insert(2, State("ready", transitions=tuple(ways), timers=(idle,)))
    return State("", "free", tuple(states))


KIND = Kind("Organ", partial(shipped, "organ"), _compile, draw=_draw)
