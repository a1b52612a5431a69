"""Answers to ``origin``: whoever can send the event at hand must accept what comes back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from nimdsl.base.diagnostics import Severity
from nimdsl.base.suggest import phrase
from nimdsl.compile.reader import Findings
from nimdsl.expression.types import Type, accepts, record_of
from nimdsl.program import Work
from nimdsl.program.address import OriginAddress, members_of
from nimdsl.program.flatten import flatten
from nimdsl.program.machine import Send, State, every_action

Accepted = Mapping[str, Mapping[str, Type]]
"""The events that an actor accepts, with the types of their fields."""


@dataclass(frozen=True)
class AnswerBack:
    """What a machine sends back to whoever sent it ``event``; empty for an event that nobody sends."""

    event: str
    send: Send
    guarded: bool = False
    """Whether the transition asks for the `origin` first."""


def answers_back(root: State) -> list[AnswerBack]:
    """Each answer to an ``origin`` of a machine, by the event that leads to it."""
    if not any(_goes_back(action) for action in every_action(root)):
        return []
    table = flatten(root)
    rows = [("", table.begin), *((table.events[row.event], row) for row in table.rows)]
    found = [
        AnswerBack(event, action, row.guard is not None and row.guard.reads("$origin"))
        for event, row in rows
        for action in row.actions
        if isinstance(action, Send) and _goes_back(action)
    ]
    return list({(one.event, id(one.send)): one for one in found}.values())


def _goes_back(action: object) -> bool:
    return isinstance(action, Send) and isinstance(action.to, OriginAddress)


def senders_of(
    machines: Mapping[str, tuple[State, Mapping[str, Work]]],
) -> dict[tuple[str, str], list[str]]:
    """Who can send an event to an actor, or ask it by one, by the actor's id and the event."""
    found: dict[tuple[str, str], list[str]] = {}
    for sender, (root, works) in machines.items():
        for receiver, event in {*_sent(root, works)}:
            found.setdefault((receiver, event), []).append(sender)
    return found


def _sent(root: State, works: Mapping[str, Work]) -> Iterator[tuple[str, str]]:
    for action in every_action(root):
        if isinstance(action, Send):
            yield from ((to, action.event) for to in members_of(action.to))
    for work in works.values():
        if work.ask is not None:
            yield from ((to, work.ask.event) for to in members_of(work.ask.to))


def check_answers_back(
    findings: Findings,
    actor: str,
    accepted: Accepted,
    answers: list[AnswerBack],
    senders: Mapping[tuple[str, str], list[str]],
    known: Mapping[str, Accepted],
) -> None:
    """Whether everybody whom an answer can reach takes it; ``known`` is what actors accept, by id."""
    for answer in answers:
        if answer.event not in accepted:
            _report_nobody(findings, answer)
            continue
        for sender in senders.get((actor, answer.event), ()):
            if sender in known and _problem(findings, answer, sender, known[sender]):
                break


def _problem(findings: Findings, answer: AnswerBack, sender: str, events: Accepted) -> bool:
    send, name = answer.send, sender.removeprefix("cell/")
    fields = events.get(send.event)
    if fields is None:
        message = f"`{name}` sends `{answer.event}`, and does not accept the event `{send.event}`"
        fix = phrase(send.event, events) or f"add it to the `accepts` of `{name}`"
        findings.report("NIM0301", message, send.place, fix)
        return True
    missing = [key for key in fields if send.payload.type.field(key) is None]
    wanted = record_of(fields)
    if missing or not accepts(wanted, send.payload.type):
        lacks = f"needs `{missing[0]}`" if missing else "has other fields"
        message = f"`{name}` sends `{answer.event}`, and the event `{send.event}` that it accepts {lacks}"
        findings.report("NIM0306", message, send.place, "give it the payload that it accepts")
        return True
    return False


def _report_nobody(findings: Findings, answer: AnswerBack) -> None:
    event = "the beginning" if not answer.event else f"`{answer.event}`"
    if answer.event.startswith("after:"):
        event = "a timer"
    message = f"nobody sends {event}, so there is no `origin` to answer"
    fix = "send it where an event of `accepts` is taken, or name the cell"
    findings.report("NIM0309", message, answer.send.place, fix, Severity.WARNING)
