"""What is published: who hears it, how often, in which order, and who does not."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from nimdsl.base.errors import PermanentPortError
from runtime.conformance.bus.listening import HOLDING, Way, holding_and_releasing
from runtime.conformance.bus.sending import TOKEN, VALUE
from runtime.conformance.bus.world import (
    BYTES_MAX,
    MS,
    BusLaws,
    World,
    hears,
    some,
    subscribes,
    text,
    words,
)
from runtime.conformance.raising import refused
from runtime.ports.bus import Message
from runtime.ports.topics import matches

SIGHT = "wave/sight"
PUBLISHED = Way(
    lambda world, take: world.there.subscribe(SIGHT, "gate/g", take),
    lambda world, what: world.here.publish(text(SIGHT, what)),
)


class Ear(NamedTuple):
    """A subscription of the plan: where, to what, who."""

    place: str
    topic: str
    subscriber: str


EARS = (
    Ear("here", SIGHT, "gate/d"),
    Ear("there", "wave/sight.near", "gate/c"),
    Ear("there", "wave/sight.*", "gate/b"),
    Ear("there", SIGHT, "gate/b"),
    Ear("there", "wave/*", "gate/b"),
    Ear("there", "wave/*", "cell/eye"),
    Ear("here", "wave/sight.near.*", "gate/a"),
)
SAYING = st.tuples(
    st.sampled_from(["here cell/eye", "here cell/ear", "there protocol/spark"]),
    st.sampled_from([SIGHT, "wave/sight.near", "wave/sight.near.left", "wave/sightless", "wave/sound"]),
)


class Publishing(BusLaws):
    """The laws of ``publish`` and ``subscribe``."""

    @given(ears=st.lists(st.sampled_from(EARS), unique=True), plan=st.lists(SAYING, max_size=20))
    @some
    def test_what_is_published_reaches_every_subscriber_once_and_in_order(
        self, ears: list[Ear], plan: list[tuple[str, str]]
    ) -> None:
        """Once, however many of its topics match; in the order of each sender, across topics."""

        async def case(world: World) -> None:
            heard: dict[str, list[Message]] = {ear.subscriber: [] for ear in ears}
            for ear in ears:
                bus = world.here if ear.place == "here" else world.there
                bus.subscribe(ear.topic, ear.subscriber, heard[ear.subscriber].append)
            await world.settled()
            for number, (who, topic) in enumerate(plan):
                place, sender = who.split()
                bus = world.here if place == "here" else world.there
                bus.publish(text(topic, number, sender=sender, number=number + 1))
            await world.settled()
            for subscriber, messages in heard.items():
                patterns = [ear.topic for ear in ears if ear.subscriber == subscriber]
                due: dict[str, list[str]] = {}
                for number, (who, topic) in enumerate(plan):
                    if any(matches(one, topic) for one in patterns) and who.split()[1] != subscriber:
                        due.setdefault(who.split()[1], []).append(str(number))
                came: dict[str, list[str]] = {}
                for message in messages:
                    came.setdefault(message.sender, []).extend(words([message]))
                assert came == due
            assert world.told == []

        self.play(case)

    @given(
        data=st.binary(max_size=BYTES_MAX),
        headers=st.dictionaries(TOKEN.map("X-".__add__), VALUE, max_size=3),
        sender=st.sampled_from(["", "cell/a", "protocol/a.b-c"]),
        number=st.integers(1, 10**15),
    )
    @some
    def test_a_copy_is_what_was_published(
        self, data: bytes, headers: dict[str, str], sender: str, number: int
    ) -> None:
        """Its data, headers, sender, number and topic, to the byte."""

        async def case(world: World) -> None:
            heard = await subscribes(world, "wave/a.b-c_d.*", "gate/g")
            message = Message("wave/a.b-c_d.E1", data, headers, sender, number if sender else 0)
            world.here.publish(message)
            await world.settled()
            assert heard == [message]

        self.play(case)

    def test_nobody_hears_itself_if_it_says_who_it_is(self) -> None:
        """In whichever place it subscribed; what comes without a sender reaches everybody."""

        async def case(world: World) -> None:
            places = [world.here] if world.here is world.there else [world.here, world.there]
            own = [await subscribes(world, SIGHT, "cell/eye", place) for place in places]
            other = await subscribes(world, SIGHT, "cell/ear", world.here)
            world.here.publish(text(SIGHT, 1, sender="cell/eye", number=1))
            world.here.publish(text(SIGHT, 2))
            await world.settled()
            assert [words(one) for one in own] == [["2"]] * len(places)
            assert words(other) == ["1", "2"]

        self.play(case)

    def test_in_one_place_copies_go_in_the_order_of_the_subscribers(self) -> None:
        """By their ids, not by when they subscribed: a replay need not know who came first."""

        async def case(world: World) -> None:
            came: list[tuple[str, str]] = []

            def take(name: str, message: Message) -> None:
                came.append((message.data.decode(), name))

            for name in ("gate/b", "nerve/a", "cell/c", "gate/a"):
                world.there.subscribe(SIGHT, name, partial(take, name))
            await world.settled()
            for number in range(2):
                world.here.publish(text(SIGHT, number))
            await world.settled()
            names = ["cell/c", "gate/a", "gate/b", "nerve/a"]
            assert came == [(str(number), name) for number in range(2) for name in names]

        self.play(case)

    def test_nobody_there_is_no_incident(self) -> None:
        """What is published need not be heard."""

        async def case(world: World) -> None:
            heard = await hears(world, "cell/eye", world.here)
            world.here.publish(text(SIGHT, 1, sender="cell/eye", number=1))
            await world.settled()
            assert (heard, world.told, world.problems) == ([], [], [])

        self.play(case)

    def test_what_is_too_large_is_refused_to_the_publisher_and_nobody_hears_it(self) -> None:
        """As with ``send``: all of it or nothing."""

        async def case(world: World) -> None:
            heard = await subscribes(world, SIGHT, "gate/g")
            for size in (BYTES_MAX + 1, 10 * BYTES_MAX):
                refused(PermanentPortError, "too large", world.here.publish, Message(SIGHT, bytes(size)))
            world.here.publish(Message(SIGHT, bytes(BYTES_MAX)))
            world.here.publish(text(SIGHT, "next"))
            await world.settled()
            assert [len(message.data) for message in heard] == [BYTES_MAX, 4]

        self.play(case)

    def test_what_is_no_topic_is_refused(self) -> None:
        """At the call: an address, a pattern to publish to, a subscriber without an id."""

        async def case(world: World) -> None:
            for address in (
                "",
                "cell/eye",
                "wave/",
                "wave/*",
                "wave/a.*",
                "wave/1",
                "wave/a b",
                "wave/a/b",
            ):
                refused(ValueError, "no topic", world.here.publish, Message(address))
            for topic in ("", "cell/eye", "wave/", "wave/*.a", "wave/a*", "wave/a.*.b", "wave/>"):
                refused(ValueError, "no topic", world.here.subscribe, topic, "gate/g", print)
            refused(ValueError, "answers", world.here.publish, Message(SIGHT, reply_to="cell/eye"))
            refused(ValueError, "id", world.here.subscribe, SIGHT, "", print)

        self.play(case)

    def test_who_subscribes_later_hears_nothing_of_it(self) -> None:
        """A topic keeps nothing."""

        async def case(world: World) -> None:
            early = await subscribes(world, SIGHT, "gate/a")
            world.here.publish(text(SIGHT, 1))
            await world.settled()
            late = await subscribes(world, "wave/*", "gate/b")
            world.here.publish(text(SIGHT, 2))
            await world.settled()
            assert (words(early), words(late)) == (["1", "2"], ["2"])

        self.play(case)

    def test_addresses_and_topics_never_meet(self) -> None:
        """Listeners hear what is sent, subscribers what is published, also where the names are alike."""

        async def case(world: World) -> None:
            actor = await hears(world, "cell/eye")
            thread = await hears(world, "cell/eye/ear")
            exact = await subscribes(world, "wave/eye", "gate/a")
            everything = await subscribes(world, "wave/*", "gate/b")
            world.here.publish(text("wave/eye", "published", sender="cell/ear", number=1))
            world.here.send(text("cell/eye/ear", "sent", sender="cell/nose", number=2))
            await world.settled()
            assert [words(one) for one in (actor, thread)] == [["sent"], ["sent"]]
            assert [words(one) for one in (exact, everything)] == [["published"], ["published"]]

        self.play(case)

    def test_a_slow_subscriber_loses_what_is_beyond_its_backlog_and_nobody_else_does(self) -> None:
        """Each subscriber has a backlog of its own."""

        async def case(world: World) -> None:
            heard: list[Message] = []
            listener = world.there.subscribe(SIGHT, "gate/slow", heard.append, 5)
            quick = await subscribes(world, SIGHT, "gate/quick")
            listener.hold()
            for number in range(8):
                world.here.publish(text(SIGHT, number))
            await world.settled()
            assert (heard, [who for who, _ in world.told]) == ([], ["gate/slow"] * 3)
            assert all("slow" in what for _, what in world.told)
            listener.release()
            world.here.publish(text(SIGHT, "after"))
            await world.settled()
            assert words(heard) == ["0", "1", "2", "3", "4", "after"]
            assert words(quick) == [*map(str, range(8)), "after"]

        self.play(case)

    @given(plan=HOLDING)
    @some
    def test_subscribers_hold_and_release_as_listeners_do(self, plan: list[str]) -> None:
        """However holding, releasing and publishing follow each other."""
        self.play(partial(holding_and_releasing, plan, PUBLISHED))

    def test_a_closed_subscriber_hears_nothing_more_and_makes_room(self) -> None:
        """Not even what waited; others lose nothing by it, and its id is free again."""

        async def case(world: World) -> None:
            heard: list[Message] = []
            first = world.there.subscribe(SIGHT, "gate/g", heard.append)
            refused(ValueError, "gate/g", world.there.subscribe, SIGHT, "gate/g", heard.append)
            other = await subscribes(world, SIGHT, "gate/other")
            first.hold()
            world.here.publish(text(SIGHT, "forgotten"))
            await world.settled()
            first.close()
            first.release()
            await world.settled()
            world.here.publish(text(SIGHT, "unheard"))
            await world.settled()
            assert (heard, words(other)) == ([], ["forgotten", "unheard"])
            again = await subscribes(world, SIGHT, "gate/g")
            first.close()
            world.here.publish(text(SIGHT, "hello"))
            await world.settled()
            assert (heard, words(again)) == ([], ["hello"])

        self.play(case)

    def test_the_last_subscriber_may_go_and_another_come(self) -> None:
        """A topic that nobody was left on is heard again by who comes next."""

        async def case(world: World) -> None:
            for number in range(3):
                heard: list[Message] = []
                listener = world.there.subscribe("wave/sight.*", "gate/g", heard.append)
                await world.settled()
                world.here.publish(text("wave/sight.near", number))
                await world.settled()
                listener.close()
                world.here.publish(text("wave/sight.near", "unheard"))
                await world.settled()
                assert words(heard) == [str(number)]

        self.play(case)

    def test_a_subscriber_that_raises_costs_nobody_a_copy(self) -> None:
        """Neither those before nor those behind it, and never the publisher."""

        async def case(world: World) -> None:
            heard: list[str] = []

            def take(message: Message) -> None:
                heard.append(message.data.decode())
                if message.data == b"1":
                    raise PermanentPortError("no refusal of the publisher's message")

            world.there.subscribe(SIGHT, "gate/b", take)
            before = await subscribes(world, SIGHT, "gate/a")
            after = await subscribes(world, SIGHT, "gate/c")

            def publish() -> None:
                for number in range(3):
                    world.here.publish(text(SIGHT, number))

            world.here.after(0, publish)
            await world.passed(MS)
            await world.settled()
            assert [heard, words(before), words(after)] == [["0", "1", "2"]] * 3
            assert [type(problem) for problem in world.problems] == [PermanentPortError]

        self.play(case)

    def test_nobody_hears_what_a_callback_publishes_before_it_has_been_published(self) -> None:
        """Publishing never calls a subscriber from within."""

        async def case(where: str, world: World) -> None:
            events: list[str] = []

            def act(*_: object) -> None:
                events.append("publishing")
                for number in range(2):
                    world.there.publish(text("wave/sound", number))
                events.append("published")

            listener = world.there.subscribe(SIGHT, "gate/a", act)
            world.there.subscribe("wave/sound", "gate/b", lambda m: events.append(m.data.decode()))
            await world.settled()
            if where == "release":
                listener.hold()
            if where == "later":
                world.there.after(MS, act)
                await world.passed(MS)
            else:
                world.here.publish(text(SIGHT, "go"))
            await world.settled()
            listener.release()
            await world.settled()
            assert events == ["publishing", "published", "0", "1"]

        for where in ("subscriber", "release", "later"):
            self.play(partial(case, where))
