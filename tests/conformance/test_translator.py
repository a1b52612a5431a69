"""The translator port: three attempts with the reason as a hint, then the handshake fails with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

import nimdsl
from gardens.virtual.driver import Options
from runtime.ports.translator import DocumentTranslator, Translator
from runtime.records import Asked, HandshakeEnded
from simulate import Result, run
from tests.support.texts import HELLO

PROGRAM = nimdsl.load_text(HELLO)


class Scripted:
    """Answers with each text in turn, the last one for ever; remembers the intents."""

    def __init__(self, *texts: str) -> None:
        self.texts = list(texts)
        self.intents: list[Mapping[str, Any]] = []

    def translate(self, intent: Mapping[str, Any]) -> str:
        self.intents.append(dict(intent))
        text = self.texts.pop(0) if len(self.texts) > 1 else self.texts[0]
        return text.replace("WHO", str(intent["payload"]["who"]))


GOOD = '{"$schema":"hello.v1","type":"HELLO","payload":{"who":"WHO"}}'
WRONG = {
    "not JSON": "hello!",
    "truncated": GOOD[:-3],
    "no object": "[]",
    "NaN": GOOD.replace('"WHO"', "NaN"),
    "other schema": GOOD.replace("hello.v1", "hello.v2"),
    "other type": GOOD.replace("HELLO", "BYE"),
    "a field too many": GOOD.replace('"who"', '"so":1,"who"'),
    "a field too few": GOOD.replace('"who":"WHO"', ""),
    "wrong type of field": GOOD.replace('"WHO"', "7"),
    "deep": "[" * 5_000,
    "empty": "",
}


def spark(translator: Translator) -> Result:
    return run(PROGRAM, "hello", options=Options(translator=translator))


def test_the_default_writes_what_the_document_says() -> None:
    result = spark(DocumentTranslator(PROGRAM.schemas))
    assert result.ok
    bodies = [record.body for record in result.records()]
    sent = [body.sent for body in bodies if isinstance(body, HandshakeEnded)]
    assert sent == [json.loads(GOOD.replace("WHO", who)) for who in ("ann", "bob")]


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_such_message_fails_the_handshake_with_the_reason(name: str) -> None:
    translator = Scripted(WRONG[name])
    result = spark(translator)
    assert not result.completed
    assert {one.verdict for one in result.failures} == {"untranslatable"}
    assert all(one.translations == 3 and one.attempts == 0 for one in result.failures)
    assert all(one.reason for one in result.failures)
    hints = [intent["hint"] for intent in translator.intents]
    assert hints[0] == "", "the first attempt has no hint"
    assert hints[1] == hints[2] == result.failures[0].reason, "later ones are told what was wrong"
    assert result.outcome["lifeforce"]["spent"] == 2 * 3 * 200_000, "each attempt is paid, and nothing else"
    assert not [record for record in result.records() if isinstance(record.body, Asked)]


def test_a_translator_that_learns_from_the_hint_costs_an_attempt() -> None:
    result = spark(Scripted("hm", GOOD))
    assert result.completed
    assert result.outcome["lifeforce"]["spent"] == 1_800_000


def test_a_translator_that_fails_is_tried_again() -> None:
    path = "protocol/hello.translator"
    down = {"virtual": {"latency": {"constant": "1ms"}, "failure": "100%"}}
    result = run(PROGRAM, "hello", set={path: down})
    assert {one.verdict for one in result.failures} == {"untranslatable"}
    assert result.outcome["lifeforce"]["spent"] == 2 * 3 * 200_000
