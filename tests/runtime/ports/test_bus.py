"""The bus in memory and the questions over any bus, beyond what the conformance suite asks of every bus."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.ports.bus import NO_HEADERS, NOBODY, ListenerRegistry, Message
from runtime.ports.memory_bus import MemoryBus
from runtime.ports.requests import RequestClient

SECOND = 1_000_000_000


def raising(problem: BaseException) -> Callable[..., None]:
    def act(*_: object) -> None:
        raise problem

    return act


def test_a_message_cannot_be_changed() -> None:
    message = Message("cell/eye")
    assert (message.headers, message.sender, message.reply_to) == ({}, "", "")
    with pytest.raises(AttributeError):
        message.to = "cell/ear"  # type: ignore[misc]
    with pytest.raises(TypeError):
        NO_HEADERS["a"] = "b"  # type: ignore[index]


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=3), max_size=12))
def test_what_is_sent_while_delivering_comes_after_what_was_sent_before(plan: list[list[str]]) -> None:
    """Each message heard sends the next entry of the plan; the whole is first in, first out."""
    bus, sent, heard = MemoryBus(), ["a"], []
    answers = iter(plan)

    def hear(message: Message) -> None:
        heard.append(message.to.removeprefix("cell/"))
        for name in next(answers, []):
            sent.append(name)
            bus.send(Message(f"cell/{name}"))

    for name in "abc":
        bus.listen(f"cell/{name}", hear)
    bus.send(Message("cell/a"))
    assert heard == sent


def test_time_goes_on_whatever_is_raised() -> None:
    bus, done = MemoryBus(), []
    bus.listen("cell/eye", raising(KeyError("heard")))
    bus.after(1, raising(ValueError("first")))
    bus.after(2, partial(bus.send, Message("cell/eye")))
    bus.after(3, lambda: done.append(bus.now_ns))
    with pytest.raises(ExceptionGroup) as caught:
        bus.advance(10)
    assert [repr(problem) for problem in caught.value.exceptions] == [
        "ValueError('first')",
        "KeyError('heard')",
    ]
    assert (bus.now_ns, done) == (10, [3])


def test_an_interrupt_is_not_kept_and_breaks_nothing() -> None:
    bus, heard = MemoryBus(), list[Message]()
    listener = bus.listen("cell/eye", raising(KeyboardInterrupt()))
    bus.listen("cell/ear", heard.append)
    with pytest.raises(KeyboardInterrupt):
        bus.send(Message("cell/eye"))
    listener.hold()
    bus.send(Message("cell/eye"))
    with pytest.raises(KeyboardInterrupt):
        listener.release()
    bus.send(Message("cell/ear"))
    assert heard == [Message("cell/ear")]


def test_later_may_set_later_and_is_done_in_the_same_advance() -> None:
    bus, done = MemoryBus(), []

    def again() -> None:
        done.append(bus.now_ns)
        if len(done) < 4:
            bus.after(5, again)

    bus.after(5, again)
    bus.advance(17)
    assert (done, bus.now_ns) == ([5, 10, 15], 17)
    bus.advance(3)
    assert done == [5, 10, 15, 20]


def test_a_backlog_counts_what_waits() -> None:
    ears = ListenerRegistry(lambda *what: None)
    backlog = ears.open("cell/eye", lambda message: None, 3)
    backlog.hold()
    for _ in range(5):
        ears.hand(Message("cell/eye"), lambda message: None)
    assert backlog.count == 3
    backlog.release()
    assert backlog.count == 0


def test_the_bus_answers_for_nobody_once_and_tells() -> None:
    told: list[tuple[str, str]] = []
    bus = MemoryBus(lambda *what: told.append(what))
    bus.send(Message("cell/gone", reply_to="protocol/gone/1"))
    assert told == [("cell/gone", "nobody is there"), ("protocol/gone/1", "nobody is there")]


def test_deadlines_may_go_by_another_clock() -> None:
    bus, other = MemoryBus(), MemoryBus()
    questions = RequestClient(bus, "asker/one", other.after)
    bus.listen("cell/eye", lambda message: None)
    answers: list[Message | None] = []
    later: list[str] = []
    questions.ask(Message("cell/eye"), SECOND, answers.append)
    questions.later(SECOND, partial(later.append, "later"))
    bus.advance(2 * SECOND)
    assert (answers, later) == ([], [])
    other.advance(2 * SECOND)
    assert (answers, later) == ([None], ["later"])


def test_closed_questions_are_given_up_silently() -> None:
    bus = MemoryBus()
    questions = RequestClient(bus, "asker/one")
    bus.listen("cell/eye", lambda message: None)
    answers: list[Message | None] = []
    questions.ask(Message("cell/eye"), SECOND, answers.append)
    questions.close()
    bus.advance(2 * SECOND)
    bus.send(Message("asker/one/1"))
    assert answers == []
    RequestClient(bus, "asker/one").close()


def test_only_the_thread_answers_a_question() -> None:
    bus = MemoryBus()
    questions = RequestClient(bus, "asker/1")
    bus.listen("cell/eye", lambda message: None)
    answers: list[Message | None] = []
    questions.ask(Message("cell/eye"), SECOND, answers.append)
    bus.send(Message("asker/1"))
    assert (answers, questions.late_count) == ([], 1)
    bus.send(Message("asker/1/1"))
    bus.send(Message("asker/1/1"))
    assert (len(answers), questions.late_count) == (1, 2)


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 12), st.booleans()), max_size=12))
def test_done_is_called_once_whenever_the_answer_comes(plan: list[tuple[int, int, bool]]) -> None:
    """(timeout, when the answer comes, whether it comes twice)"""
    bus = MemoryBus()
    questions = RequestClient(bus, "asker/one")
    answers: dict[int, list[str]] = {number: [] for number in range(len(plan))}

    def answer(message: Message) -> None:
        _, answer_ns, twice = plan[int(message.data)]
        for _ in range(1 + twice):
            bus.after(answer_ns, partial(bus.send, Message(message.reply_to, message.data)))

    def done(number: int, message: Message | None) -> None:
        answers[number].append("late" if message is None else message.data.decode())

    bus.listen("cell/eye", answer)
    for number, (timeout_ns, _, _) in enumerate(plan):
        questions.ask(Message("cell/eye", b"%d" % number), timeout_ns, partial(done, number))
    bus.advance(100)
    in_time = [answer_ns < timeout_ns for timeout_ns, answer_ns, _ in plan]
    assert answers == {n: [str(n) if ok else "late"] for n, ok in enumerate(in_time)}
    assert questions.late_count == sum(1 + twice for _, _, twice in plan) - sum(in_time)


def test_nobody_is_an_answer() -> None:
    bus = MemoryBus()
    answers: list[Message | None] = []
    RequestClient(bus, "asker/one").ask(Message("cell/gone"), SECOND, answers.append)
    assert [answer and answer.status for answer in answers] == [NOBODY]
