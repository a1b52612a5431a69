"""One suite for every implementation of the port Bus, each also behind faults of which there are none."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

import pytest
import simpy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gardens.real.clock import Clock, Origin
from gardens.real.nats.bus import NatsBus, connect
from gardens.real.nats.subjects import Subjects
from gardens.virtual.bus import VirtualBus
from nimdsl.base.errors import PermanentPortError
from nimdsl.compile.garden import LOCAL_GARDEN, PERFECT_BUS
from runtime.chance.faults import FaultyBus
from runtime.chance.models import Draws, Fates
from runtime.ports.bus import NOBODY, Bus, Listener, Message
from runtime.ports.memory_bus import MemoryBus
from runtime.ports.requests import Questions
from tests.support.nats import nats_server

MS = 1_000_000
SECOND = 1_000 * MS
RATE = 1_000.0
"""How fast the real worlds' clock goes: a garden second is a millisecond."""
LONG = 1_000_000 * SECOND
"""A deadline that no test lives to see."""
BYTES_MAX = 1_000
GIVE_UP_S = 20.0


class World:
    """A bus in two places (the same one, where an implementation has only one), and its time."""

    here: Bus
    there: Bus

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []
        self.problems: list[Exception] = []
        """What callbacks raised, as it reached whoever drives the bus."""

    def tell(self, address: str, what: str) -> None:
        self.told.append((address, what))

    def drive(self, act: Callable[[], object]) -> None:
        """Does something that may make listeners raise."""
        try:
            act()
        except ExceptionGroup as group:
            self.problems += group.exceptions

    async def settled(self) -> None:
        """Until everything that is under way has arrived, with what came of it."""
        raise NotImplementedError

    async def passed(self, time_ns: int) -> None:
        """Until so much garden time has gone by."""
        raise NotImplementedError


class InMemory(World):
    def __init__(self) -> None:
        super().__init__()
        self.here = self.there = self.bus = MemoryBus(self.tell, BYTES_MAX)

    def now_ns(self) -> int:
        return self.bus.now_ns

    async def settled(self) -> None:
        pass

    async def passed(self, time_ns: int) -> None:
        self.drive(partial(self.bus.advance, time_ns))


class InSimPy(World):
    """What the virtual driver does for its bus."""

    def __init__(self) -> None:
        super().__init__()
        self.environment = simpy.Environment()
        fates = Fates(Draws(1), replace(PERFECT_BUS, payload_bytes_max=BYTES_MAX))
        self.here = self.there = VirtualBus(fates, self.now_ns, self.schedule, self.after, self.tell)

    def now_ns(self) -> int:
        return int(self.environment.now)

    def schedule(self, at_ns: int, message: Message, copy: int, act: Callable[[], None]) -> None:
        self.after(at_ns - self.now_ns(), act)

    def after(self, delay_ns: int, act: Callable[[], None]) -> Callable[[], None]:
        event = self.environment.timeout(delay_ns)
        callbacks = event.callbacks
        callbacks.append(lambda _: act())
        return lambda: callbacks.clear()

    async def settled(self) -> None:
        while self.environment.peek() <= self.environment.now:
            self.step()

    async def passed(self, time_ns: int) -> None:
        end = self.environment.timeout(time_ns)
        while not end.processed:
            self.step()
        await self.settled()

    def step(self) -> None:
        try:
            self.environment.step()
        except Exception as problem:
            self.problems.append(problem)


class OnServer(World):
    """Two connections to a real server."""

    def __init__(self) -> None:
        super().__init__()
        self.buses: list[NatsBus] = []
        self.clock = Clock(Origin(time.monotonic_ns(), 0, RATE))

    def now_ns(self) -> int:
        return self.clock.now_ns()

    async def settled(self) -> None:
        """What is answered in a callback needs a round of its own."""
        for bus in self.buses * 3:
            await bus.flush()
            for _ in range(3):
                await asyncio.sleep(0)

    async def passed(self, time_ns: int) -> None:
        end_ns = self.now_ns() + time_ns
        done = asyncio.Event()
        self.buses[0].after(time_ns, done.set)
        async with asyncio.timeout(GIVE_UP_S):
            await done.wait()
        while self.now_ns() < end_ns:
            await asyncio.sleep(0.001)
        await self.settled()


@asynccontextmanager
async def in_memory(url: str) -> AsyncIterator[World]:
    yield InMemory()


@asynccontextmanager
async def in_simpy(url: str) -> AsyncIterator[World]:
    yield InSimPy()


_RUNS = itertools.count(1)


@asynccontextmanager
async def on_server(url: str) -> AsyncIterator[World]:
    world, run_id = OnServer(), f"{next(_RUNS):08d}"
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: world.problems.append(context["exception"]))
    async with AsyncExitStack() as stack:
        for name in ("here", "there"):
            client = await connect(url, name, partial(world.tell, ""))
            stack.push_async_callback(client.close)
            bus = NatsBus(client, Subjects(LOCAL_GARDEN, run_id), world.clock, world.tell, BYTES_MAX)
            stack.push_async_callback(bus.close)
            world.buses.append(bus)
        world.here, world.there = world.buses
        yield world


Enter = Callable[[str], AbstractAsyncContextManager[Any]]


def with_faults(enter: Enter) -> Enter:
    """The same world, its buses behind faults of which there are none."""

    @asynccontextmanager
    async def entered(url: str) -> AsyncIterator[World]:
        async with enter(url) as world:
            model = replace(PERFECT_BUS, payload_bytes_max=BYTES_MAX)

            def behind(bus: Bus) -> Bus:
                return FaultyBus(bus, Fates(Draws(1), model), world.now_ns, world.tell, BYTES_MAX)

            world.here, world.there = behind(world.here), behind(world.there)
            yield world

    return entered


WORLDS: dict[str, Enter] = {"memory": in_memory, "virtual": in_simpy, "nats": on_server}
WORLDS |= {f"faulty {name}": with_faults(enter) for name, enter in WORLDS.items()}

Case = Callable[[Any], Awaitable[None]]


class Play(Protocol):
    def __call__(self, case: Case) -> None: ...


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with nats_server(tmp_path_factory.mktemp("bus")) as server:
        yield server.url


@pytest.fixture(scope="module", params=WORLDS)
def play(request: pytest.FixtureRequest) -> Play:
    """Plays a case in a new world."""
    enter = WORLDS[request.param]
    address = request.getfixturevalue("url") if "nats" in request.param else ""

    def played(case: Case) -> None:
        async def run() -> None:
            async with enter(address) as world:
                await case(world)

        asyncio.run(run())

    return played


some = settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])


async def hears(world: World, address: str, bus: Bus | None = None) -> list[Message]:
    """A listener that writes down what it hears, and that is known everywhere."""
    heard: list[Message] = []
    (bus or world.there).listen(address, heard.append)
    await world.settled()
    return heard


def words(messages: list[Message]) -> list[str]:
    return [message.data.decode() for message in messages]


def text(to: str, what: object, **fields: Any) -> Message:
    return Message(to, str(what).encode(), **fields)


# What arrives, and in which order


@given(plan=st.lists(st.sampled_from(["here a", "here b", "there c"]), max_size=30))
@some
def test_messages_of_a_sender_arrive_in_order_and_once(play: Play, plan: list[str]) -> None:
    async def case(world: World) -> None:
        heard = await hears(world, "cell/eye")
        for number, who in enumerate(plan):
            place, sender = who.split()
            bus = world.here if place == "here" else world.there
            bus.send(text("cell/eye", number, sender=f"cell/{sender}", number=number + 1))
        await world.settled()
        for sender in "abc":
            sent = [str(n) for n, who in enumerate(plan) if who.endswith(sender)]
            assert words([m for m in heard if m.sender == f"cell/{sender}"]) == sent
        assert len(heard) == len(plan)

    play(case)


TOKEN = st.text("abcXYZ019-_", min_size=1, max_size=6)
VALUE = st.text("aZ9 :;,.ä☃=/", max_size=8).map(str.strip)


@given(
    data=st.binary(max_size=BYTES_MAX),
    headers=st.dictionaries(TOKEN.map("X-".__add__), VALUE, max_size=3),
    sender=st.sampled_from(["", "cell/a", "protocol/a.b-c"]),
    number=st.integers(1, 10**15),
    thread=st.sampled_from(["", "/1", "/123456789"]),
    reply_to=st.sampled_from(["", "cell/eye", "cell/e.y.e", "protocol/spark/17", "subject/a.b.c"]),
)
@some
def test_a_message_arrives_as_it_was_sent(
    play: Play, data: bytes, headers: dict[str, str], sender: str, number: int, thread: str, reply_to: str
) -> None:
    async def case(world: World) -> None:
        heard = await hears(world, "protocol/spark.two")
        message = Message(
            f"protocol/spark.two{thread}", data, headers, sender, number if sender else 0, reply_to
        )
        world.here.send(message)
        await world.settled()
        assert heard == [message]

    play(case)


def test_a_thread_is_heard_by_its_own_listener_and_by_the_actor(play: Play) -> None:
    async def case(world: World) -> None:
        actor = await hears(world, "protocol/spark")
        thread = await hears(world, "protocol/spark/17")
        other = await hears(world, "protocol/spar")
        for address in ("protocol/spark", "protocol/spark/17", "protocol/spark/18", "protocol/spark/17/1"):
            world.here.send(text(address, address))
        await world.settled()
        assert sorted(words(actor)) == ["protocol/spark", "protocol/spark/17", "protocol/spark/18"]
        assert sorted(words(thread)) == ["protocol/spark/17", "protocol/spark/17/1"]
        assert [message.to for message in actor + thread] == words(actor + thread)
        assert other == []

    play(case)


def test_what_is_sent_twice_arrives_twice(play: Play) -> None:
    async def case(world: World) -> None:
        heard = await hears(world, "cell/eye")
        message = text("cell/eye", "again", sender="cell/a", number=7)
        for _ in range(2):
            world.here.send(message)
        await world.settled()
        assert heard == [message, message]

    play(case)


def test_a_place_hears_itself(play: Play) -> None:
    async def case(world: World) -> None:
        heard = await hears(world, "cell/eye", world.here)
        world.here.send(text("cell/eye", "hello"))
        await world.settled()
        assert words(heard) == ["hello"]

    play(case)


def test_what_is_too_large_is_refused_and_nothing_else(play: Play) -> None:
    async def case(world: World) -> None:
        heard = await hears(world, "cell/eye")
        for size in (BYTES_MAX + 1, 10 * BYTES_MAX):
            with pytest.raises(PermanentPortError, match="too large"):
                world.here.send(Message("cell/eye", bytes(size)))
        world.here.send(Message("cell/eye", bytes(BYTES_MAX)))
        world.here.send(text("cell/eye", "next"))
        await world.settled()
        assert [len(message.data) for message in heard] == [BYTES_MAX, 4]

    play(case)


# Nobody


def test_the_bus_answers_where_nobody_is(play: Play) -> None:
    async def case(world: World) -> None:
        heard = await hears(world, "protocol/spark", world.here)
        world.here.send(text("cell/gone", "hello"))
        await world.settled()
        assert heard == []
        world.here.send(text("cell/gone", "hello?", reply_to="protocol/spark/17"))
        await world.settled()
        assert heard == [Message("protocol/spark/17", status=NOBODY)]
        assert any("nobody is" in what for _, what in world.told)

    play(case)


def test_a_listener_on_hold_is_somebody(play: Play) -> None:
    async def case(world: World) -> None:
        heard = await hears(world, "protocol/spark")
        world.there.listen("cell/eye", heard.append).hold()
        await world.settled()
        world.here.send(text("cell/eye", "hello?", reply_to="protocol/spark/1"))
        await world.settled()
        assert (heard, world.told) == ([], [])

    play(case)


# Listeners


def test_a_slow_consumer_loses_what_is_beyond_its_backlog(play: Play) -> None:
    async def case(world: World) -> None:
        heard: list[Message] = []
        listener = world.there.listen("cell/eye", heard.append, backlog_count_max=5)
        await world.settled()
        listener.hold()
        for number in range(8):
            world.here.send(text("cell/eye", number))
        await world.settled()
        assert (heard, [address for address, _ in world.told]) == ([], ["cell/eye"] * 3)
        assert all("slow" in what for _, what in world.told)
        listener.release()
        world.here.send(text("cell/eye", "after"))
        await world.settled()
        assert words(heard) == ["0", "1", "2", "3", "4", "after"]

    play(case)


@given(plan=st.lists(st.sampled_from(["send", "send", "hold", "release", "release one"]), max_size=14))
@some
def test_holding_and_releasing_keeps_the_order(play: Play, plan: list[str]) -> None:
    async def case(world: World) -> None:
        heard: list[str] = []
        waiting: list[str] = []
        expected: list[str] = []
        held = hold_after_next = False

        def take(message: Message) -> None:
            nonlocal hold_after_next
            heard.extend(words([message]))
            if hold_after_next:
                hold_after_next = False
                listener.hold()

        listener = world.there.listen("cell/eye", take)
        await world.settled()
        for number, what in enumerate(plan):
            if what == "send":
                world.here.send(text("cell/eye", number))
                (waiting if held else expected).append(str(number))
            elif what == "hold":
                listener.hold()
                held = True
            else:
                hold_after_next = what == "release one" and bool(waiting)
                handed = waiting[:1] if hold_after_next else waiting[:]
                expected += handed
                del waiting[: len(handed)]
                held = hold_after_next
                listener.release()
            await world.settled()
            assert heard == expected

    play(case)


def test_a_closed_listener_hears_nothing_more_and_makes_room(play: Play) -> None:
    async def case(world: World) -> None:
        heard: list[Message] = []
        first = world.there.listen("cell/eye", heard.append)
        with pytest.raises(ValueError, match="cell/eye"):
            world.there.listen("cell/eye", heard.append)
        await world.settled()
        first.hold()
        world.here.send(text("cell/eye", "forgotten"))
        await world.settled()
        first.close()
        first.release()
        await world.settled()
        world.here.send(text("cell/eye", "unheard"))
        await world.settled()
        assert heard == []
        again = await hears(world, "cell/eye")
        first.close()
        world.here.send(text("cell/eye", "hello"))
        world.here.send(text("cell/eye/1", "hello"))
        await world.settled()
        assert (heard, words(again)) == ([], ["hello", "hello"])

    play(case)


def test_a_listener_may_close_itself_and_open_another(play: Play) -> None:
    async def case(world: World) -> None:
        first: list[str] = []
        second: list[str] = []

        def take(message: Message) -> None:
            first.append(message.data.decode())
            listener.close()
            world.there.listen("cell/eye", lambda m: second.append(m.data.decode()))

        listener: Listener = world.there.listen("cell/eye", take)
        await world.settled()
        for _ in range(2):
            world.here.send(text("cell/eye", "hello"))
            await world.settled()
        assert (first, second) == (["hello"], ["hello"])

    play(case)


def test_a_listener_that_raises_costs_nobody_a_message(play: Play) -> None:
    async def case(world: World) -> None:
        heard: list[str] = []

        def take(message: Message) -> None:
            heard.append(message.data.decode())
            if message.data == b"1":
                raise PermanentPortError("no refusal of the sender's message")

        world.there.listen("cell/eye", take)
        other = await hears(world, "cell/ear")

        def send() -> None:
            for number in range(3):
                world.here.send(text("cell/eye", number))
                world.here.send(text("cell/ear", number))

        # In memory an exception comes out of the outermost call, so everything is sent in a callback.
        world.here.after(0, send)
        await world.passed(MS)
        await world.settled()
        assert (heard, words(other)) == (["0", "1", "2"], ["0", "1", "2"])
        assert [type(problem) for problem in world.problems] == [PermanentPortError]

    play(case)


def test_a_backlog_whose_listener_raises_is_handed_over_to_its_end(play: Play) -> None:
    async def case(world: World) -> None:
        heard: list[str] = []

        def take(message: Message) -> None:
            heard.append(message.data.decode())
            if message.data != b"2":
                raise ValueError(heard[-1])

        listener = world.there.listen("cell/eye", take)
        await world.settled()
        listener.hold()
        for number in range(3):
            world.here.send(text("cell/eye", number))
        await world.settled()
        world.drive(listener.release)
        assert heard == ["0", "1", "2"]
        world.here.send(text("cell/eye", "2"))
        await world.settled()
        assert heard == ["0", "1", "2", "2"]
        assert [str(problem) for problem in world.problems] == ["0", "1"]

    play(case)


@pytest.mark.parametrize("where", ["listener", "release", "later"])
def test_nobody_hears_what_a_callback_sends_before_it_has_been_sent(play: Play, where: str) -> None:
    async def case(world: World) -> None:
        events: list[str] = []

        def act(*_: object) -> None:
            events.append("sending")
            for number in range(2):
                world.there.send(text("cell/ear", number))
            events.append("sent")

        listener = world.there.listen("cell/eye", act)
        world.there.listen("cell/ear", lambda message: events.append(message.data.decode()))
        await world.settled()
        if where == "release":
            listener.hold()
        if where == "later":
            world.there.after(MS, act)
            await world.passed(MS)
        else:
            world.here.send(text("cell/eye", "go"))
        await world.settled()
        listener.release()
        await world.settled()
        assert events == ["sending", "sent", "0", "1"]

    play(case)


# Time


@given(delays=st.lists(st.integers(0, 4), max_size=8), cancelled=st.sets(st.integers(0, 7)))
@some
def test_what_is_to_be_done_later_is_done_in_order(
    play: Play, delays: list[int], cancelled: set[int]
) -> None:
    async def case(world: World) -> None:
        done: list[int] = []
        step_ns = 2 * SECOND  # 2 ms of the wall clock: longer than it takes to ask for all of them
        cancels = [
            world.here.after(step_ns * (1 + delay), partial(done.append, number))
            for number, delay in enumerate(delays)
        ]
        for number in cancelled & set(range(len(delays))):
            cancels[number]()
            cancels[number]()
        assert done == []
        await world.passed(step_ns * 7)
        order = sorted(range(len(delays)), key=lambda number: delays[number])
        assert done == [number for number in order if number not in cancelled]
        for cancel in cancels:
            cancel()

    play(case)


# Questions


def echo(world: World) -> Callable[[Message], None]:
    return lambda message: world.there.send(Message(message.reply_to, message.data))


def test_questions_get_their_own_answers_in_any_order(play: Play) -> None:
    async def case(world: World) -> None:
        questions = Questions(world.here, "asker/one")
        asked = await hears(world, "cell/eye")
        answers: list[tuple[int, str]] = []

        def done(number: int, answer: Message | None) -> None:
            assert answer is not None
            answers.append((number, answer.data.decode()))

        for number in range(5):
            questions.ask(text("cell/eye", number), LONG, partial(done, number))
        await world.settled()
        for message in (asked[i] for i in (3, 0, 4, 1, 2)):
            world.there.send(text(message.reply_to, f"re: {message.data.decode()}"))
        await world.settled()
        assert answers == [(i, f"re: {i}") for i in (3, 0, 4, 1, 2)]
        assert questions.late_count == 0
        questions.close()

    play(case)


def test_a_question_may_be_asked_in_an_answer(play: Play) -> None:
    async def case(world: World) -> None:
        questions = Questions(world.here, "asker/one")
        world.there.listen("cell/eye", echo(world))
        await world.settled()
        answers: list[str] = []

        def done(answer: Message | None) -> None:
            assert answer is not None
            answers.append(answer.data.decode())
            if len(answers) < 3:
                questions.ask(text("cell/eye", len(answers)), LONG, done)

        questions.ask(text("cell/eye", 0), LONG, done)
        for _ in range(3):
            await world.settled()
        assert answers == ["0", "1", "2"]

    play(case)


def test_a_question_without_an_answer_is_told_once_and_a_late_one_is_dropped(play: Play) -> None:
    async def case(world: World) -> None:
        questions = Questions(world.here, "asker/one")
        asked = await hears(world, "cell/eye")
        answers: list[Message | None] = []
        questions.ask(text("cell/eye", "?"), 5 * SECOND, answers.append)
        questions.ask(text("cell/eye", "??"), LONG, answers.append)
        await world.passed(6 * SECOND)
        assert answers == [None]
        for number in range(3):
            world.there.send(text(asked[0].reply_to, number))
        world.there.send(text("asker/one", "what?"))
        await world.passed(6 * SECOND)
        assert (answers, questions.late_count) == ([None], 4)
        questions.close()
        world.there.send(text(asked[1].reply_to, "too late"))
        await world.settled()
        assert answers == [None]

    play(case)


def test_an_actor_hears_a_late_reply_on_its_thread(play: Play) -> None:
    async def case(world: World) -> None:
        actor = await hears(world, "protocol/spark", world.here)
        asked = await hears(world, "cell/eye")
        world.here.send(text("cell/eye", "?", reply_to="protocol/spark/17"))
        await world.passed(60 * SECOND)
        world.there.send(text(asked[0].reply_to, "!"))
        await world.settled()
        assert [(message.to, message.data) for message in actor] == [("protocol/spark/17", b"!")]

    play(case)


def test_a_question_to_nobody_is_answered_by_the_bus(play: Play) -> None:
    async def case(world: World) -> None:
        questions = Questions(world.here, "asker/one")
        await world.settled()
        answers: list[Message | None] = []
        questions.ask(text("cell/gone", "?"), LONG, answers.append)
        await world.settled()
        assert [answer and answer.status for answer in answers] == [NOBODY]

    play(case)


def test_a_question_that_is_refused_is_not_open(play: Play) -> None:
    async def case(world: World) -> None:
        questions = Questions(world.here, "asker/one")
        answers: list[Message | None] = []
        with pytest.raises(PermanentPortError):
            questions.ask(Message("cell/eye", bytes(BYTES_MAX + 1)), SECOND, answers.append)
        await world.passed(2 * SECOND)
        assert answers == []

    play(case)
