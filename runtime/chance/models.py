"""Work and bus models: what becomes of work and messages, drawn from the documents' ``virtual:``.

Every draw is keyed by (seed, replication, actor, purpose) and belongs to an
effect number, so that adding an actor changes no other actor's draws.
Purposes carry the actor's incarnation: work that a crash interrupted is drawn
anew when it starts again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from nimdsl.base import canonical
from nimdsl.base.diagnostics import error
from nimdsl.base.errors import InternalError, SpecError
from nimdsl.base.units import MICRO
from nimdsl.base.values import Fields, Value
from nimdsl.compile.garden import PERFECT_BUS
from nimdsl.compile.work import PERFECT
from nimdsl.expression.evaluate import Environment, Fault
from nimdsl.expression.types import INT, REAL
from nimdsl.program import BusModel, Distribution, Garden, Work, WorkModel
from runtime.chance.distributions import (
    Beta,
    Choice,
    Constant,
    Exponential,
    LogNormal,
    Normal,
    Sampler,
    Uniform,
    to_int64,
)
from runtime.chance.draws import Key, key_of, source_of, uniform

_MAKERS: Mapping[str, Callable[..., Sampler]] = {
    "constant": Constant,
    "uniform": Uniform,
    "exponential": Exponential,
    "normal": Normal,
    "lognormal": LogNormal,
    "beta": Beta,
    "choice": Choice,
}
_INSTANT = WorkModel(latency=PERFECT)


@lru_cache(maxsize=4_096)
def _made(kind: str, parameters: bytes) -> Sampler:
    return _MAKERS[kind](*canonical.decode(parameters))


@dataclass(frozen=True, slots=True)
class WorkOutcome:
    """How work ends: when (ns from its start), how, with what; ``down_ns`` above zero is a crash."""

    latency_ns: int
    outcome: str
    values: Fields
    reason: str = ""
    down_ns: int = 0


class Draws:
    """All draws of one run."""

    def __init__(self, seed: int, replication: int = 0) -> None:
        self.seed = seed
        self.replication = replication

    def chance(self, share: int, actor: str, purpose: str, number: int) -> bool:
        """True with a probability of ``share`` millionths."""
        if share <= 0:
            return False
        return uniform(key_of(self.seed, self.replication, actor, purpose), number) * MICRO < share

    def value(
        self,
        declared: Distribution,
        actor: str,
        purpose: str,
        number: int,
        environment: Environment = MappingProxyType({}),
    ) -> Value:
        """A value of a declared distribution, in the unit of its type.

        Raises Fault where parameters that ``environment`` decides have no value, or describe no
        distribution.
        """
        known = declared.given(environment)
        try:
            return _drawn(known, key_of(self.seed, self.replication, actor, purpose), number)
        except (ValueError, ArithmeticError, InternalError) as problem:
            text = f"`{declared.kind}` of {actor} ({purpose.split('/')[-1]}): {problem}"
            if declared.is_computed:
                raise Fault(text) from None
            raise SpecError((error("NIM0210", text),)) from None

    def duration(
        self,
        declared: Distribution,
        actor: str,
        purpose: str,
        number: int,
        environment: Environment = MappingProxyType({}),
    ) -> int:
        """Nanoseconds, never negative.  Raises Fault as :meth:`value` does."""
        value = self.value(declared, actor, purpose, number, environment)
        return max(0, int(value)) if isinstance(value, int | float) else 0

    def due_ns(self, actor: str, generation: int, deadline_ns: int, jitter_ns: int) -> int:
        """When a timer is due: its deadline, less a share of its jitter.

        The share belongs to the actor and the generation: every life of the actor draws the same, and so
        does whoever checks its journal.
        """
        if not jitter_ns:
            return deadline_ns
        share = uniform(key_of(self.seed, self.replication, actor, "timer"), generation)
        return deadline_ns - math.floor(share * jitter_ns)


def _drawn(declared: Distribution, key: Key, number: int) -> Value:
    parameters = declared.parameters
    if declared.kind == "constant":
        return parameters[0]  # type: ignore[no-any-return]
    if declared.kind == "uniform" and declared.type == INT:
        low, high = (int(bound) for bound in parameters)
        if low > high:
            raise ValueError(f"no distribution: from {low} to {high}")
        return low + math.floor(uniform(key, number) * (high - low + 1))
    maker = _made(declared.kind, canonical.encode([*parameters]))
    value: Value = maker.draw(source_of(key, number))
    if isinstance(value, float) and declared.type != REAL and declared.type.name != "any":
        return to_int64(value)
    return value


class WorkModels:
    """What becomes of work."""

    def __init__(self, draws: Draws, garden: Garden) -> None:
        self._draws = draws
        self._inventory = garden.inventory

    def values(self, actor: str, work: Work, number: int, arguments: Fields) -> dict[str, Value]:
        """What the model says that the work returns, without a thought of time or failure.

        Raises Fault when a parameter of the model has no value, or none that can be drawn from.
        """
        return self._values(work.virtual or _INSTANT, actor, f"work/{work.name}/0", number, arguments)

    def outcome(
        self, actor: str, work: Work, number: int, arguments: Fields, incarnation: int
    ) -> WorkOutcome:
        """How the work with this effect number ends in this incarnation of its actor."""
        model = work.virtual or _INSTANT
        purpose = f"work/{work.name}/{incarnation}"
        draws, given = self._draws, self._given(arguments)
        try:
            latency_ns = draws.duration(model.latency, actor, f"{purpose}/latency", number, given)
            failure = model.failure
            failure = failure if isinstance(failure, int) else failure.evaluate(given)
        except Fault as fault:
            return WorkOutcome(0, "failed", {}, f"the model faults: {fault}")
        if draws.chance(model.crash, actor, f"{purpose}/crash", number):
            return WorkOutcome(latency_ns // 2, "crash", {}, down_ns=model.down_ns)
        for outcome, share in (("failed", failure), ("nack", model.nack), ("retry", model.retry)):
            if draws.chance(share, actor, f"{purpose}/{outcome}", number):
                return WorkOutcome(latency_ns, outcome, {}, _REASONS[outcome])
        try:
            values = self._values(model, actor, purpose, number, arguments)
        except Fault as fault:
            return WorkOutcome(latency_ns, "failed", {}, f"the model faults: {fault}")
        return WorkOutcome(latency_ns, "done", values)

    def _values(
        self, model: WorkModel, actor: str, purpose: str, number: int, arguments: Fields
    ) -> dict[str, Value]:
        given = self._given(arguments)
        return {
            name: self._draws.value(declared, actor, f"{purpose}/returns/{name}", number, given)
            for name, declared in model.returns.items()
        }

    def _given(self, arguments: Fields) -> Environment:
        return {"$arguments": arguments, "$inventory": self._inventory}


_REASONS = {
    "failed": "the work failed",
    "nack": "the cell declined",
    "retry": "the cell asked to try again",
}


class BusFaultModel:
    """When copies of a message arrive; order per (sender, receiver) holds unless reordering breaks it.

    The copy of what was published for a ``subscriber`` has draws of its own, under
    ``bus/<fault>/<subscriber>``; its order is that of (sender, subscriber).
    """

    def __init__(self, draws: Draws, model: BusModel = PERFECT_BUS) -> None:
        self._draws = draws
        self.model = model
        self._last_ns: dict[tuple[str, str], int] = {}

    def arrivals(
        self, sender: str, receiver: str, number: int, now_ns: int, subscriber: str = ""
    ) -> tuple[tuple[int, ...], str]:
        """The times at which copies of a message arrive, and what on_incident it (empty: nothing)."""
        draws, model, whose = self._draws, self.model, f"/{subscriber}" if subscriber else ""
        if draws.chance(model.loss, sender, f"bus/loss{whose}", number):
            return (), "lost"
        first, fate = self._arrival(sender, whose or receiver, number, now_ns, whose)
        if not draws.chance(model.duplicate, sender, f"bus/duplicate{whose}", number):
            return (first,), fate
        again = first + draws.duration(model.latency, sender, f"bus/duplicate/latency{whose}", number)
        return (first, again), "duplicated"

    def _arrival(self, sender: str, receiver: str, number: int, now_ns: int, whose: str) -> tuple[int, str]:
        draws, model = self._draws, self.model
        at_ns = now_ns + draws.duration(model.latency, sender, f"bus/latency{whose}", number)
        if draws.chance(model.reorder, sender, f"bus/reorder{whose}", number):
            return at_ns + draws.duration(
                model.reorder_by, sender, f"bus/reorder/by{whose}", number
            ), "held back"
        fate = ""
        if draws.chance(model.delay, sender, f"bus/delay{whose}", number):
            at_ns += draws.duration(model.delay_by, sender, f"bus/delay/by{whose}", number)
            fate = "delayed"
        pair = (sender, receiver)
        self._last_ns[pair] = max(at_ns, self._last_ns.get(pair, 0))
        return self._last_ns[pair], fate
