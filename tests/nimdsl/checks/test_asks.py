"""Mistakes in asks and replies."""

from __future__ import annotations

import pytest

import nimdsl
from nimdsl.base.diagnostics import Severity

TEXT = """
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: "desk-${k}"}
spec:
  for: {k: [1, 2]}
  accepts: {next: {of: int}, other: {}, plain: {}}
  replies: {next: {ticket: int}, other: {}}
  machine:
    initial: open
    states:
      open:
        transitions:
          - {event: next, internal: true, do: [{reply: {ticket: 1}}]}
          - {event: other, internal: true, do: [{reply: {}}]}
          - {event: plain, internal: true}
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: guest}
spec:
  data: {number: int, ticket: int}
  initial: {number: 1}
  machine:
    initial: waiting
    states:
      waiting:
        enter: [{work: ask}]
        transitions:
          - {event: done, to: waiting, do: [{set: {ticket: "${event.ticket}"}}]}
          - {event: failed, to: waiting}
  work:
    ask: {ask: {to: "desk-${number}", event: next, payload: {of: 3}}, timeout: 5s}
"""


def errors(text: str) -> list[tuple[str, str, str]]:
    found = nimdsl.check_text(text).diagnostics
    return [(one.code, one.message, one.fix) for one in found if one.severity is Severity.ERROR]


def test_it_is_sound() -> None:
    assert errors(TEXT) == []


@pytest.mark.parametrize(
    ("old", "new", "code", "message", "fix"),
    [
        (
            "event: next, payload: {of: 3}",
            "event: plain",
            "NIM0310",
            "`desk-1` does not reply to `plain`",
            "replies",
        ),
        (
            "event: next, payload: {of: 3}",
            "event: nxt",
            "NIM0301",
            "does not accept the event `nxt`",
            "`next`",
        ),
        ('"desk-${number}", event', "desk-*, event", "NIM0310", "an ask goes to one cell", "name one"),
        (
            '"desk-${number}", event',
            '"${origin}", event',
            "NIM0310",
            "an ask goes to a cell that is known",
            "name it",
        ),
        (", payload: {of: 3}", "", "NIM0306", "the event `next` needs `of`", "payload"),
        (", timeout: 5s", "", "NIM0204", "how long it waits", "timeout: 5s"),
        ("timeout: 5s", "timeout: 0s", "NIM0210", "always fails", "5s"),
        (
            "timeout: 5s",
            "timeout: 5s, virtual: {latency: {constant: 1s}}",
            "NIM0203",
            "`virtual` beside `ask`",
            "remove",
        ),
        ("${event.ticket}", "${event.tickt}", "NIM0307", "has no field `tickt`", "`ticket`"),
        (", do: [{reply: {ticket: 1}}]", "", "NIM0413", "nothing replies to `next`", "`reply`"),
        ("reply: {ticket: 1}", "reply: {}", "NIM0306", "the answer to `next` needs `ticket`", "ticket"),
        ("reply: {ticket: 1}", "reply: {ticket: true}", "NIM0304", "int wanted here", ""),
        (
            "{event: plain, internal: true}",
            "{event: plain, internal: true, do: [{reply: {}}]}",
            "NIM0310",
            "different fields",
            "itself",
        ),
        (
            "replies: {next: {ticket: int}, other: {}}",
            "replies: {nex: {ticket: int}, other: {}}",
            "NIM0301",
            "`nex`",
            "`next`",
        ),
    ],
)
def test_mistakes(old: str, new: str, code: str, message: str, fix: str) -> None:
    assert old in TEXT
    found = errors(TEXT.replace(old, new))
    assert found, "nothing was found"
    assert found[0][0] == code
    assert message in found[0][1]
    assert fix in found[0][2]
