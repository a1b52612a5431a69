"""One suite for every implementation of the port :class:`runtime.ports.translator.Translator`.

Subclass :class:`TranslatorSuite` and write ``make``.  A translator may be wrong, but it learns
from the hint: within ``attempts`` it writes a message that the schema accepts and that says what the
document says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nimdsl.base import canonical
from nimdsl.base.canonical import Plain
from nimdsl.loading import load_text
from nimdsl.program import Schema
from runtime.kernel.messages import read
from runtime.ports.translator import Translator

SCHEMAS = """
apiVersion: nimdsl.dev/v1
kind: Schema
metadata: {name: who.v1}
spec:
  role: request
  type: WHO
  payload: {type: object, additionalProperties: false, required: [who], properties: {who: {type: string}}}
---
apiVersion: nimdsl.dev/v1
kind: Schema
metadata: {name: many.v2}
spec:
  role: request
  type: HOW_MANY
  payload:
    type: object
    additionalProperties: false
    required: [count, share, names, sure]
    properties:
      count: {type: integer}
      share: {type: number}
      names: {type: array, items: {type: string}}
      sure: {type: boolean}
"""
WORD = st.text('ab ☃"\\\n{}', max_size=6)
INTENT = st.one_of(
    st.tuples(st.just("who.v1"), st.fixed_dictionaries({"who": WORD})),
    st.tuples(
        st.just("many.v2"),
        st.fixed_dictionaries(
            {
                "count": st.integers(-(2**40), 2**40),
                "share": st.floats(allow_nan=False, allow_infinity=False),
                "names": st.lists(WORD, max_size=3),
                "sure": st.booleans(),
            }
        ),
    ),
)
some = settings(max_examples=25, suppress_health_check=[HealthCheck.differing_executors])


class TranslatorSuite:
    """The laws of a translator."""

    attempts = 3
    """How often it may try, told each time what was wrong; a handshake of a document says so too."""

    def make(self, schemas: Mapping[str, Schema]) -> Translator:
        """A translator that knows these schemas."""
        raise NotImplementedError

    @given(intent=INTENT)
    @some
    def test_within_its_attempts_it_writes_the_message_that_is_meant(
        self, intent: tuple[str, dict[str, Any]]
    ) -> None:
        """Canonically equal to type and payload of the document, however often it erred before."""
        schemas = load_text(SCHEMAS).schemas
        name, payload = intent
        problem, tries = "not tried", 0
        translator, hint = self.make(schemas), ""
        message: Plain = {}
        while problem and tries < self.attempts:
            asked = {"phase": "p", "handshake": "h", "schema": name, "payload": payload, "hint": hint}
            message, problem = read(schemas[name], translator.translate(asked))
            hint, tries = problem, tries + 1
        assert not problem
        said = {"$schema": name, "type": schemas[name].type, "payload": payload}
        assert canonical.encode(message) == canonical.encode(said)

    @given(intent=INTENT)
    @some
    def test_it_changes_nothing_of_the_intent(self, intent: tuple[str, dict[str, Any]]) -> None:
        """What it is asked stays the caller's: it is asked again with it."""
        name, payload = intent
        asked = {"phase": "p", "handshake": "h", "schema": name, "payload": payload, "hint": ""}
        before = canonical.encode(asked)
        self.make(load_text(SCHEMAS).schemas).translate(asked)
        assert canonical.encode(asked) == before
