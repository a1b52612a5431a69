"""Cells that come into the world after each other, and tell each other of it."""

BORN = """\
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: early}
spec:
  machine:
    initial: calls
    states:
      calls:
        enter: [{send: {to: late, event: called, payload: {number: 1}}}]
        timers: [{after: 1s, to: calls_again}]
      calls_again:
        final: true
        enter: [{send: {to: late, event: called, payload: {number: 2}}}]
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: late}
spec:
  accepts: {called: {number: int}}
  data: {heard: list<int>, since: duration}
  machine:
    initial: there
    any: [{event: called, internal: true, do: [{set: {heard: "${heard + [event.number]}"}}]}]
    states:
      there: {enter: [{set: {since: "${now}"}}], timers: [{after: 2s, to: grown}]}
      grown: {final: true}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: s}
spec:
  horizon: 20s
  cells: [early, late]
  starts: {cell/late: 4s}
"""
