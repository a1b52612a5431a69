"""Handshakes with a cell of a real garden, journal on, beside bare NATS request and reply.

The asker is the same for both, nats-py's ``request`` in this process; the server too.  What
differs is who answers: a cell in a process of a garden, which decodes, journals, steps, waits for the
acknowledgement and replies; or a callback in a bare process that sends back what it got.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nats
from nats.aio.client import Client

from gardens.real.nats.subjects import Subjects
from gardens.real.supervisor.state import StateFolder
from nimdsl.base import canonical
from nimdsl.compile.garden import LOCAL_GARDEN

ROUNDS = 7
COUNTS = {1: 500, 64: 6_400}
"""How many handshakes a round has, by how many are in flight."""

ECHO = """\
apiVersion: nimdsl.dev/v1
kind: Economy
metadata: {name: purse}
spec: {opening: 100000, prices: {process: 0.5}}
---
apiVersion: nimdsl.dev/v1
kind: Schema
metadata: {name: ping.v1}
spec:
  role: request
  type: PING
  payload:
    type: object
    additionalProperties: false
    required: [text]
    properties: {text: {type: string, maxLength: 200}}
---
apiVersion: nimdsl.dev/v1
kind: Schema
metadata: {name: pong.v1}
spec:
  role: reply
  type: PONG
  payload:
    type: object
    additionalProperties: false
    required: [text]
    properties: {text: {type: string, maxLength: 200}}
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: echo}
spec:
  answers:
    echo: {request: ping.v1, reply: pong.v1, payload: {text: "${request.payload.text}"}}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: bench}
spec: {horizon: 1h}
"""
QUESTION = canonical.encode({"$schema": "ping.v1", "type": "PING", "payload": {"text": "x" * 100}})
BARE_SUBJECT = "bench.bare"
BARE = f"""
import asyncio, sys, nats
async def main():
    client = await nats.connect(sys.argv[1])
    async def answer(message):
        await message.respond(message.data)
    await client.subscribe({BARE_SUBJECT!r}, cb=answer)
    await client.flush()
    print("ready", flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


async def measured(client: Client, subject: str, in_flight: int) -> tuple[float, list[float]]:
    """Handshakes a second, and how long each took, in seconds."""
    took: list[float] = []

    async def ask() -> None:
        for _ in range(COUNTS[in_flight] // in_flight):
            begun = time.perf_counter()
            answer = await client.request(subject, QUESTION, timeout=10)
            took.append(time.perf_counter() - begun)
            assert b'"text"' in answer.data

    begun = time.perf_counter()
    await asyncio.gather(*(ask() for _ in range(in_flight)))
    return len(took) / (time.perf_counter() - begun), took


def _shown(rates: list[float], took: list[float]) -> str:
    cuts = statistics.quantiles(took, n=100)
    rate = statistics.median(rates)
    return f"{rate:>8,.0f}/s, p50 {cuts[49] * 1e3:>6.2f} ms, p99 {cuts[98] * 1e3:>6.2f} ms"


async def compare(url: str, subjects: dict[str, str]) -> None:
    """Prints both sides, one and sixty-four in flight, rounds interleaved."""
    client = await nats.connect(url)
    for in_flight in COUNTS:
        rates: dict[str, list[float]] = {name: [] for name in subjects}
        took: dict[str, list[float]] = {name: [] for name in subjects}
        for round_ in range(ROUNDS + 1):
            for name, subject in subjects.items():
                rate, times = await measured(client, subject, in_flight)
                if round_:  # the first one warms up
                    rates[name].append(rate)
                    took[name] += times
        share = statistics.median(rates["cell"]) / statistics.median(rates["bare"])
        print(f"handshakes, {in_flight:>2} in flight, journal on {_shown(rates['cell'], took['cell'])}")
        print(f"{'':<27} bare nats-py {_shown(rates['bare'], took['bare'])}; share {share:.2f}")
    await client.close()


def bench_handshakes() -> None:
    """A garden that is up, with its server; a bare responder on the same server."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "echo.yaml").write_text(ECHO, encoding="utf-8")
        _nimdsl(folder, "up", "--detach", "--specs", "echo.yaml", "--scenario", "bench")
        try:
            manifest = StateFolder(folder / ".nimdsl" / "local").read_manifest()
            assert manifest is not None
            url, run_id = str(manifest["url"]), str(manifest["run_id"])
            bare = subprocess.Popen([sys.executable, "-c", BARE, url], stdout=subprocess.PIPE, text=True)
            try:
                assert bare.stdout is not None
                bare.stdout.readline()
                cell = Subjects(LOCAL_GARDEN, run_id).subject("cell/echo")
                asyncio.run(compare(url, {"cell": cell, "bare": BARE_SUBJECT}))
            finally:
                bare.kill()
                bare.wait()
        finally:
            _nimdsl(folder, "down")


def _nimdsl(folder: Path, *words: str) -> None:
    command = [sys.executable, "-m", "nimdsl", *words]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    bench_handshakes()
