"""The wire: what is sent is what is heard, and whatever comes is an event that can be journalled."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import nimdsl
from gardens.stores.memory import MemoryJournal
from nimdsl.base import canonical
from runtime.kernel.effects import Deliver, SendMessage, SendReply, SendRequest
from runtime.kernel.events import BEGIN, Answered, AnyEvent, Received, Requested, Stimulus, event_from_data
from runtime.kernel.interpreters import PlainInterpreter
from runtime.kernel.step import Kernel, PriceDecision
from runtime.ports.bus import Message
from runtime.records import Identity, tag_of
from runtime.run import wire
from runtime.run.host import Host
from tests.support.texts import cell

EPOCH = "2026-01-01T00:00:00Z"
RUN = "3f2a9c01"
TEXT = st.text('aZ0é☃ \\"/\n', max_size=5)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
BODY = st.dictionaries(TEXT.filter(lambda key: key != "$schema"), PLAIN, max_size=4)
NAME = st.from_regex(r"[A-Za-z][A-Za-z0-9_.-]{0,6}", fullmatch=True)
ACTOR = st.tuples(st.sampled_from(["cell", "protocol", "scenario"]), NAME).map("/".join)
NUMBER = st.integers(1, 10**15)
TIME_NS = st.integers(0, 10**17)


def sent(effect: Deliver, sender: str, now_ns: int = 0) -> AnyEvent:
    return wire.to_event(wire.to_message(effect, sender, RUN, EPOCH, now_ns))


# What is sent is what is heard


@given(ACTOR, NUMBER, NAME, PLAIN)
def test_messages_and_stimuli_come_back(sender: str, number: int, name: str, payload: Any) -> None:
    effect = SendMessage(number, "cell/eye", name, payload)
    assert sent(effect, sender) == Received(name, payload, sender=sender, number=number)
    stimulus = wire.stimulus("cell/eye", name, payload, sender, number)
    assert wire.to_event(stimulus) == Stimulus(name, payload, sender=sender, number=number)


@given(ACTOR, NUMBER, NUMBER, BODY, ACTOR, st.integers(0, 10**15), TIME_NS, TIME_NS)
def test_requests_come_back(
    sender: str, number: int, opened: int, body: Any, hold: str, process: int, opened_ns: int, now_ns: int
) -> None:
    asks = (Identity(sender, opened), body, hold, process, opened_ns)
    effect = SendRequest(number, "cell/eye", *asks)
    assert sent(effect, sender, now_ns) == Requested(*asks, sender=sender, number=number)


@given(ACTOR, NUMBER, ACTOR, NUMBER, BODY, TIME_NS)
def test_replies_come_back(
    sender: str, number: int, asker: str, opened: int, body: Any, now_ns: int
) -> None:
    effect = SendReply(number, asker, Identity(asker, opened), body)
    message = wire.to_message(effect, sender, RUN, EPOCH, now_ns)
    assert message.to == f"{asker}/{opened}"
    assert wire.to_event(message) == Answered(Identity(asker, opened), body, sender=sender, number=number)


@given(BODY, ACTOR, NUMBER, st.lists(NUMBER, min_size=2, max_size=3, unique=True), TIME_NS)
def test_4_2_attempts_of_a_request_have_the_same_bytes(
    body: Any, sender: str, opened: int, numbers: list[int], opened_ns: int
) -> None:
    asks = (Identity(sender, opened), body, "", 0, opened_ns)
    attempts = [
        wire.to_message(SendRequest(number, "cell/eye", *asks), sender, RUN, EPOCH, now_ns)
        for now_ns, number in enumerate(numbers)
    ]
    assert len({message.data for message in attempts}) == 1
    assert len({message.reply_to for message in attempts}) == 1
    whole = json.loads(attempts[0].data)
    assert whole["request_id"] == wire.request_id(RUN, Identity(sender, opened))
    assert whole["request_id"] != wire.request_id(RUN, Identity(sender, opened + 1))


def test_time_is_written_in_microseconds_since_the_epoch() -> None:
    assert wire.timestamp(EPOCH, 0) == "2026-01-01T00:00:00.000000Z"
    assert wire.timestamp(EPOCH, 86_400 * 10**9 + 1_999) == "2026-01-02T00:00:00.000001Z"


# Programs that know nothing of our headers


def test_what_wants_an_answer_is_a_request_and_what_comes_to_a_thread_is_an_answer() -> None:
    asked = wire.to_event(Message("cell/eye", b'{"a": 1}', reply_to="subject/_INBOX.x.y"))
    assert isinstance(asked, Requested)
    assert asked.request == ("subject/_INBOX.x.y", 0)
    assert (asked.sender, asked.hold, asked.process) == ("", "", 0)
    for reply_to in ("", "subject/_INBOX.x.y"):
        answered = wire.to_event(Message("protocol/spark/17", b'{"a": 1}', reply_to=reply_to))
        assert answered == Answered(Identity("protocol/spark", 17), {"a": 1})


@given(BODY, st.sampled_from(["", "subject/x"]))
def test_an_answer_that_repeats_the_headers_of_its_request_is_nobodys(body: Any, reply_to: str) -> None:
    identity = Identity("protocol/spark", 17)
    ask = SendRequest(18, "cell/eye", identity, {}, "h", 5, 9)
    request = wire.to_message(ask, "protocol/spark", RUN, EPOCH, 0)
    answer = request._replace(to=request.reply_to, reply_to=reply_to, data=canonical.encode(body))
    assert wire.to_event(answer) == Answered(identity, body)


@pytest.mark.parametrize("asker", ["subject/_INBOX.x.y", "cell/eye", "subject/a/17"])
def test_an_answer_to_an_address_without_a_thread_goes_to_the_address(asker: str) -> None:
    asked = wire.to_event(Message("cell/ear", b"{}", reply_to=asker))
    assert isinstance(asked, Requested)
    reply = wire.to_message(SendReply(3, asker, asked.request, {}), "cell/ear", RUN, EPOCH, 0)
    assert reply.to == asker


# Whatever comes


MACHINE = """
    initial: a
    states:
      a: {transitions: [{event: push, to: a, do: [{set: {m: "${event.by + 1}"}}]}]}"""
PROGRAM = nimdsl.load_text(cell(MACHINE, "  accepts: {push: {by: int}}\n  data: {m: int}\n"))
ACTOR_OF_PROGRAM = PROGRAM.cells["c"]


def heard(message: Message) -> str:
    """What a cell makes of it: the type of its first record.  It is journalled on the way."""
    journal = MemoryJournal()
    kernel = Kernel(ACTOR_OF_PROGRAM, PlainInterpreter(ACTOR_OF_PROGRAM.table), PROGRAM.schemas)
    host = Host(kernel, journal)
    host.accept(BEGIN, 0)
    known = len(host.records)
    event = wire.to_event(message)
    host.accept(event, 0, lambda command: PriceDecision(True, 0))
    accepted = [line.body["event"] for line in journal.read(host.id) if line.kind == "accepted"]
    assert event_from_data(accepted[-1]) == event
    return tag_of(host.records[known].body)


GARBAGE = (
    st.binary(max_size=40)
    | st.binary(max_size=20).map(lambda data: b'{"a": "' + data + b'"}')
    | PLAIN.map(lambda value: json.dumps(value).encode())
    | st.sampled_from(
        [
            b"",
            b"{",
            b"NaN",
            b'{"a": NaN}',
            b'{"a": -Infinity}',
            b'{"a": 1e999}',
            b'{"a": "\\ud800"}',
            b'{"\\udfff": 1}',
            b'{"a": "\xed\xa0\x80"}',
            b'{"$schema": []}',
            b'{"$schema": {"a": 1}}',
            b'{"$schema": null}',
            b"[" * 100_000,
            b"[" * 500 + b"]" * 500,
            b'{"a":' * 500 + b"1" + b"}" * 500,
            b"9" * 5_000,
            b'{"a": -0.0}',
            '{"a": 1}'.encode("utf-16"),
            b'\xef\xbb\xbf{"a": 1}',
        ]
    )
)
WORD = st.sampled_from(
    [
        "",
        "abc",
        "-5",
        "1.5",
        "²",
        "٣",
        "9" * 30,
        "9" * 5_000,
        " 1",
        "1\n",
        "request",
        "reply",
        "begin",
        "timer",
    ]
)
HEADERS = st.dictionaries(
    st.sampled_from([wire.KIND, wire.EVENT, wire.HOLD, wire.PROCESS, wire.OPENED]),
    WORD | st.sampled_from(["message", "stimulus", "push"]),
    max_size=4,
)
ADDRESS = st.sampled_from(
    [
        "cell/c",
        "cell/c/17",
        "cell/c/²",
        "cell/c/" + "9" * 5_000,
        "cell/5",
        "",
        "/",
        "subject/a.b",
        "subject/a/1",
    ]
)


@given(GARBAGE, HEADERS, ADDRESS, ADDRESS)
@example(b"", {wire.KIND: "request", wire.PROCESS: "abc"}, "cell/c", "protocol/spark/1")
@example(b'{"by": []}', {wire.KIND: "message", wire.EVENT: "push"}, "cell/c", "")
def test_garbage_becomes_an_event_that_is_journalled_and_refused(
    data: bytes, headers: dict[str, str], to: str, reply_to: str
) -> None:
    record = heard(Message(to, data, headers, "cell/a", 3, reply_to))
    assert record in ("malformed", "stale", "ignored", "fault")


@pytest.mark.parametrize("kind", ["message", "stimulus"])
def test_a_message_that_is_no_json_is_malformed(kind: str) -> None:
    headers = {wire.KIND: kind, wire.EVENT: "push"}
    assert heard(Message("cell/c", b"{", headers, "cell/a", 3)) == "malformed"
    assert heard(Message("cell/c", b'{"by": 1}', headers, "cell/a", 3)) == "transition"


@given(st.text(max_size=6))
def test_whole_numbers_are_digits_and_not_too_many(text: str) -> None:
    found = wire.whole(text)
    assert found is None or (str(found).zfill(len(text)) == text and found < 10**18)


def test_what_is_deep_but_not_too_deep_is_read() -> None:
    def nested(depth: int) -> bytes:
        return b'{"a":' * depth + b"1" + b"}" * depth

    assert wire.decode(nested(wire.DEPTH_MAX)) != {}
    assert wire.decode(nested(wire.DEPTH_MAX + 1)) == {}
    wide: Any = {"a": [[{}]] * 1_000}
    assert wire.decode(canonical.encode(wide)) == wide
    assert wire.decode(b'{"a": "\\u00e4\\ud83d\\ude00"}') == {"a": "ä😀"}
