"""What arrives, in which order, and where nobody is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nimdsl.base.errors import PermanentPortError
from runtime.conformance.bus.world import BYTES_MAX, BusLaws, World, hears, some, text, words
from runtime.conformance.raising import refused
from runtime.ports.bus import NOBODY, Message

TOKEN = st.text("abcXYZ019-_", min_size=1, max_size=6)
VALUE = st.text("aZ9 :;,.ä☃=/", max_size=8).map(str.strip)


class Sending(BusLaws):
    """The laws of ``send``."""

    @given(plan=st.lists(st.sampled_from(["here a", "here b", "there c"]), max_size=30))
    @some
    def test_messages_of_a_sender_arrive_in_order_and_once(self, plan: list[str]) -> None:
        """Per sender, from whichever place it sends; between senders there is no order."""

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

        self.play(case)

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
        self, data: bytes, headers: dict[str, str], sender: str, number: int, thread: str, reply_to: str
    ) -> None:
        """Its data, headers, sender, number, thread and address for replies, to the byte."""

        async def case(world: World) -> None:
            heard = await hears(world, "protocol/spark.two")
            message = Message(
                f"protocol/spark.two{thread}", data, headers, sender, number if sender else 0, reply_to
            )
            world.here.send(message)
            await world.settled()
            assert heard == [message]

        self.play(case)

    def test_a_thread_is_heard_by_its_own_listener_and_by_the_actor(self) -> None:
        """By both, one level up and no further; a name that only begins alike hears nothing."""

        async def case(world: World) -> None:
            actor = await hears(world, "protocol/spark")
            thread = await hears(world, "protocol/spark/17")
            other = await hears(world, "protocol/spar")
            for address in (
                "protocol/spark",
                "protocol/spark/17",
                "protocol/spark/18",
                "protocol/spark/17/1",
            ):
                world.here.send(text(address, address))
            await world.settled()
            assert sorted(words(actor)) == ["protocol/spark", "protocol/spark/17", "protocol/spark/18"]
            assert sorted(words(thread)) == ["protocol/spark/17", "protocol/spark/17/1"]
            assert [message.to for message in actor + thread] == words(actor + thread)
            assert other == []

        self.play(case)

    def test_what_is_sent_twice_arrives_twice(self) -> None:
        """A bus knows nothing of numbers: what came before is for the actor to know."""

        async def case(world: World) -> None:
            heard = await hears(world, "cell/eye")
            message = text("cell/eye", "again", sender="cell/a", number=7)
            for _ in range(2):
                world.here.send(message)
            await world.settled()
            assert heard == [message, message]

        self.play(case)

    def test_a_place_hears_itself(self) -> None:
        """Who listens where it sends needs no way around."""

        async def case(world: World) -> None:
            heard = await hears(world, "cell/eye", world.here)
            world.here.send(text("cell/eye", "hello"))
            await world.settled()
            assert words(heard) == ["hello"]

        self.play(case)

    def test_what_is_too_large_is_refused_and_nothing_else(self) -> None:
        """To who sends, before anything left; the largest that is allowed arrives."""

        async def case(world: World) -> None:
            heard = await hears(world, "cell/eye")
            for size in (BYTES_MAX + 1, 10 * BYTES_MAX):
                refused(PermanentPortError, "too large", world.here.send, Message("cell/eye", bytes(size)))
            world.here.send(Message("cell/eye", bytes(BYTES_MAX)))
            world.here.send(text("cell/eye", "next"))
            await world.settled()
            assert [len(message.data) for message in heard] == [BYTES_MAX, 4]

        self.play(case)

    def test_the_bus_answers_where_nobody_is(self) -> None:
        """``NOBODY`` to who waits for a reply; else it is told as an incident."""

        async def case(world: World) -> None:
            heard = await hears(world, "protocol/spark", world.here)
            world.here.send(text("cell/gone", "hello"))
            await world.settled()
            assert heard == []
            world.here.send(text("cell/gone", "hello?", reply_to="protocol/spark/17"))
            await world.settled()
            assert heard == [Message("protocol/spark/17", status=NOBODY)]
            assert any("nobody is" in what for _, what in world.told)

        self.play(case)

    def test_a_listener_on_hold_is_somebody(self) -> None:
        """What it is sent waits; ``NOBODY`` would be a lie."""

        async def case(world: World) -> None:
            heard = await hears(world, "protocol/spark")
            world.there.listen("cell/eye", heard.append).hold()
            await world.settled()
            world.here.send(text("cell/eye", "hello?", reply_to="protocol/spark/1"))
            await world.settled()
            assert (heard, world.told) == ([], [])

        self.play(case)
