"""Cells that ask organs, and a garden with a card of 20 GB for their models."""

# ruff: noqa: E501 -- documents stand on one line here

from __future__ import annotations

import nimdsl
from nimdsl.program import Program

ORGAN = """\
apiVersion: nimdsl.dev/v1
kind: Organ
metadata: {name: NAME}
spec:
  model: {memory: SIZE}
  returns: {answer: int}
  load: {LOAD virtual: {latency: {constant: 10s}, FAILURE}}
  serve: {virtual: {latency: {constant: 2s}, returns: {answer: {constant: "${args.task == 'add' ? 42 : 7}"}}}}
  HOLD
  cost: {load: 1, request: {deliberate: 2.5, hybrid: 1.5}, warm: 3.6/h}
---
"""
CELL = """\
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: NAME}
spec:
  data: {answer: int, why: string}
  machine:
    initial: idle
    states:
      idle: {timers: [{after: AFTER, to: thinking}]}
      thinking:
        enter: [{work: consider}]
        transitions: [{event: done, to: over, do: [{set: {answer: "${event.answer}"}}]}, {event: failed, to: over, do: [{set: {why: "${event.reason}"}}]}]
        timers: [LEAVES]
      over: {final: true}
  work: {consider: {organ: {name: ORGAN, task: add, payload: {cm: 3}, PRIORITY}, timeout: TIMEOUT, attempts: ATTEMPTS}}
---
"""
REST = """\
apiVersion: nimdsl.dev/v1
kind: Economy
metadata: {name: body}
spec: {opening: OPENING}
---
apiVersion: nimdsl.dev/v1
kind: Garden
metadata: {name: home}
spec: {BUS hosts: {desk: {cards: {left: {memory: 20GB}}, unload: 3s}}}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: s}
spec: {horizon: 10min, expect: [organs.vision.served >= 0]}
"""


def organ(
    name: str = "vision", size: str = "14GB", load: str = "", failure: str = "0%", hold: str = ""
) -> str:
    filled = ORGAN.replace("NAME", name).replace("SIZE", size).replace("LOAD", load)
    return filled.replace("FAILURE", f"failure: {failure}").replace("HOLD", hold)


def cell(
    name: str,
    after: str = "1s",
    asks: str = "vision",
    timeout: str = "60s",
    priority: int = 0,
    leaves: str = "",
    attempts: int = 1,
) -> str:
    text = CELL.replace("NAME", name, 1).replace("AFTER", after).replace("ORGAN", asks)
    text = text.replace("TIMEOUT", timeout).replace("PRIORITY", f"priority: {priority}")
    way = f"{{after: {leaves}, to: over}}" if leaves else ""
    return text.replace("LEAVES", way).replace("ATTEMPTS", str(attempts))


def world(*documents: str, opening: int = 300, bus: str = "") -> Program:
    """These documents in a garden with one card."""
    rest = REST.replace("OPENING", str(opening)).replace("BUS", bus)
    return nimdsl.load_text("".join(documents) + rest)
