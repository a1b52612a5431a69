"""An actor's way to the economy: one thing at a time, until it is answered (SEMANTICS 3.1, 8.1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gardens.real.process.command_queue import (
    ANSWER_WAIT_NS,
    ANSWER_WAIT_NS_MAX,
    CommandQueue,
    QueuedCommand,
)
from gardens.real.process.ledger_service import LedgerService
from gardens.stores.memory import MemoryJournal
from nimdsl.base import canonical
from nimdsl.base.canonical import Plain
from nimdsl.base.errors import InternalError, PermanentPortError
from runtime.kernel.step import PriceDecision
from runtime.ledger.accounts import Charge, LedgerCommand, Release, Reserve, Reward, Settle
from runtime.ledger.economy import Ledger
from runtime.ports.bus import Listener, Message
from runtime.ports.memory_bus import MemoryBus
from runtime.ports.requests import RequestClient
from runtime.run.lines import LEDGER
from runtime.run.run import BOOKS
from tests.properties.ledger_laws import PLAIN_TARIFF, check_laws
from tests.support.economies import kept_for
from tests.support.effort import examples

ADDRESS = "economy/e"
ACTOR = "cell/a"
YES = {"said": "outcome", "granted": True, "balance": 7}
CHARGE = Charge("k", "work", 1)
AT_NS = 70


@dataclass
class Desk:
    """A queue of commands, and somebody at its other end who answers as the test says."""

    bus: MemoryBus = field(default_factory=MemoryBus)
    asked: list[dict[str, Any]] = field(default_factory=list)
    open: list[Message] = field(default_factory=list)
    happened: list[Any] = field(default_factory=list)
    problems: list[Exception] = field(default_factory=list)
    listener: Listener | None = None

    def __post_init__(self) -> None:
        questions = RequestClient(self.bus, "asker/here-0", self.bus.after)
        self.commands = CommandQueue(ACTOR, ADDRESS, questions, self.problems.append)
        self.open_up()

    def open_up(self) -> None:
        self.listener = self.bus.listen(ADDRESS, self._take)

    def _take(self, message: Message) -> None:
        self.asked.append(canonical.decode(message.data))
        self.open.append(message)

    def answer(self, said: Plain, number: int = -1) -> None:
        data = said if isinstance(said, bytes) else canonical.encode(said)
        self.bus.send(Message(self.open[number].reply_to, data))

    def ask(self, position: int, index: int = 0, command: LedgerCommand = CHARGE) -> None:
        self.commands.ask(
            QueuedCommand(position, index, AT_NS),
            command,
            lambda paid: self.happened.append((position, index, paid)),
        )

    def then(self, what: str) -> None:
        self.commands.then(lambda: self.happened.append(what))

    @property
    def items(self) -> list[list[int]]:
        return [one["item"] for one in self.asked]


def test_one_thing_at_a_time_in_order() -> None:
    desk = Desk()
    desk.ask(3, 0)
    desk.commands.book(QueuedCommand(3, 0, AT_NS), Release("k"))
    desk.then("marked")
    desk.ask(4, 0)
    assert desk.items == [[3, 0]]
    assert (desk.happened, desk.commands.count) == ([], 4)
    desk.answer(YES)
    assert desk.items == [[3, 0], [3, BOOKS]]
    assert desk.happened == [(3, 0, PriceDecision(True, 7))]
    desk.answer(YES)
    assert desk.items == [[3, 0], [3, BOOKS], [4, 0]]
    assert desk.happened[1:] == ["marked"]
    desk.answer({**YES, "granted": False, "balance": 2})
    assert desk.happened[2:] == [(4, 0, PriceDecision(False, 2))]
    assert desk.commands.count == 0
    command = {"type": "charge", "key": "k", "name": "work", "amount": 1}
    assert desk.asked[0] == {"actor": ACTOR, "item": [3, 0], "at_ns": AT_NS, "command": command}


def test_what_needs_no_answer_happens_at_once_where_nothing_is_before_it() -> None:
    desk = Desk()
    desk.then("first")
    desk.then("second")
    assert desk.happened == ["first", "second"]
    assert desk.asked == []


def test_silence_is_answered_with_the_same_question() -> None:
    desk = Desk()
    desk.ask(0)
    for wait in (1, 2, 4):  # each time it waits twice as long: an economy may be slow, not away
        desk.bus.advance(wait * ANSWER_WAIT_NS - 1)
        asked = len(desk.asked)
        desk.bus.advance(1)
        assert len(desk.asked) == asked + 1
    assert len(desk.asked) == 4
    assert all(one == desk.asked[0] for one in desk.asked)
    desk.answer(YES)
    assert desk.happened == [(0, 0, PriceDecision(True, 7))]
    desk.bus.advance(100 * ANSWER_WAIT_NS)
    assert len(desk.asked) == 4
    desk.ask(1)
    desk.bus.advance(ANSWER_WAIT_NS)
    assert len(desk.asked) == 6, "an answer makes it patient no longer"


def test_a_late_answer_to_an_earlier_copy_is_not_heard() -> None:
    """The copy asked again gets the same answer anyway."""
    desk = Desk()
    desk.ask(0)
    desk.bus.advance(ANSWER_WAIT_NS)
    desk.answer(YES, 0)
    assert desk.happened == []
    desk.answer(YES, 1)
    desk.answer(YES, 1)
    assert desk.happened == [(0, 0, PriceDecision(True, 7))]


def test_an_economy_that_is_away_is_asked_again_when_it_is_back() -> None:
    desk = Desk()
    assert desk.listener is not None
    desk.listener.close()
    desk.ask(0)
    desk.bus.advance(ANSWER_WAIT_NS)
    assert desk.asked == []
    desk.open_up()
    desk.bus.advance(ANSWER_WAIT_NS)
    assert desk.items == [[0, 0]]
    desk.answer(YES)
    assert desk.happened == [(0, 0, PriceDecision(True, 7))]


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"no JSON",
        b"[" * 100_000,
        b"3",
        b"[]",
        b"{}",
        {**YES, "granted": 1},
        {**YES, "balance": "7"},
        {"said": "outcome", "granted": True},
        {"said": "nothing", "granted": True, "balance": 7},
        {"granted": True, "balance": 7},
        {"said": "error"},
    ],
)
def test_an_answer_that_is_none_is_no_answer(said: Plain) -> None:
    desk = Desk()
    desk.ask(0)
    desk.then("after it")
    desk.answer(said)
    assert (desk.happened, desk.problems, desk.commands.count) == ([], [], 2)
    desk.bus.advance(ANSWER_WAIT_NS)
    assert desk.items == [[0, 0], [0, 0]]
    desk.answer(YES)
    assert desk.happened == [(0, 0, PriceDecision(True, 7)), "after it"]


def test_what_the_economy_calls_impossible_is_told_and_nothing_overtakes_it() -> None:
    """A new process tries the item again: the economy must not have heard a later one by then."""
    desk = Desk()
    desk.ask(0)
    desk.commands.book(QueuedCommand(0, 0, AT_NS), Release("k"))
    desk.then("never")
    desk.answer({"said": "error", "error": "no such key"})
    desk.ask(1)
    desk.bus.advance(10 * ANSWER_WAIT_NS)
    assert [str(problem) for problem in desk.problems] == ["cell/a: the economy says: no such key"]
    assert isinstance(desk.problems[0], InternalError)
    assert (desk.items, desk.happened) == ([[0, 0]], [])
    assert desk.commands.count == 4


def test_a_command_that_the_bus_does_not_carry_is_told_too() -> None:
    desk = Desk(MemoryBus(bytes_max=200))
    desk.commands.book(QueuedCommand(0, 0, AT_NS), Reward("small", ("k" * 300,)))
    desk.ask(1)
    assert [type(problem) for problem in desk.problems] == [PermanentPortError]
    assert desk.asked == []


def test_what_happens_meanwhile_waits_its_turn() -> None:
    """Whoever is answered may ask at once; what was waiting already goes first."""
    desk = Desk()

    def answered(paid: PriceDecision) -> None:
        desk.happened.append("answered")
        desk.ask(2)
        desk.then("last")

    desk.commands.ask(QueuedCommand(0, 0, AT_NS), CHARGE, answered)
    desk.ask(1)
    for _ in range(3):
        desk.answer(YES)
    assert desk.items == [[0, 0], [1, 0], [2, 0]]
    assert desk.happened == [
        "answered",
        (1, 0, PriceDecision(True, 7)),
        (2, 0, PriceDecision(True, 7)),
        "last",
    ]


# The queue and the ledger together, over a bus that loses, repeats and delays

FATES = st.sampled_from(["whole"] * 4 + ["question lost", "answer lost", "twice", "late", "died", "away"])


class Unreliable:
    """An economy behind a bus that does what it was told, then nothing bad any more."""

    def __init__(self, fates: list[str]) -> None:
        self.bus = MemoryBus()
        self.journal = MemoryJournal()
        self._fates = list(fates)
        self._late: list[Message] = []
        self.ledger_service = self._reborn()
        self._listener = self.bus.listen(ADDRESS, self._take)

    def _reborn(self) -> LedgerService:
        lines = list(self.journal.read(LEDGER)) if LEDGER in self.journal.actors() else []
        ledger_service = LedgerService(
            kept_for(PLAIN_TARIFF), lines, self.journal, lambda act: act(), lambda: 0
        )
        self._home = MemoryBus()
        ledger_service.listen(self._home, ADDRESS)
        self._home.listen("asker", lambda message: self._answers.append(message))
        self._answers: list[Message] = []
        return ledger_service

    def _take(self, message: Message) -> None:
        fate = self._fates.pop(0) if self._fates else "whole"
        if fate == "away":
            self._listener.close()
            self.bus.after(ANSWER_WAIT_NS, self._come_back)
        if fate in ("question lost", "away"):
            return
        if fate == "late":
            self.bus.after(3 * ANSWER_WAIT_NS // 2, lambda: self._decide(message))
            return
        for _ in range(2 if fate == "twice" else 1):
            self._decide(message, heard=fate not in ("answer lost", "died"))
        if fate == "died":
            self.ledger_service = self._reborn()

    def _come_back(self) -> None:
        self._listener = self.bus.listen(ADDRESS, self._take)

    def _decide(self, message: Message, heard: bool = True) -> None:
        self._answers.clear()
        self._home.send(Message(ADDRESS, message.data, reply_to="asker/1"))
        for answer in self._answers if heard else []:
            self.bus.send(Message(message.reply_to, answer.data))


def _command(kind: str, number: int, amount: int) -> LedgerCommand:
    key, hold = f"{ACTOR}/{number}", f"{ACTOR}/{max(0, number - 1)}"
    kinds: dict[str, LedgerCommand] = {
        "reserve": Reserve(key, amount, "x"),
        "charge": Charge(key, "work", amount),
        "settle": Settle(hold, f"settle/{key}", "work", amount),
        "release": Release(hold, amount),
        "reward": Reward("small", (key,)),
    }
    return kinds[kind]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["reserve", "charge", "settle", "release", "reward", "then"]), st.integers(0, 30)
    ),
    max_size=12,
)


@settings(max_examples=examples(150))
@given(STEPS, st.lists(FATES, max_size=25))
def test_whatever_the_bus_does_each_wish_is_decided_once_and_in_order(
    steps: list[tuple[str, int]], fates: list[str]
) -> None:
    """The answers, and the ledger, are those of an economy that is asked directly."""
    world = Unreliable(fates)
    problems: list[Exception] = []
    commands = CommandQueue(ACTOR, ADDRESS, RequestClient(world.bus, "asker/here-0"), problems.append)
    happened: list[Any] = []
    direct, wanted = Ledger(PLAIN_TARIFF), list[Any]()

    def noting(number: int) -> Callable[..., None]:
        return lambda *paid: happened.append((number, *paid))

    for number, (kind, amount) in enumerate(steps):
        if kind == "then":
            commands.then(noting(number))
            wanted.append((number,))
            continue
        command = _command(kind, number, amount)
        answer = direct.apply(command, 0)
        if isinstance(command, Release | Reward):
            commands.book(QueuedCommand(number, 0, AT_NS), command)
        else:
            commands.ask(QueuedCommand(number, 0, AT_NS), command, noting(number))
            wanted.append((number, PriceDecision(answer.granted, answer.balance)))
    for _ in range(4 * (len(steps) + len(fates))):
        world.bus.advance(ANSWER_WAIT_NS)
    for _ in fates:  # each that was lost in a row is waited for twice as long
        world.bus.advance(ANSWER_WAIT_NS_MAX)
    assert (commands.count, problems) == (0, [])
    assert happened == wanted
    assert world.ledger_service.purses.ledgers[""].entries == direct.entries
    check_laws(world.ledger_service.purses.ledgers[""])
