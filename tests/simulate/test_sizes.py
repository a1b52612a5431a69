"""Sizes through a whole run: parameters, data, payloads, guards, work, expectations, results."""

from __future__ import annotations

import json
from pathlib import Path

import nimdsl
import simulate

TEXT = """
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: host}
spec:
  parameters: {most: 24GiB}
  data: {used: bytes, free: bytes, said: string, parts: "list<bytes>"}
  initial: {used: 512MiB}
  accepts: {load: {size: bytes}}
  machine:
    initial: up
    states:
      up:
        transitions:
          - event: load
            if: used + event.size <= most
            to: busy
            do:
              - set:
                  used: "${used + event.size}"
                  parts: "${parts + [event.size, 1kB]}"
          - {event: load, internal: true}
          - {event: measured, internal: true}
      busy:
        enter: [{work: measure}]
        transitions:
          - event: measured
            to: up
            do: [{set: {free: "${event.free}", said: "used ${used} of ${most}"}}]
          - {event: failed, to: up}
          - {event: load, internal: true}
  work:
    measure:
      args: {used: "${used}"}
      returns: {free: bytes}
      done: measured
      virtual:
        latency: {constant: "${1s * (args.used / 1GiB)}"}
        returns: {free: {uniform: ["${24GiB - args.used}", "${24GiB - args.used}"]}}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: day}
spec:
  horizon: 1h
  stimuli:
    - {at: 1s, to: host, event: load, payload: {size: 20GiB}}
    - {at: 1min, to: host, event: load, payload: {size: 20GiB}}
  expect:
    - cells.host.data.used == 20.5GiB
    - cells.host.data.free == 24GiB - 20.5GiB
    - cells.host.data.said == "used 20.5GiB of 24GiB"
    - cells.host.data.parts[1] == 1000B
    - cells.host.data.used * 50% == 10.25GiB
"""


def test_sizes_are_whole_bytes_wherever_they_go() -> None:
    result = simulate.run(nimdsl.load_text(TEXT), "day")
    assert result.ok, result.expectations
    data = result.outcome["cells"]["host"]["data"]
    assert data["used"] == 20 * 2**30 + 512 * 2**20
    assert type(data["free"]) is int


def test_machines_read_bytes_and_people_a_unit(tmp_path: Path) -> None:
    path = tmp_path / "host.yaml"
    path.write_text(TEXT, encoding="utf-8")
    result = simulate.run(path, "day")
    plain = json.loads(json.dumps(result.summary))
    assert plain["cells"]["host"]["data"]["used"] == 20 * 2**30 + 512 * 2**20
    assert "used=20.5 GiB" in result.report()
