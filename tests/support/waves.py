"""Cells that emit and cells that hear: what they hear is said here, as no document can say it yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import nimdsl
from nimdsl.program import Program

_EMITTER = """
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: %s}
spec:
  domain: %s
  accepts: {wave: {confidence: real}}
  data: {ticks: int, last: real}
  machine:
    initial: waiting
    states:
      waiting:
        transitions: [{event: wave, internal: true, do: [{set: {last: "${0.5}"}}]}]
        timers:
          - after: 1s
            if: ticks < 10
            to: waiting
            do:
              - set: {ticks: "${ticks + 1}"}
              - emit: {confidence: 0.5, content: {ticks: "${ticks}"}}
          - {after: 2s, to: silent}
      silent: {final: true}
---"""
_HEARER = """
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: %s}
spec:
  accepts: {wave: {domain: string, confidence: real}}
  data: {last: real}
  machine:
    initial: waiting
    states:
      waiting:
        transitions: [{event: wave, to: waiting, do: [{set: {last: "${0.5}"}}]}]
---"""
_SCENARIO = """
apiVersion: nimdsl.dev/v1
kind: Garden
metadata: {name: g}
spec: {bus: %s}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: s}
spec: {horizon: 60s, garden: g}
"""
EMITTERS = {"bell": "sound.near", "clock": "time"}
HEARERS: Mapping[str, tuple[str, ...]] = {
    "all": ("wave/*",),
    "ear": ("wave/sound.*", "wave/*"),
    "watch": ("wave/time",),
}


def waves(hears: Mapping[str, tuple[str, ...]] = HEARERS, bus: str = "{}") -> Program:
    """Two cells emit ten times, once a second, at the same instants; those named in ``hears`` hear some."""
    text = "".join(_EMITTER % one for one in EMITTERS.items()) + "".join(_HEARER % one for one in HEARERS)
    program = nimdsl.load_text(text + _SCENARIO % bus)
    cells = {name: replace(cell, hears=hears.get(name, ())) for name, cell in program.cells.items()}
    return program.with_parts("Cell", cells)
