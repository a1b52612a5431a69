"""A cell in another language: examples/javascript-cell, as a user runs it, and against a bus of its own."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client
from nats.errors import NoRespondersError

from gardens.real.clock import Clock, Origin
from gardens.real.nats.bus import NatsBus, connect
from gardens.real.nats.subjects import Subjects
from gardens.real.process.ledger_service import LedgerService
from gardens.stores.memory import MemoryJournal
from nimdsl.compile.garden import LOCAL_GARDEN
from nimdsl.program import Program
from runtime.kernel import messages
from runtime.ledger.accounts import Reserve
from runtime.ports.bus import PAYLOAD_BYTES_MAX
from runtime.records import Identity
from runtime.run import wire
from runtime.run.run import tariff_of
from tests.conftest import SPECS
from tests.properties.ledger_laws import check_laws
from tests.support.economies import kept_for
from tests.support.nats import NatsServer, nats_server
from tests.support.patience import SILENCE_S, finished, growth_of

pytestmark = pytest.mark.slow
EXAMPLE = Path(__file__).parents[3] / "examples" / "javascript-cell"
INSTALL_S = 60
"""Then the registry is taken to be away, and what needs it is skipped."""
RUN_ID = "3f2a9c01" * 4
CELL, ECONOMY = "cell/identity-cell", "economy/lifeforce"
SUBJECTS = Subjects(LOCAL_GARDEN, RUN_ID)
PROCESS = 500_000


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the example in it, installed as its README says."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not on this machine")
    home = tmp_path_factory.mktemp("home")
    leave = shutil.ignore_patterns("node_modules", "package-lock.json")
    shutil.copytree(EXAMPLE, home / "examples" / "javascript-cell", ignore=leave)
    words = ["npm", "install", "--prefix", "examples/javascript-cell", "--no-audit", "--fetch-retries", "0"]
    try:
        done = subprocess.run(
            words, cwd=home, capture_output=True, text=True, timeout=INSTALL_S, check=False
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm did not install the example within {INSTALL_S} s: is the registry away?")
    if done.returncode:
        pytest.skip(f"npm could not install the example: {done.stderr.strip()[-300:]}")
    return home


def test_the_spark_with_a_cell_in_javascript_has_its_figures(home: Path) -> None:
    words = ["run", "spark", "--garden", "polyglot", "--format", "json"]
    words += ["--specs", str(SPECS), "--specs", "examples/javascript-cell"]
    done = finished([sys.executable, "-m", "nimdsl", *words], cwd=home, mark=lambda: growth_of(home))
    assert done.returncode == 0, done.stdout + done.stderr
    said = json.loads(done.stdout)
    assert said["garden"] == "polyglot"
    assert said["completed"]
    assert said["lifeforce"].items() >= {"initial": 100.0, "spent": 28.8, "final": 388.2}.items()
    identity = said["phases"][0]
    assert (identity["accepted"], identity["spent"], identity["earned"]) == (5, 4.0, 100.0)


def test_the_registry_is_that_of_the_document(shipped: Program) -> None:
    registry = json.loads((EXAMPLE / "registry.json").read_text(encoding="utf-8"))
    assert registry == shipped.cells["identity-cell"].tables["registry"]


# The program alone, with an economy that is real


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NatsServer]:
    with nats_server(tmp_path / "server") as running:
        yield running


class Cell:
    """The program, started as the supervisor of a garden starts it."""

    def __init__(self, home: Path, url: str) -> None:
        environment = {
            **os.environ,
            "NATS_URL": url,
            "NIMDSL_RUN": RUN_ID,
            "NIMDSL_CELLS": json.dumps({"identity-cell": SUBJECTS.subject(CELL)}),
            "NIMDSL_ECONOMY": SUBJECTS.subject(ECONOMY),
        }
        words = ["node", "examples/javascript-cell/cell.mjs"]
        self.process = subprocess.Popen(words, cwd=home, env=environment, stdin=subprocess.PIPE)

    def ended(self) -> int:
        """Its exit code, once it has ended by itself."""
        return self.process.wait(SILENCE_S)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdin is not None
        self.process.stdin.close()


@dataclass
class Garden:
    """A bus with an economy, and somebody who asks."""

    client: Client
    ledger_service: LedgerService
    count: int = 0

    async def ask(self, payload: Any, hold: str = "", number: int = 0) -> Any:
        """What the cell says; attempts of one request have its number."""
        self.count += 1
        number = number or self.count
        body = {"$schema": "spark.identity.v1", "type": "IDENTITY_PROBE", "payload": payload}
        data = wire.encode(body, RUN_ID, Identity("protocol/spark", number), "2026-01-01T00:00:00Z", 0)
        headers = {wire.HOLD: hold, wire.PROCESS: str(PROCESS)} if hold else None
        subject = SUBJECTS.subject(CELL)
        return json.loads((await self.client.request(subject, data, SILENCE_S, headers=headers)).data)

    async def until_it_listens(self) -> None:
        while True:
            try:
                await self.ask({"aspect": "name", "depth": 1})
                return
            except NoRespondersError:
                await asyncio.sleep(0.01)

    def reserve(self, hold: str, amount: int) -> str:
        assert self.ledger_service.purses.ledgers[""].apply(Reserve(hold, amount, "identity"), 0).granted
        return hold

    @property
    def spent(self) -> int:
        return self.ledger_service.purses.ledgers[""].spent()

    @property
    def settled(self) -> list[str]:
        """The keys of what was settled."""
        return [e.key for e in self.ledger_service.purses.ledgers[""].entries if e.cause == "settle"]


@asynccontextmanager
async def garden(server: NatsServer, shipped: Program) -> AsyncIterator[Garden]:
    client = await connect(server.url, "garden", unheard)
    clock = Clock(Origin(time.monotonic_ns(), 0, 1))
    bus = NatsBus(client, SUBJECTS, clock, unheard, PAYLOAD_BYTES_MAX)
    books = kept_for(tariff_of(shipped.economies["lifeforce"]))
    ledger_service = LedgerService(books, [], MemoryJournal(), lambda act: act(), lambda: 0)
    ledger_service.listen(bus, ECONOMY)
    await bus.flush()
    try:
        yield Garden(client, ledger_service)
    finally:
        await bus.close()
        await client.close()


def unheard(*_: str) -> None:
    """What befalls the bus is not what these tests are about."""


def test_it_answers_as_the_document_does_and_is_paid_once(
    home: Path, server: NatsServer, shipped: Program
) -> None:
    async def scenario() -> None:
        async with garden(server, shipped) as here:
            await here.until_it_listens()
            assert here.spent == 0, "who brings nothing is answered for nothing"
            hold = here.reserve("protocol/spark/1", 1_400_000)

            first = await here.ask({"aspect": "origin", "depth": 1}, hold, number=1_017)
            registry: Any = shipped.cells["identity-cell"].tables["registry"]
            assert first["payload"] == next(row for row in registry if row["aspect"] == "origin")
            assert (first["status"], first["lifeforce_delta"]) == ("ACK", 20)
            assert problem_of(shipped, first) == ""
            assert here.spent == PROCESS

            again = await here.ask({"aspect": "origin", "depth": 1}, hold, number=1_017)
            assert again == first, "answered again from memory"
            assert (here.spent, len(here.settled)) == (PROCESS, 1)

            unknown = await here.ask({"aspect": "constructor", "depth": 1}, hold, number=1_018)
            assert (unknown["status"], unknown["reason"]) == ("NACK", "nothing found")
            assert problem_of(shipped, unknown) == ""
            assert (here.spent, len(here.settled)) == (2 * PROCESS, 2), "a NACK is paid for too"
            assert await here.ask({"aspect": "constructor", "depth": 1}, hold, number=1_018) == unknown

            poor = await here.ask({"aspect": "name", "depth": 1}, hold, number=1_019)
            assert (poor["status"], "payload" in poor) == ("RETRY", False)
            rich = here.reserve("protocol/spark/2", PROCESS)
            retried = await here.ask({"aspect": "name", "depth": 1}, rich, number=1_019)
            assert (retried["status"], retried["payload"]["value"]) == ("ACK", "Nyx"), "not remembered"
            assert here.spent == 3 * PROCESS
            check_laws(here.ledger_service.purses.ledgers[""])

    cell = Cell(home, server.url)
    try:
        asyncio.run(scenario())
        assert cell.process.poll() is None
    finally:
        cell.close()


def problem_of(shipped: Program, reply: Any) -> str:
    """Why a reply does not fit its schema; empty when it does."""
    return messages.problem(shipped.schemas[reply["$schema"]], wire.decode(json.dumps(reply).encode()))


def test_a_program_that_was_started_again_is_not_paid_twice(
    home: Path, server: NatsServer, shipped: Program
) -> None:
    cells = [Cell(home, server.url)]

    async def scenario() -> None:
        async with garden(server, shipped) as here:
            await here.until_it_listens()
            hold = here.reserve("protocol/spark/1", 1_400_000)
            first = await here.ask({"aspect": "name", "depth": 1}, hold, number=1_017)
            cells[0].close()
            cells.append(Cell(home, server.url))
            await here.until_it_listens()
            again = await here.ask({"aspect": "name", "depth": 1}, hold, number=1_017)
            assert again["payload"] == first["payload"]
            assert (here.spent, len(here.settled)) == (PROCESS, 1)

    try:
        asyncio.run(scenario())
    finally:
        for cell in cells:
            cell.close()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no JSON",
        b"null",
        b"3",
        b"[]",
        b"{}",
        b'{"$schema": "spark.identity.v1"}',
        b'{"$schema": "spark.identity.v1", "request_id": "17", "payload": null}',
        b'{"$schema": "spark.vocabulary.v1", "request_id": "17", "payload": {"term": "cell"}}',
        b"\xff\xfe\x00",
    ],
)
def test_what_is_no_request_gets_no_answer(
    running: tuple[NatsServer, Cell], shipped: Program, data: bytes
) -> None:
    server, cell = running

    async def scenario() -> None:
        async with garden(server, shipped) as here:
            await here.until_it_listens()
            inbox = here.client.new_inbox()
            answers = await here.client.subscribe(inbox)
            await here.client.publish(SUBJECTS.subject(CELL), data, reply=inbox)
            await here.ask({"aspect": "name", "depth": 1})
            await here.client.flush()
            assert answers.pending_msgs == 0, "what came after it is answered, so it is not"

    asyncio.run(scenario())
    assert cell.process.poll() is None


@pytest.fixture(scope="module")
def running(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[NatsServer, Cell]]:
    with nats_server(tmp_path_factory.mktemp("server")) as server:
        cell = Cell(home, server.url)
        try:
            yield server, cell
        finally:
            cell.close()


@pytest.mark.parametrize("how", ["stdin", "SIGTERM"])
def test_it_ends_when_it_is_asked_to(home: Path, server: NatsServer, shipped: Program, how: str) -> None:
    async def scenario() -> None:
        async with garden(server, shipped) as here:
            await here.until_it_listens()

    cell = Cell(home, server.url)
    try:
        asyncio.run(scenario())
        assert cell.process.stdin is not None
        if how == "stdin":
            cell.process.stdin.close()
        else:
            cell.process.send_signal(signal.SIGTERM)
        assert cell.ended() == 0
    finally:
        cell.close()
