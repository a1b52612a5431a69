"""Random places where cells live on purses, borrow units, ask one another and wait, as documents.

``places()`` draws a whole program with one scenario: a family of cells, each on an economy
of its own or a common one, that do several things in turn, and a desk that they ask.
``check(world)`` runs it in the virtual garden and holds it against every law
(:mod:`tests.support.garden_laws`).
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from gardens.report.result.result import RunResult
from gardens.stores.memory import MemoryJournal
from gardens.virtual.driver import Options
from gardens.virtual.recorded import parity
from runtime.run.host import Checks
from runtime.run.replay import replay
from simulate import run
from tests.properties.worlds import World, document, ledger_laws
from tests.support.doctored import recording_of
from tests.support.garden_laws import garden_laws

Spec = dict[str, Any]
HORIZON = "12s"
PAUSE = "work/pause"
"""Where it goes when something has failed: without it, it would try again in the same instant for ever."""
STAYS = ["150ms", "400ms", "1s", "2500ms"]
"""How long something takes, or is waited for."""
JITTERS = ["0%", "0%", "30%", "100%"]
AMOUNTS = [0.1, 0.3, 1, 2.5]
"""Prices, LF."""
RATES = [0.01, 0.37, 1.5, 4]
"""LF a second."""


def _latency(draw: Any) -> Spec:
    found: Spec = draw(
        st.sampled_from(
            [{"constant": "80ms"}, {"uniform": ["20ms", "700ms"]}, {"exponential": {"mean": "300ms"}}]
        )
    )
    return found


def _one(draw: Any, choices: list[Any]) -> Any:
    return draw(st.sampled_from(choices))


def _tried(draw: Any) -> Spec:
    """How often work is tried, and how long it may take."""
    spec: Spec = {"timeout": _one(draw, STAYS)} if draw(st.booleans()) else {}
    attempts = draw(st.integers(1, 3))
    if attempts > 1:
        spec["attempts"] = attempts
        backoff = {"initial": "200ms", "coefficient": 2, "maximum": "700ms", "jitter": _one(draw, JITTERS)}
        spec |= {"backoff": backoff} if draw(st.booleans()) else {}
    return spec


class _Worker:
    """The cell that is being written: its machine gets one thing to do after the other."""

    def __init__(self, draw: Any, size: int, count: int, bills: list[str]) -> None:
        self.draw = draw
        self.bills = bills
        self.members = count
        self.states: Spec = {}
        self.work: Spec = {}
        self.names = [f"do{place}" for place in range(size)]
        self.things = [self._rest, self._job, self._trip, self._say, *(self._borrow, self._ask) * 2]
        """What happens seldom stands here twice: it needs several workers at once."""

    def next(self) -> str:
        """Where it goes from here."""
        return f"work/{_one(self.draw, self.names)}"

    def price(self) -> Spec:
        """What a transition costs: nothing, something, or something from several purses."""
        found: Spec = {"cost": _one(self.draw, AMOUNTS)} if self.draw(st.integers(0, 2)) == 0 else {}
        if self.bills and self.draw(st.integers(0, 2)) == 0:
            found["costs"] = {name: _one(self.draw, AMOUNTS) for name in self.bills}
        return found

    def flows(self) -> Spec:
        """What a state brings and takes."""
        keys = [key for key in ("income", "upkeep") if self.draw(st.integers(0, 2)) == 0]
        return {key: _one(self.draw, RATES) for key in keys}

    def add(self, name: str) -> None:
        """One more thing to do; each is left at the latest by a timer without a price."""
        make = _one(self.draw, self.things)
        state = make(name)
        state |= self.flows()
        kept = [one for one in ("low", "poke") if self.draw(st.integers(0, 4)) == 0]
        if kept:
            state["defer"] = kept
        onward = self.names[(self.names.index(name) + 1) % len(self.names)]
        last = {"after": "3s", "to": f"work/{onward}", "jitter": _one(self.draw, JITTERS)}
        state.setdefault("timers", []).append(last)
        self.states[name] = state

    def _rest(self, name: str) -> Spec:
        timer = {"after": _one(self.draw, STAYS), "jitter": _one(self.draw, JITTERS), "to": self.next()}
        return {"timers": [timer | self.price()]}

    def _job(self, name: str) -> Spec:
        model = {"latency": _latency(self.draw), "failure": _one(self.draw, ["0%", "50%"])}
        job = {"virtual": model, "done": f"{name}-done", "failed": f"{name}-failed"}
        self.work[name] = job | _tried(self.draw)
        done = {"event": f"{name}-done", "to": self.next()} | self.price()
        return {
            "enter": [{"work": name}],
            "transitions": [done, {"event": f"{name}-failed", "to": PAUSE}],
        }

    def _trip(self, name: str) -> Spec:
        state = self._job(name)
        self.work[name] |= {
            "reserve": _one(self.draw, AMOUNTS),
            "returns": {"used": "lifeforce"},
            "cost": "${event.used}",
        }
        self.work[name]["virtual"]["returns"] = {"used": {"uniform": [0, 2.7]}}
        return state

    def _borrow(self, name: str) -> Spec:
        priority = "${mod(done, 2)}" if self.draw(st.booleans()) else self.draw(st.integers(0, 2))
        acquire = {"resource": "desks", "units": _one(self.draw, [1, 2, 2]), "priority": priority}
        self.work[name] = {
            "acquire": acquire,
            "timeout": _one(self.draw, STAYS),
            "done": f"{name}-got",
            "failed": f"{name}-failed",
        }
        having = {"timers": [{"after": _one(self.draw, STAYS), "to": self.next()} | self.price()]}
        return {
            "enter": [{"work": name}],
            "initial": f"{name}-wait",
            "states": {
                f"{name}-wait": {
                    "transitions": [
                        {"event": f"{name}-got", "to": f"{name}-have"},
                        {"event": f"{name}-failed", "to": PAUSE},
                    ]
                },
                f"{name}-have": having | self.flows(),
            },
        }

    def _ask(self, name: str) -> Spec:
        to = "hub" if self.members < 2 or self.draw(st.booleans()) else "hub-${mod(done, 2)}"
        ask = {"to": "hub-0" if to == "hub" else to, "event": "next"}
        spec = {"timeout": "1s", "done": f"{name}-done", "failed": f"{name}-failed"}
        self.work[name] = {"ask": ask} | spec | _tried(self.draw)
        taken = [{"set": {"tickets": "${tickets + [event.ticket]}"}}]
        return {
            "enter": [{"work": name}],
            "transitions": [
                {"event": f"{name}-done", "to": self.next(), "do": taken},
                {"event": f"{name}-failed", "to": PAUSE},
            ],
        }

    def _say(self, name: str) -> Spec:
        to = _one(self.draw, ["w-*", f"w-${{mod(done, {self.members})}}"])
        timer = {
            "after": _one(self.draw, STAYS),
            "to": self.next(),
            "do": [{"send": {"to": to, "event": "poke"}}],
        }
        return {"timers": [timer | self.price()]}

    def spec(self) -> Spec:
        """The whole cell."""
        for name in self.names:
            self.add(name)
        pause = {"after": _one(self.draw, STAYS), "jitter": "10%", "to": self.next()}
        self.states["pause"] = {"timers": [pause]}
        counted = [{"set": {"done": "${done + 1}"}}]
        for state in self.states.values():
            state["enter"] = [*counted, *state.get("enter", ())]
        stop_to = "work" if self.draw(st.booleans()) else self.next()
        back = {"history": True} if stop_to == "work" else {}
        heard = {"event": "low", "internal": True, "do": [{"set": {"lows": "${lows + 1}"}}]}
        if self.draw(st.booleans()):
            heard = {"event": "low", "to": self.next(), "do": [{"set": {"lows": "${lows + 1}"}}]}
        machine = {
            "initial": "begin",
            "any": [
                {"event": "refused", "internal": True, "do": [{"set": {"refusals": "${refusals + 1}"}}]},
                {"event": "low.over", "internal": True, "do": [{"set": {"lows": "${lows + 100}"}}]},
            ],
            "states": {
                "begin": {
                    "transitions": [{"event": "stop", "to": "stopped"}],
                    "timers": [{"after": "20ms", "to": "work"}],
                },
                "work": {
                    "initial": self.names[0],
                    "transitions": [
                        {"event": "stop", "to": "stopped"},
                        {"event": "poke", "internal": True, "do": [{"set": {"poked": "${poked + 1}"}}]},
                        heard,
                    ],
                    "states": self.states,
                },
                "stopped": {
                    "defer": ["low", "poke"],
                    "transitions": [{"event": "clear", "to": stop_to} | back],
                    "timers": [{"after": "4s", "to": PAUSE}],
                },
            },
        }
        data = {"done": "int", "lows": "int", "poked": "int", "refusals": "int", "tickets": "list<int>"}
        accepts: Spec = {"stop": {}, "clear": {}, "poke": {}}
        return {"data": data, "accepts": accepts, "machine": machine, "work": self.work}


def _hub(draw: Any) -> Spec:
    """Answers one ask at a time; is closed now and then, and thinks about some of them."""
    given = [{"set": {"given": "${given + 1}"}}, {"reply": {"ticket": "${given}"}}]
    closed: Spec = {"timers": [{"after": _one(draw, STAYS), "to": "open"}]}
    if draw(st.booleans()):
        closed["defer"] = ["next"]
    price = {"cost": 0.1} if draw(st.booleans()) else {}
    back = {"event": "next.unclaimed", "internal": True, "do": [{"set": {"back": "${back + 1}"}}]}
    thinking = {"after": _one(draw, STAYS), "jitter": _one(draw, JITTERS), "to": "open", "do": given}
    return {
        "data": {"given": "int", "back": "int"},
        "accepts": {"next": {}},
        "replies": {"next": {"ticket": "int"}},
        "machine": {
            "initial": "open",
            "any": [back],
            "states": {
                "open": {
                    "transitions": [
                        {"event": "next", "if": "mod(given, 3) == 2", "to": "thinking"},
                        {"event": "next", "internal": True, "do": given} | price,
                    ],
                    "timers": [{"after": _one(draw, STAYS), "jitter": _one(draw, JITTERS), "to": "closed"}],
                },
                "thinking": {"timers": [thinking]},
                "closed": closed,
            },
        },
    }


def _economy(draw: Any, **more: Any) -> Spec:
    opening = _one(draw, [0, 2, 6, 30])
    spec: Spec = {"opening": opening} | more
    if draw(st.booleans()):
        spec["capacity"] = opening + _one(draw, [1, 3, 20])
    if draw(st.booleans()):
        spec["incomes"] = {"sun": _one(draw, RATES)}
    if draw(st.booleans()):
        spec["upkeep"] = {"heart": _one(draw, RATES)}
    return spec


def _marked(draw: Any, spec: Spec) -> Spec:
    most = spec.get("capacity", 40)
    below = _one(draw, [0.5, 1, most / 2])
    spec["marks"] = {"low": {"below": below, "until": min(most, below + _one(draw, [0, 1, 5]))}}
    return spec


def _garden(draw: Any) -> Spec:
    bus: Spec = {"latency": _latency(draw)}
    for key in ("loss", "duplicate"):
        bus[key] = _one(draw, ["0%", "30%"])
    return {"bus": bus}


@st.composite
def places(draw: Any) -> World:
    """One to three workers and two desks for half a minute."""
    count = _one(draw, [1, 2, 3, 3])
    members = list(range(count))
    own = draw(st.booleans())
    bills = ["calls"] if draw(st.booleans()) else []
    documents = [document("Economy", "common", _marked(draw, _economy(draw)))]
    purse = "common"
    if own:
        purse = "purse-${k}"
        documents.append(
            document("Economy", purse, {"for": {"k": members}} | _marked(draw, _economy(draw)))
        )
    if bills:
        documents.append(document("Economy", "calls", _economy(draw)))
    documents.append(document("Resource", "desks", {"capacity": 2, "queue": _one(draw, [0, 0, 1, 2])}))
    worker = _Worker(draw, draw(st.integers(2, 4)), count, bills).spec()
    documents.append(document("Cell", "w-${k}", {"for": {"k": members}, "economy": purse} | worker))
    documents.append(document("Cell", "hub-${h}", {"for": {"h": [0, 1]}} | _hub(draw)))
    documents.append(document("Garden", "garden", _garden(draw)))
    stimuli: list[Spec] = [
        {"poisson": {"mean": "5s"}, "to": "w-*", "event": "stop"},
        {"poisson": {"mean": "4s"}, "to": "w-*", "event": "clear"},
        {"poisson": {"mean": "3s"}, "to": "w-0", "event": "poke"},
    ]
    scenario: Spec = {"economy": "common", "garden": "garden", "horizon": HORIZON}
    scenario |= {"cells": ["w-*", "hub-*"], "stimuli": stimuli}
    documents.append(document("Scenario", "world", scenario))
    return World(tuple(documents), draw(st.integers(0, 2**31)))


def lived(world: World, checks: Checks | None = None) -> RunResult:
    """A run in the virtual garden, with its journal."""
    options = Options(checks=checks or Checks())
    return run(world.program(), "world", seed=world.seed, options=options, journal=MemoryJournal())


def check(world: World) -> RunResult:
    """Every law, by the journal and by the run."""
    result = lived(world)
    recording = recording_of(result)
    assert list(garden_laws(recording)) == []
    assert list(ledger_laws(result)) == []
    assert replay(recording).differences == ()
    found = parity(recording)
    assert found.holds, [str(one) for one in (*found.differences, *found.losses)]
    return result


def happened(result: RunResult) -> set[str]:
    """Which of the things that such places are about occurred."""
    found = {type(record.body).__name__ for host in result.run.hosts.values() for record in host.records}
    found |= {f"{one.kind} {one.cause}" for one in result.run.purses.entries}
    for shelf in result.run.books.lender.shelves.values():
        counts = {"granted": shelf.granted, "withdrawn": shelf.withdrawn, "full": shelf.refused}
        found |= {name for name, count in counts.items() if count}
    return found
