"""Drivers with a seeded defect: what they do shows in the journal that they leave."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from gardens.real.nats.stream import StreamJournal
from gardens.real.process.actor_driver import ActorDriver
from nimdsl.base.errors import InternalError
from nimdsl.program import Program, RealGarden
from runtime.kernel.effects import Deliver, SendReply
from tests.support.gardens import Lived, journal_in, live, local
from tests.support.laws import broken_laws, journal_laws
from tests.support.nats import NatsServer, nats_server

RATE = 20.0
DEFECT_AT = 6
"""Which line or reply it happens to; the first ones are right."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    with nats_server(tmp_path_factory.mktemp("bus")) as running:
        yield running


def spark(program: Program, server: NatsServer, folder: Path) -> Lived:
    garden = local(RATE, program.gardens["local"], server=server.url, groups=RealGarden().groups)
    return asyncio.run(live(program, "spark", garden, folder, url=server.url))


def counted() -> Callable[[], bool]:
    """True once, when it is time for the defect."""
    calls = iter(range(1, 1 << 30))
    return lambda: next(calls) == DEFECT_AT


def reorders(patch: pytest.MonkeyPatch) -> None:
    """Writes one accepted event of the vocabulary down only after the next one."""
    original, due, kept = StreamJournal.append, counted(), list[Any]()

    def append(self: StreamJournal, actor: str, kind: str, body: Any) -> int:
        if actor == "cell/vocabulary-cell" and kind == "accepted":
            if kept:
                later = kept.pop()
                position = original(self, actor, kind, body)
                original(self, actor, "accepted", later)
                return position
            if due():
                kept.append(body)
                return 0
        return original(self, actor, kind, body)

    patch.setattr(StreamJournal, "append", append)


def drops_a_record(patch: pytest.MonkeyPatch) -> None:
    """Forgets one record of one step."""
    original, due = StreamJournal.append, counted()

    def append(self: StreamJournal, actor: str, kind: str, body: Any) -> int:
        if kind == "records" and body["records"] and due():
            return original(self, actor, kind, {"records": body["records"][:-1]})
        return original(self, actor, kind, body)

    patch.setattr(StreamJournal, "append", append)


def drops_an_event(patch: pytest.MonkeyPatch) -> None:
    """Steps one event of the vocabulary that it never wrote down."""
    original, due = StreamJournal.append, counted()

    def append(self: StreamJournal, actor: str, kind: str, body: Any) -> int:
        if actor == "cell/vocabulary-cell" and kind == "accepted" and due():
            return 0
        return original(self, actor, kind, body)

    patch.setattr(StreamJournal, "append", append)


def answers_twice(patch: pytest.MonkeyPatch) -> None:
    """Sends one reply again, as if it were another message."""
    original, due = ActorDriver._send, counted()

    def send(self: ActorDriver, effect: Deliver) -> None:
        original(self, effect)
        if isinstance(effect, SendReply) and due():
            original(self, replace(effect, number=effect.number + 1_000))

    patch.setattr(ActorDriver, "_send", send)


@pytest.mark.slow
def test_a_right_driver_breaks_no_law(shipped: Program, server: NatsServer, tmp_path: Path) -> None:
    assert list(broken_laws(spark(shipped, server, tmp_path))) == []


@pytest.mark.slow
@pytest.mark.parametrize("defect", [reorders, drops_a_record, drops_an_event, answers_twice])
def test_a_wrong_driver_is_caught(
    shipped: Program,
    server: NatsServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    defect: Callable[[pytest.MonkeyPatch], None],
) -> None:
    defect(monkeypatch)
    with suppress(InternalError):  # the journal may lead nowhere
        spark(shipped, server, tmp_path)
    assert list(journal_laws(journal_in(tmp_path)))
