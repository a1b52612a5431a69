"""What listeners may do, and what they may not."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from nimdsl.base.errors import PermanentPortError
from runtime.conformance.bus.world import MS, BusLaws, World, hears, some, text, words
from runtime.conformance.raising import refused
from runtime.ports.bus import Handler, Listener, Message


class Way(NamedTuple):
    """How something is heard and said: sent, or published."""

    open: Callable[[World, Handler], Listener]
    say: Callable[[World, object], None]


SENT = Way(
    lambda world, take: world.there.listen("cell/eye", take),
    lambda world, what: world.here.send(text("cell/eye", what)),
)
HOLDING = st.lists(st.sampled_from(["send", "send", "hold", "release", "release one"]), max_size=14)


async def holding_and_releasing(plan: list[str], way: Way, world: World) -> None:
    """What waits is handed over in order, and whoever takes something may hold again."""
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

    listener = way.open(world, take)
    await world.settled()
    for number, what in enumerate(plan):
        if what == "send":
            way.say(world, number)
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


class Listening(BusLaws):
    """The laws of ``listen``."""

    def test_a_slow_consumer_loses_what_is_beyond_its_backlog(self) -> None:
        """The newest, each told as an incident; what already waits is kept, and the next fits again."""

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

        self.play(case)

    @given(plan=HOLDING)
    @some
    def test_holding_and_releasing_keeps_the_order(self, plan: list[str]) -> None:
        """However holding, releasing and sending follow each other."""
        self.play(partial(holding_and_releasing, plan, SENT))

    def test_a_closed_listener_hears_nothing_more_and_makes_room(self) -> None:
        """Not even what waited; its address is free for another, and closing again harms nobody."""

        async def case(world: World) -> None:
            heard: list[Message] = []
            first = world.there.listen("cell/eye", heard.append)
            refused(ValueError, "cell/eye", world.there.listen, "cell/eye", heard.append)
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

        self.play(case)

    def test_a_listener_may_close_itself_and_open_another(self) -> None:
        """Within a message, which is still the old one's."""

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

        self.play(case)

    def test_a_listener_that_raises_costs_nobody_a_message(self) -> None:
        """Neither others nor itself, and never who sent it; whoever drives the bus is told."""

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

        self.play(case)

    def test_a_backlog_whose_listener_raises_is_handed_over_to_its_end(self) -> None:
        """``release`` goes on behind a message that raised."""

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

        self.play(case)

    def test_nobody_hears_what_a_callback_sends_before_it_has_been_sent(self) -> None:
        """Sending never calls a listener from within: a callback ends before what it sent is heard."""

        async def case(where: str, world: World) -> None:
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

        for where in ("listener", "release", "later"):
            self.play(partial(case, where))
