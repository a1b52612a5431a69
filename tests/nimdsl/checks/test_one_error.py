"""One mistake is one error, where it was made, and what it says to write can be written."""

from __future__ import annotations

import pytest

import nimdsl
from nimdsl.base.diagnostics import Diagnostic
from tests.nimdsl.mutation.judge import applied

GARDEN = """\
apiVersion: nimdsl.dev/v1
kind: Schema
metadata: {name: ask}
spec:
  role: request
  type: ASKED
  payload:
    type: object
    additionalProperties: false
    required: [topic]
    properties: {topic: {type: string}}
---
apiVersion: nimdsl.dev/v1
kind: Schema
metadata: {name: answer}
spec:
  role: reply
  type: TOLD
  payload:
    type: object
    additionalProperties: false
    required: [count]
    properties: {count: {type: integer, minimum: 0}}
---
apiVersion: nimdsl.dev/v1
kind: Economy
metadata: {name: "purse-${k}"}
spec:
  for: {k: [1, 2, 3]}
  opening: 5
  marks: {low: {below: 1}}
---
apiVersion: nimdsl.dev/v1
kind: Garden
metadata: {name: town}
spec:
  clock: {epoch: "2026-01-01T08:00:00Z"}
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: "robot-${k}"}
spec:
  for: {k: [1, 2, 3]}
  economy: "purse-${k}"
  data: {count: int}
  accepts: {go: {size: int}}
  machine:
    initial: duty
    states:
      duty:
        initial: home
        transitions: [{event: low, to: duty}]
        states:
          home: {transitions: [{event: go, to: away, cost: 1}]}
          away: {timers: [{after: 5s, to: home}]}
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: oracle}
spec:
  data: {count: int}
  accepts: {tell: {}}
  replies: {tell: {count: int}}
  machine:
    initial: idle
    states:
      idle:
        enter: [{work: look}]
        transitions:
          - {event: tell, internal: true, do: [{reply: {count: "${count}"}}]}
          - {event: done, to: rest}
          - {event: failed, to: rest}
      rest: {timers: [{after: 5s, to: idle}]}
  answers:
    all:
      request: ask
      reply: answer
      payload: {count: 0}
  work:
    look: {timeout: 1s, virtual: {latency: {constant: 10ms}}}
---
apiVersion: nimdsl.dev/v1
kind: Phase
metadata: {name: first}
spec:
  cell: oracle
  request: {schema: ask, timeout: 1s}
  reply: {schema: answer}
  handshakes:
    - name: ask_${topic}
      for: {topic: [sun, moon]}
      payload: {topic: "${topic}"}
  accept: reply.status == "ACK"
  exit: replies.all(r, r.status == "ACK")
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: day}
spec:
  economy: purse-1
  stimuli:
    - {at: 1s, to: robot-*, event: go, payload: {size: 1}}
    - {at: 2s, to: robot-1, event: go, draws: {size: {uniform: [1, 5]}}}
  expect: [completed]
"""


def test_the_garden_is_in_order() -> None:
    assert nimdsl.check_text(GARDEN).diagnostics == ()


def only(old: str, new: str) -> tuple[str, Diagnostic]:
    assert GARDEN.count(old) == 1
    text = GARDEN.replace(old, new)
    found = nimdsl.check_text(text).diagnostics
    assert len(found) == 1, "\n".join(one.to_text() for one in found)
    return text, found[0]


@pytest.mark.parametrize(
    ("old", "new", "fix"),
    [
        ('epoch: "2026-01-01T08:00:00Z"', "epoch: 08:00", 'write for example `"2026-01-01T00:00:00Z"`'),
        (
            'epoch: "2026-01-01T08:00:00Z"',
            "epoch: 2026-01-01",
            'write for example `"2026-01-01T00:00:00Z"`',
        ),
        ("payload: {size: 1}}", "payload: {sise: 1}}", "did you mean `size`?"),
        ("draws: {size:", "draws: {sise:", "did you mean `size`?"),
        ("payload: {count: 0}", "payload: {cuont: 0}", "did you mean `count`?"),
        ('payload: {topic: "${topic}"}', 'payload: {tpic: "${topic}"}', "did you mean `topic`?"),
        ("reply: {count:", "reply: {cuont:", "did you mean `count`?"),
        ("accepts: {tell: {}}", "accepts: [tell]", "write for example `accepts: {tell: {}}`"),
        ('accept: reply.status == "ACK"', 'accept: reply.status == "ack"', "did you mean `ACK`?"),
        ('r.status == "ACK"', 'r.status == "NAK"', "did you mean `NACK`?"),
        ("  data: {count: int}\n  accepts: {go", "  data: [count]\n  accepts: {go", "`data: {count: int}`"),
    ],
)
def test_the_fix_can_be_written_as_it_stands(old: str, new: str, fix: str) -> None:
    text, found = only(old, new)
    assert fix in found.fix
    fixed = applied(text, found)
    assert fixed is not None
    left = [one for one in nimdsl.check_text(fixed).diagnostics if one.severity == "error"]
    assert not left, f"{fixed}\n{left[0].to_text()}"


def test_a_state_that_does_not_say_what_is_entered_first() -> None:
    _, found = only("        initial: home\n", "")
    assert found.place.excerpt.strip() == "duty:"
    assert found.message.startswith("`duty` does not say which of its states")
    assert found.fix == "add `initial: home`, or `away`"
    _, found = only("    initial: idle\n", "")
    assert found.place.excerpt.strip() == "machine:"
    assert found.fix == "add `initial: idle`, or `rest`"


def test_a_variable_that_nothing_declares_is_said_once_where_it_makes_a_family() -> None:
    _, found = only("  for: {k: [1, 2, 3]}\n  economy: ", "  economy: ")
    assert found.fix == "add `for: {k: [...]}` to the spec"
    assert "metadata" in found.place.excerpt
    _, found = only("      for: {topic: [sun, moon]}\n", "")
    assert found.fix == "add `for: {topic: [...]}` beside `name`"
    _, found = only("  opening: 5\n", '  opening: "${much}"\n  capacity: "${much}"\n')
    assert found.fix == "add `parameters: {much: ...}` to the spec"


def test_work_of_an_answer_that_the_machine_starts_too() -> None:
    _, found = only("      reply: answer\n", "      reply: answer\n      work: look\n")
    assert found.message.startswith("`look` is what an answer does, and work is the machine's or")
    assert found.fix.startswith("declare it a second time for the machine")
    assert found.place.excerpt.strip() == "enter: [{work: look}]"


def test_a_value_that_a_schema_does_not_allow_is_told_in_words() -> None:
    _, found = only("payload: {count: 0}", "payload: {count: many}")
    assert found.message == "`answer` wants a whole number here, this is text ('many')"
    assert found.fix == "write a whole number, 0 or more"
    _, found = only("payload: {count: 0}", "payload: {count: -1}")
    assert found.fix == "write a whole number, 0 or more"
    _, found = only("payload: {count: 0}", 'payload: {count: "${count * 0.5}"}')
    assert found.fix == 'write `"${round(count * 0.5)}"`'


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [("cost: 1}", "cost: 200}", "NIM0512"), ("marks: {low:", "marks: {lower:", "NIM0406")],
)
def test_what_holds_of_each_of_a_family_is_told_of_one(old: str, new: str, code: str) -> None:
    found = nimdsl.check_text(GARDEN.replace(old, new)).diagnostics
    assert [one.code for one in found if one.code != "NIM0510"] == [code]


def test_a_mark_that_nobody_hears_of_is_told_of_one_economy() -> None:
    text = GARDEN.replace("        transitions: [{event: low, to: duty}]\n", "")
    (found,) = nimdsl.check_text(text).diagnostics
    assert (found.code, found.place.line) == ("NIM0510", 31)
    broken = text.replace("metadata: {name: oracle}", "metadata: {name: [oracle}")
    assert {one.code for one in nimdsl.check_text(broken).diagnostics} == {"NIM0106"}
