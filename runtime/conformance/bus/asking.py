"""Later, and questions with a deadline."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from nimdsl.base.errors import PermanentPortError
from runtime.conformance.bus.world import BYTES_MAX, LONG, SECOND, BusLaws, World, hears, some, text
from runtime.conformance.raising import refused
from runtime.ports.bus import NOBODY, Message
from runtime.ports.requests import RequestClient


def echo(world: World) -> Callable[[Message], None]:
    """Answers what it is asked."""
    return lambda message: world.there.send(Message(message.reply_to, message.data))


class Asking(BusLaws):
    """The laws of ``after``, and of questions over any bus."""

    @given(delays=st.lists(st.integers(0, 4), max_size=8), cancelled=st.sets(st.integers(0, 7)))
    @some
    def test_what_is_to_be_done_later_is_done_in_order(
        self, delays: list[int], cancelled: set[int]
    ) -> None:
        """By its time, then by when it was asked for; what was cancelled, even twice, never."""

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

        self.play(case)

    def test_questions_get_their_own_answers_in_any_order(self) -> None:
        """An answer finds its question by the address it goes to, not by its turn."""

        async def case(world: World) -> None:
            questions = RequestClient(world.here, "asker/one")
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

        self.play(case)

    def test_a_question_may_be_asked_in_an_answer(self) -> None:
        """A conversation needs no thread of its own: the next follows where an answer is heard."""

        async def case(world: World) -> None:
            questions = RequestClient(world.here, "asker/one")
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

        self.play(case)

    def test_a_question_without_an_answer_is_told_once_and_a_late_one_is_dropped(self) -> None:
        """``None`` at its deadline; what comes later is counted, and asks nobody anything."""

        async def case(world: World) -> None:
            questions = RequestClient(world.here, "asker/one")
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

        self.play(case)

    def test_an_actor_hears_a_late_reply_on_its_thread(self) -> None:
        """An actor asks under a thread of its own address, so no deadline takes a reply from it."""

        async def case(world: World) -> None:
            actor = await hears(world, "protocol/spark", world.here)
            asked = await hears(world, "cell/eye")
            world.here.send(text("cell/eye", "?", reply_to="protocol/spark/17"))
            await world.passed(60 * SECOND)
            world.there.send(text(asked[0].reply_to, "!"))
            await world.settled()
            assert [(message.to, message.data) for message in actor] == [("protocol/spark/17", b"!")]

        self.play(case)

    def test_a_question_to_nobody_is_answered_by_the_bus(self) -> None:
        """At once, with the status ``NOBODY``: who asks need not wait for its deadline."""

        async def case(world: World) -> None:
            questions = RequestClient(world.here, "asker/one")
            await world.settled()
            answers: list[Message | None] = []
            questions.ask(text("cell/gone", "?"), LONG, answers.append)
            await world.settled()
            assert [answer and answer.status for answer in answers] == [NOBODY]

        self.play(case)

    def test_a_question_that_is_refused_is_not_open(self) -> None:
        """The refusal is raised to who asks, and no deadline comes after it."""

        async def case(world: World) -> None:
            questions = RequestClient(world.here, "asker/one")
            answers: list[Message | None] = []
            large = Message("cell/eye", bytes(BYTES_MAX + 1))
            refused(PermanentPortError, "", questions.ask, large, SECOND, answers.append)
            await world.passed(2 * SECOND)
            assert answers == []

        self.play(case)
