"""The translator port: three attempts with the reason as a hint, then the handshake fails with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

import nimdsl
from gardens.virtual.driver import Options
from nimdsl.program import Schema
from runtime.conformance.translator import TranslatorSuite
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


class TestDocumentTranslator(TranslatorSuite):
    attempts = 1

    def make(self, schemas: Mapping[str, Schema]) -> Translator:
        return DocumentTranslator(schemas)


class Learning:
    """Wrong at first, right when it is told what was wrong: as a model may be."""

    def __init__(self, schemas: Mapping[str, Schema]) -> None:
        self._right = DocumentTranslator(schemas)

    def translate(self, intent: Mapping[str, Any]) -> str:
        return self._right.translate(intent) if intent["hint"] else "let me think"


class TestLearningTranslator(TranslatorSuite):
    attempts = 2

    def make(self, schemas: Mapping[str, Schema]) -> Translator:
        return Learning(schemas)


@pytest.mark.parametrize(
    ("old", "new"), [("WHO", "HOW"), ('"who":', '"whom":'), ('{"$schema"', '[{"$schema"'), ("☃", "?")]
)
def test_the_suite_finds_a_wrong_translator(old: str, new: str) -> None:
    class Wrong(TranslatorSuite):
        def make(self, schemas: Mapping[str, Schema]) -> Translator:
            right = DocumentTranslator(schemas)

            class Translating:
                def translate(self, intent: Mapping[str, Any]) -> str:
                    return right.translate(intent).replace(old, new)

            return Translating()

    with pytest.raises(AssertionError):
        Wrong().test_within_its_attempts_it_writes_the_message_that_is_meant()


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
