"""The economy's process: what is repeated, delayed or lost is decided once (SEMANTICS 3.1, 8.1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gardens.real.process.ledger_service import LedgerService
from nimdsl.base import canonical
from nimdsl.base.canonical import Plain
from nimdsl.base.errors import PermanentPortError
from runtime.ledger.accounts import (
    AnyCommand,
    Charge,
    Release,
    Reserve,
    Reward,
    Settle,
    command_to_data,
)
from runtime.ledger.economy import Ledger
from runtime.ports.bus import BACKLOG_COUNT_MAX, Handler, Listener, Message
from runtime.ports.memory_bus import MemoryBus
from runtime.run.run import BOOKS
from tests.properties.ledger_laws import PLAIN_TARIFF, SECOND, TARIFF, check_laws
from tests.support.economies import ADDRESS, Economy, SlowJournal, asked, economy, kept_for, outcome
from tests.support.effort import examples

ACTORS = ("cell/a", "cell/b")


def outside(command: AnyCommand) -> bytes:
    return canonical.encode({"command": command_to_data(command)})


@dataclass(frozen=True)
class Wish:
    """What an actor asked for once."""

    actor: str
    item: list[int]
    command: AnyCommand
    at_ns: int

    @property
    def key(self) -> tuple[str, int]:
        return self.actor, self.item[0]

    @property
    def is_booking(self) -> bool:
        return self.item[1] >= BOOKS

    @property
    def data(self) -> bytes:
        return asked(self.command, self.actor, self.item, self.at_ns)


AMOUNTS = st.integers(0, 40)

KINDS = st.sampled_from(["reserve", "charge", "settle", "release", "reward", "fine", "clash"])


def command_of(kind: str, actor: str, position: int, amount: int, before: int) -> AnyCommand:
    """A command as the kernel would make it; ``clash`` uses a key that others use too."""
    key, hold = f"{actor}/{position}", f"{actor}/{before}"
    match kind:
        case "reserve":
            return Reserve(key, amount, "scope")
        case "charge":
            return Charge(key, "work", amount, actor)
        case "settle":
            return Settle(hold, f"settle/{key}", "work", amount)
        case "release":
            return Release(hold, amount)
        case "reward":
            return Reward("small", (key, f"{actor}/shared"), "scope", amount)
        case "fine":
            return Reward("fine", (key,), "scope")
    return Charge("clash", "work", amount % 3, actor)


class TreasuryMachine(RuleBasedStateMachine):
    """Actors that ask one thing at a time, copies of everything, and an economy that dies."""

    def __init__(self) -> None:
        super().__init__()
        self.now_ns = 0
        self.economy = Economy(TARIFF, SlowJournal(), lambda: self.now_ns)
        self.wishes: dict[str, list[Wish]] = {actor: [] for actor in ACTORS}
        self.said: dict[tuple[str, int], Plain] = {}
        self.open: dict[int, tuple[Wish, int]] = {}
        """Messages of this life: the wish, and how many the actor had when it was sent."""
        self.settles: list[Settle] = []
        self.settled: dict[str, Plain] = {}
        self.settling: dict[int, Settle] = {}

    # What happens

    @rule(
        actor=st.sampled_from(ACTORS),
        kind=KINDS,
        amount=AMOUNTS,
        back=st.integers(0, 3),
        late_ns=st.integers(-SECOND, SECOND),
    )
    def wishes_something(self, actor: str, kind: str, amount: int, back: int, late_ns: int) -> None:
        wishes = self.wishes[actor]
        if wishes and wishes[-1].key not in self.said:
            self.send(wishes[-1])
            return
        position = len(wishes)
        command = command_of(kind, actor, position, amount, max(0, position - back))
        index = BOOKS if isinstance(command, Release | Reward) else 0
        wishes.append(Wish(actor, [position, index], command, max(0, self.now_ns - late_ns)))
        self.send(wishes[-1])

    @rule(actor=st.sampled_from(ACTORS), back=st.integers(1, 6))
    def a_copy_arrives_late(self, actor: str, back: int) -> None:
        if self.wishes[actor]:
            self.send(self.wishes[actor][-min(back, len(self.wishes[actor]))])

    @rule(actor=st.sampled_from(ACTORS), hold=st.integers(0, 6), amount=AMOUNTS)
    def a_program_settles(self, actor: str, hold: int, amount: int) -> None:
        key = f"outside/{len(self.settles)}"
        self.settles.append(Settle(f"{actor}/{hold}", key, "work", amount))
        self.settle(self.settles[-1])

    @rule(back=st.integers(1, 6))
    def a_program_settles_again(self, back: int) -> None:
        if self.settles:
            self.settle(self.settles[-min(back, len(self.settles))])

    @rule(count=st.integers(1, 12))
    def lines_are_durable(self, count: int) -> None:
        self.economy.journal.acknowledge(count)
        self.hear()

    @rule(kept_count=st.integers(0, 12), back_ns=st.integers(0, 3 * SECOND))
    def the_economy_dies(self, kept_count: int, back_ns: int) -> None:
        self.now_ns = max(0, self.now_ns - back_ns)
        journal = self.economy.journal.crashed(kept_count)
        known = [line.body["entry"]["index"] for line in journal.lines if line.kind == "entry"]
        assert known == list(range(len(known)))
        self.economy = Economy(TARIFF, journal, lambda: self.now_ns)
        self.open.clear()
        self.settling.clear()

    @rule(passed_ns=st.integers(0, SECOND), accrues=st.booleans())
    def time_passes(self, passed_ns: int, accrues: bool) -> None:
        self.now_ns += passed_ns
        if accrues:
            self.economy.ledger_service.look(self.now_ns)

    def teardown(self) -> None:
        """Everybody gets an answer in the end, and no hold is left."""
        for wishes in self.wishes.values():
            if wishes and wishes[-1].key not in self.said:
                self.send(wishes[-1])
        for settle in self.settles:
            self.settle(settle)
        self.economy.journal.acknowledge(len(self.economy.journal.lines))
        self.hear()
        assert set(self.said) == {wish.key for wishes in self.wishes.values() for wish in wishes}
        self.economy.ledger_service.close()
        ledger = self.economy.ledger_service.purses.ledgers[""]
        assert ledger.holds() == {}
        check_laws(ledger)
        self.check_decisions()

    # What must hold

    def send(self, wish: Wish) -> None:
        number = self.economy.ask(wish.data)
        self.open[number] = wish, len(self.wishes[wish.actor])
        self.hear()

    def settle(self, settle: Settle) -> None:
        self.settling[self.economy.ask(outside(settle))] = settle
        self.hear()

    def hear(self) -> None:
        for number, (wish, wish_count) in list(self.open.items()):
            for said in self.economy.answers[number]:
                self.heard(wish, wish_count, said)
                del self.open[number]
        for number, settle in list(self.settling.items()):
            for said in self.economy.answers[number]:
                known = self.settled.get(settle.key, said)
                assert said == known, "what was settled is settled"
                if said["granted"]:
                    self.settled[settle.key] = said
                del self.settling[number]

    def heard(self, wish: Wish, wish_count: int, said: Plain) -> None:
        is_old = wish.item[0] < wish_count - 1
        if is_old and wish.is_booking and "error" not in said:
            assert said["granted"], "a booking that was made is acknowledged"
            return
        known = self.said.setdefault(wish.key, said)
        assert said == known, "what is repeated is answered as before"
        if "error" not in said:
            journal = self.economy.journal
            durable = journal.lines[: journal.durable_count]
            item = {"actor": wish.actor, "item": wish.item}
            item |= {"granted": said["granted"], "balance": said["balance"]}
            assert item in [line.body for line in durable if line.kind == "answer"]

    @invariant()
    def an_old_question_stays_unanswered(self) -> None:
        for number, (wish, wish_count) in self.open.items():
            answered = self.economy.answers[number]
            assert len(answered) <= 1
            last = self.economy.ledger_service.last.get(wish.actor, ((-1, 0), None))[0]
            if tuple(wish.item) < last and wish.item[0] < wish_count - 1 and not wish.is_booking:
                assert answered == []

    @invariant()
    def the_laws_hold(self) -> None:
        check_laws(self.economy.ledger_service.purses.ledgers[""])

    @invariant()
    def the_journal_holds_the_ledger(self) -> None:
        written = [line.body["entry"] for line in self.economy.journal.lines if line.kind == "entry"]
        entries = self.economy.ledger_service.purses.ledgers[""].entries
        assert written == [canonical.decode(canonical.encode(entry.to_data())) for entry in entries]

    def check_decisions(self) -> None:
        """What was granted has moved, once and in full; what was refused has not."""
        entries = self.economy.ledger_service.purses.ledgers[""].entries
        moved = {entry.key: entry.amount for entry in entries if entry.kind == "transfer"}
        for settle in self.settles:
            assert moved.get(settle.key) == (settle.amount if settle.key in self.settled else None)
        for wishes in self.wishes.values():
            for wish in wishes:
                said, command = self.said[wish.key], wish.command
                if isinstance(command, Reserve | Charge | Settle) and command.key != "clash":
                    wanted = command.amount if said["granted"] else None
                    assert moved.get(command.key) == wanted, (wish, said)


TreasuryMachine.TestCase.settings = settings(max_examples=examples(60), stateful_step_count=40)

TestTreasury = TreasuryMachine.TestCase


def test_a_refusal_stays_a_refusal_for_its_item() -> None:
    """3.2: the outcome is decided once; a new wish of the same kind is decided anew."""
    here = economy()
    charge = Charge("cell/a/0", "work", 50)
    first = asked(charge, "cell/a", [0, 0])
    assert here.answer(first) == outcome(False, 50)
    assert here.answer(asked(Reward("big", ("k",)), "cell/b", [0, BOOKS]))["balance"] == 90
    assert here.answer(first) == outcome(False, 50)
    again = Economy(PLAIN_TARIFF, here.journal.crashed(0), lambda: 0)
    assert again.answer(first) == outcome(False, 50)
    assert again.answer(asked(charge, "cell/a", [1, 0])) == outcome(True, 40)


@given(
    st.lists(st.tuples(st.integers(0, SECOND), st.integers(0, 3 * SECOND), st.integers(0, 40)), max_size=12)
)
def test_how_long_a_wish_was_on_its_way_decides_nothing(wishes: list[tuple[int, int, int]]) -> None:
    """What comes late is booked at its actor's instant: incomes find the pool that they found in time."""
    now_ns, at_ns = 0, 0
    late = Economy(TARIFF, SlowJournal(), lambda: now_ns)
    in_time = Ledger(TARIFF)
    for number, (passed_ns, late_ns, amount) in enumerate(wishes):
        at_ns += passed_ns
        now_ns = max(now_ns, at_ns + late_ns)
        charge = Charge(f"cell/a/{number}", "work", amount)
        answer = in_time.apply(charge, at_ns)
        said = late.answer(asked(charge, "cell/a", [number, 0], at_ns))
        assert said == outcome(answer.granted, answer.balance)
    assert late.ledger_service.purses.ledgers[""].entries == in_time.entries


def test_nobody_books_in_the_future_nor_before_what_is_booked() -> None:
    here = Economy(PLAIN_TARIFF, SlowJournal(), lambda: 5)
    for number, at_ns in enumerate((9, 3, 5)):
        here.answer(asked(Charge(f"cell/a/{number}", "work", 1), "cell/a", [number, 0], at_ns))
    assert [entry.time_ns for entry in here.ledger_service.purses.ledgers[""].entries] == [0, 5, 5, 5]


def test_nothing_is_answered_before_it_is_durable() -> None:
    here = economy()
    here.journal.acknowledge(len(here.journal.lines))
    number = here.ask(asked(Charge("cell/a/0", "work", 5), "cell/a", [0, 0]))
    assert here.answers[number] == []
    here.journal.acknowledge(1)
    assert here.answers[number] == [], "the transfer is durable, the answer is not"
    here.journal.acknowledge(1)
    assert here.answers[number] == [outcome(True, 45)]


def test_old_copies_of_questions_get_no_answer_and_of_bookings_get_one() -> None:
    here = economy()
    question = asked(Charge("cell/a/0", "work", 5), "cell/a", [0, 0])
    booking = asked(Release("cell/a/9"), "cell/a", [0, BOOKS])
    latest = asked(Charge("cell/a/1", "work", 5), "cell/a", [1, 0])
    for data in (question, booking, latest):
        assert here.answer(data)["granted"]
    count = len(here.journal.lines)
    assert here.answers[here.ask(question)] == []
    assert here.answer(booking)["granted"]
    assert here.answer(latest) == outcome(True, 40)
    assert len(here.journal.lines) == count


def test_a_program_outside_settles_and_nothing_else() -> None:
    here = economy()
    here.answer(asked(Reserve("cell/a/0", 20, "x"), "cell/a", [0, 0]))
    settle = Settle("cell/a/0", "process/17", "process", 15)
    assert here.answer(outside(settle)) == outcome(True, 30)
    assert here.answer(outside(settle)) == outcome(True, 30)
    assert here.ledger_service.purses.ledgers[""].balances()["cost:process"] == 15
    more = Settle("cell/a/0", "process/18", "process", 15)
    assert here.answer(outside(more)) == outcome(False, 30)
    assert "was written" in here.answer(outside(Settle("cell/a/0", "process/17", "process", 5)))["error"]
    count = len(here.ledger_service.purses.ledgers[""].entries)
    others: list[AnyCommand] = [
        Reserve("k", 1),
        Charge("k", "n", 1),
        Release("cell/a/0"),
        Reward("small", ("k",)),
    ]
    for command in others:
        assert here.answer(outside(command)) == {"said": "error", "error": "only settle without an actor"}
    assert len(here.ledger_service.purses.ledgers[""].entries) == count


def test_the_same_key_for_something_else_is_an_error_every_time() -> None:
    here = economy()
    assert here.answer(asked(Charge("k", "work", 5), "cell/a", [0, 0]))["granted"]
    clash = asked(Charge("k", "work", 6), "cell/b", [0, 0])
    assert here.answer(clash) == here.answer(clash)
    assert "k: 5 from pool" in here.answer(clash)["error"]


def test_who_wants_no_answer_changes_nothing() -> None:
    here = economy()
    count = len(here.journal.lines)
    here.bus.send(Message(ADDRESS, asked(Charge("k", "work", 5), "cell/a", [0, 0])))
    assert len(here.journal.lines) == count


def test_an_address_that_the_bus_does_not_take_costs_only_the_answer() -> None:
    class Narrow(MemoryBus):
        def __init__(self) -> None:
            super().__init__()
            self.take: Handler | None = None

        def send(self, message: Message) -> None:
            raise PermanentPortError("a subject is too long")

        def listen(self, address: str, take: Handler, count: int = BACKLOG_COUNT_MAX) -> Listener:
            self.take = take
            return super().listen(address, take)

        def after(self, delay_ns: int, act: Callable[[], None]) -> Callable[[], None]:
            raise AssertionError

    journal, bus = SlowJournal(), Narrow()
    ledger_service = LedgerService(kept_for(PLAIN_TARIFF), [], journal, journal.after, lambda: 0)
    ledger_service.listen(bus, ADDRESS)
    assert bus.take is not None
    bus.take(Message(ADDRESS, asked(Charge("k", "w", 5), "cell/a", [0, 0]), reply_to="subject/x"))
    journal.acknowledge(len(journal.lines))
    assert ledger_service.purses.ledgers[""].balance == 45
