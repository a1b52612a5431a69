"""Runs without a protocol, and why each is over: the same in every garden (SEMANTICS 8.7)."""

# ruff: noqa: E501 -- documents stand on one line here

from __future__ import annotations

from dataclasses import dataclass

from tests.support.texts import HELLO

HORIZON_S = 10
WORKS = {
    "job": "{virtual: {latency: {constant: 1h}}}",
    "desk": "{acquire: {resource: desks}, timeout: 1h}",
}
DESKS = """apiVersion: nimdsl.dev/v1
kind: Resource
metadata: {name: desks}
spec: {capacity: 1}
---"""


@dataclass(frozen=True)
class End:
    """A cell ``c`` that lives on ``tank`` for at most ten seconds, and why its run is over."""

    stopped: str
    machine: str
    tank: str = "{opening: 10, upkeep: {rent: 0.1}}"
    stimuli: str = "[{at: 1s, to: c, event: go}]"
    at_s: float = HORIZON_S
    """When it is over, as far as latencies do not matter."""

    @property
    def text(self) -> str:
        """The documents."""
        works = [f"    {name}: {work}" for name, work in WORKS.items() if f"work: {name}" in self.machine]
        work = "\n".join(["  work:", *works]) if works else ""
        accepts = "  accepts: {go: {}}" if "event: go" in self.machine else ""
        return f"""
apiVersion: nimdsl.dev/v1
kind: Economy
metadata: {{name: tank}}
spec: {self.tank}
---
{DESKS if "desk" in self.machine else ""}
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {{name: c}}
spec:
{accepts}
  data: {{heard: int}}
  machine: {{initial: a, states: {{{self.machine}}}}}
{work}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {{name: s}}
spec: {{economy: tank, horizon: {HORIZON_S}s, stimuli: {self.stimuli}}}
"""


WORKING = "b: {enter: [{work: job}], transitions: [{event: done, to: d}, {event: failed, to: d}], timers: [TIMER]}, d: {final: true}"
LENT = "b: {enter: [{work: desk}], transitions: [{event: done, internal: true}, {event: failed, to: a}, {event: go, to: a}]}"
DRAINED = "a: {transitions: [{event: go, to: b}]}, b: {upkeep: 1, transitions: [{event: go, to: a}], timers: [TIMER]}"
HEARD = "a: {transitions: [{event: low, to: b}]}, b: {final: true}"
RENT = "{opening: 10, upkeep: {rent: 1}, marks: {low: {below: BELOW}}}"
ENDS: dict[str, End] = {
    "a timer is armed beyond the horizon": End(
        "horizon", "a: {transitions: [{event: go, to: b}]}, b: {timers: [{after: 1h, to: a}]}"
    ),
    "a timer beyond the horizon was disarmed": End(
        "quiet",
        "a: {transitions: [{event: go, to: b}], timers: [{after: 1h, to: b}]}, b: {final: true}",
        at_s=1,
    ),
    "work is under way at the horizon": End(
        "horizon",
        f"a: {{transitions: [{{event: go, to: b}}]}}, {WORKING}".replace(
            "TIMER", "{after: 2s, if: heard > 0, to: d}"
        ),
    ),
    "work was abandoned": End(
        "quiet",
        f"a: {{transitions: [{{event: go, to: b}}]}}, {WORKING}".replace("TIMER", "{after: 2s, to: d}"),
        at_s=3,
    ),
    "a stimulus comes after the horizon": End(
        "horizon",
        "a: {transitions: [{event: go, internal: true}]}",
        stimuli="[{at: 1s, every: 1h, times: 2, to: c, event: go}]",
    ),
    "the last event is shortly before the horizon": End(
        "quiet",
        "a: {transitions: [{event: go, to: b}]}, b: {final: true}",
        stimuli="[{at: 9s, to: c, event: go}]",
        at_s=9,
    ),
    "units are lent": End("quiet", f"a: {{transitions: [{{event: go, to: b}}]}}, {LENT}", at_s=1),
    "an economy's own upkeep is nothing that happens": End(
        "quiet",
        "a: {transitions: [{event: go, to: b}]}, b: {final: true}",
        tank="{opening: 10, upkeep: {rent: 1}}",
        at_s=1,
    ),
    "a state drains the pool": End("horizon", DRAINED.replace("TIMER", ""), tank="{opening: 3}"),
    "a state fills the pool": End("horizon", DRAINED.replace("TIMER", "").replace("upkeep", "income")),
    "a state that drained the pool was left": End(
        "quiet", DRAINED.replace("TIMER", "{after: 2s, to: a}"), at_s=3
    ),
    "a mark that somebody hears is due": End(
        "quiet", HEARD, tank=RENT.replace("BELOW", "5"), stimuli="[]", at_s=5
    ),
    "a mark is due shortly before the horizon": End(
        "quiet", HEARD, tank=RENT.replace("BELOW", "0.1"), stimuli="[]", at_s=9.9
    ),
    "a mark that somebody hears is due after the horizon": End(
        "horizon", HEARD, tank=RENT.replace("BELOW", "5").replace("rent: 1", "rent: 0.4"), stimuli="[]"
    ),
    "a mark is due that nobody hears": End(
        "quiet",
        "a: {transitions: [{event: go, to: b}]}, b: {final: true}",
        tank=RENT.replace("BELOW", "5"),
        at_s=1,
    ),
}

OUTLIVED = (
    HELLO.replace(
        "spec: {protocol: hello, expect: [completed, lifeforce.final == 12.4LF]}",
        "spec: {protocol: hello, ends: horizon, horizon: 20s, "
        "expect: [completed, lifeforce.final == 12.4LF, cells.clock.data.ticks == 6]}",
    )
    + """
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: clock}
spec:
  data: {ticks: int}
  machine: {initial: runs, states: {runs: {timers: [{after: 3s, to: runs, do: [{set: {ticks: "${ticks + 1}"}}]}]}}}
"""
)
"""A protocol that ends in the first second, and a clock that goes on."""
