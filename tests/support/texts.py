"""Small documents that several tests start from."""

from __future__ import annotations

from pathlib import Path

HELLO = Path(__file__).with_name("hello.yaml").read_text(encoding="utf-8")
"""A protocol of two handshakes with one cell; every run of it without faults earns 4 LF for 1.6 LF."""


def cell(machine: str, rest: str = "", economy: str = "{opening: 10}", scenario: str = "") -> str:
    """A program of one cell ``c`` with the given machine (flow YAML), an economy and a scenario."""
    return f"""
apiVersion: nimdsl.dev/v1
kind: Economy
metadata: {{name: purse}}
spec: {economy}
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {{name: c}}
spec:
  machine: {machine}
{rest}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {{name: s}}
spec:
  horizon: 60s
{scenario}
"""


def document(kind: str, name: str, spec: str) -> str:
    """A document with the given ``spec`` (flow YAML)."""
    return f"apiVersion: nimdsl.dev/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {spec}"
