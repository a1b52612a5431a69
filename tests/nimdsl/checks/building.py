"""Documents for the tests of checks.

In a text that is wrong, ``§`` stands where the diagnostic must point; it is
removed before the text is checked.
"""

from __future__ import annotations

import textwrap

import nimdsl
from nimdsl import Diagnostic

MARK = "§"

ECONOMY = """
apiVersion: nimdsl.dev/v1
kind: Economy
metadata: {name: purse}
spec: {opening: 10, prices: {translation: 0.2, publish: 0.1, process: 0.5}, rewards: {answered: 2}}
"""

YOUNG = """
apiVersion: nimdsl.dev/v1
kind: Attention
metadata: {name: young}
spec:
  levels:
    - {name: reflex, reflex: true, take: {each: 50ms}, max_per_beat: 5}
    - {name: dialogue, take: all}
    - {name: thinking, take: {share: 90%, cap: 12s}, takes: 1s, tiers: [1, 3]}
"""

TALK = """
apiVersion: nimdsl.dev/v1
kind: Schema
metadata: {name: ask}
spec:
  role: request
  type: ASK
  payload:
    type: object
    additionalProperties: false
    required: [topic]
    properties: {topic: {type: string, enum: [sun, rain]}, depth: {type: integer, minimum: 1}}
---
apiVersion: nimdsl.dev/v1
kind: Schema
metadata: {name: answer}
spec:
  role: reply
  type: ANSWER
  payload:
    type: object
    additionalProperties: false
    required: [text, confidence]
    properties: {text: {type: string}, confidence: {type: number}}
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: oracle}
spec:
  answers:
    any: {request: ask, reply: answer, payload: {text: "about ${request.payload.topic}", confidence: 0.9}}
"""


def together(*documents: str) -> str:
    """Documents as one text."""
    return "\n---\n".join(textwrap.dedent(document).strip("\n") for document in documents)


def cell(machine: str, spec: str = "accepts: {go: {}, stop: {}}", name: str = "it") -> str:
    """A cell with the given machine (YAML below ``machine:``) and other fields of its spec."""
    head = f"apiVersion: nimdsl.dev/v1\nkind: Cell\nmetadata: {{name: {name}}}\nspec:\n"
    other = textwrap.indent(textwrap.dedent(spec).strip("\n"), "  ")
    return f"{head}{other}\n  machine:\n{textwrap.indent(textwrap.dedent(machine).strip(chr(10)), '    ')}"


def phase(name: str = "first", **fields: str) -> str:
    """A phase of one handshake that asks the oracle; ``fields`` replace or add lines of its spec."""
    spec = {
        "cell": "oracle",
        "request": "{schema: ask, timeout: 5s}",
        "reply": "{schema: answer}",
        "handshakes": "[{name: sun, payload: {topic: sun}}]",
        "accept": "reply.payload.confidence > 0.5",
        "exit": "accepted == handshakes",
        **fields,
    }
    lines = "\n".join(f"  {key}: {value}" for key, value in spec.items())
    return f"apiVersion: nimdsl.dev/v1\nkind: Phase\nmetadata: {{name: {name}}}\nspec:\n{lines}"


def document(kind: str, spec: str, name: str = "it") -> str:
    """Any document with its spec in flow style."""
    return f"apiVersion: nimdsl.dev/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {spec}"


def finds(code: str, *documents: str) -> Diagnostic:
    """Checks that there is exactly one diagnostic, that it has the code, and that it points at the mark."""
    text = together(*documents)
    assert text.count(MARK) == 1
    before = text.partition(MARK)[0].split("\n")
    report = nimdsl.check_text(text.replace(MARK, ""), root=".")
    shown = "\n".join(diagnostic.to_text() for diagnostic in report.diagnostics)
    assert [diagnostic.code for diagnostic in report.diagnostics] == [code], shown
    found = report.diagnostics[0]
    assert (found.place.line, found.place.column) == (len(before), len(before[-1]) + 1), shown
    assert report.program is None
    return found


def leaves_alone(*documents: str) -> None:
    """Checks that there is nothing to say."""
    report = nimdsl.check_text(together(*documents))
    assert report.diagnostics == (), "\n".join(diagnostic.to_text() for diagnostic in report.diagnostics)
    assert report.program is not None
