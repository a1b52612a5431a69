"""Why something happened in a run: a record, what led to it, and what led to that.

The law: every record of every actor has an account, and the account ends: at a root, at the depth that is
asked for, or where a journal does not tell.

>>> import simulate
>>> from simulate.seance import seance
>>> account = seance(simulate.run(scenario="spark", seed=1), "protocol/spark", at_ns=0)
>>> [cause.what for cause, _ in account.causes]
['the run began']
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from gardens.report import words
from gardens.report.terminal.bodies import in_words
from nimdsl.base.errors import NimdslError
from nimdsl.base.suggest import phrase
from nimdsl.base.units import MICRO, SECOND_NS
from nimdsl.base.values import Fields, Value
from nimdsl.base.words import counted
from nimdsl.expression.types import ANY, Type
from nimdsl.program import Program
from runtime.kernel.kernel import PriceDecision
from runtime.ledger import accounts
from runtime.ledger.accounts import Question
from runtime.record_bytes import noted_data
from runtime.records import Noted, Record
from runtime.run.causes import Cause, CausingStep, causes_of
from runtime.run.guards import Tested, TriedRow, tried
from runtime.run.history import History, Looked, Past
from runtime.run.recording import opened
from simulate import journals
from simulate.journals import Source
from simulate.surroundings import Surroundings, seconds, surroundings_of

DEPTH: Final = 6
"""How many causes back."""
DEPTH_MAX: Final = 100
_NOTHING: Final = object()


@dataclass(frozen=True, slots=True)
class Change:
    """A field of data that a step changed, by its path; empty where there was none."""

    path: str
    before: str
    after: str


@dataclass(frozen=True)
class Account:
    """A record, or a step that left none, with all that it came from.

    ``causes`` has the main one first; None stands for what is not followed: a root, or too deep.
    """

    actor: str
    at_ns: int
    record: Record | None
    told: str
    """The record in words."""
    record_count: int
    """How many records the actor has."""
    states: tuple[str, str]
    """Before the step and after it."""
    changes: tuple[Change, ...]
    rows: tuple[TriedRow, ...]
    asked: tuple[tuple[Question, PriceDecision], ...]
    around: Surroundings
    causes: tuple[tuple[Cause, Account | None], ...]
    next_ns: int | None
    """When the actor left its next record; None for none."""

    @property
    def summary(self) -> dict[str, Value]:
        """Plain data for JSON; seconds and LF."""
        body = None if self.record is None else dict(noted_data(Noted(self.record.body)))
        return {
            "actor": self.actor,
            "record": None if self.record is None else self.record.sequence,
            "records": self.record_count,
            "time_s": self.at_ns / SECOND_NS,
            "told": self.told,
            "body": body,
            "state": {"before": self.states[0], "after": self.states[1]},
            "data": {one.path: {"before": one.before, "after": one.after} for one in self.changes},
            "rows": [_row_data(row) for row in self.rows],
            "conditions": [{"decides": what, **_tested_data(one)} for what, one in self.around.conditions],
            "prices": [_price_data(*one) for one in self.asked],
            "around": dict(self.around.data),
            "causes": [_cause_data(cause, account) for cause, account in self.causes],
        }


def _row_data(row: TriedRow) -> dict[str, Value]:
    guard = {"holds": True} if row.guard is None else _tested_data(row.guard)
    return {"event": row.event, "to": row.target, **guard}


def _tested_data(guard: Tested) -> dict[str, Value]:
    return {
        "guard": guard.text,
        "place": guard.place,
        "holds": guard.holds,
        "fault": guard.fault,
        "values": {one.name: one.fault or words.value_of(one.type, one.value) for one in guard.values},
    }


def _price_data(question: Question, decision: PriceDecision) -> dict[str, Value]:
    return {
        "asked": accounts.command_to_data(question),
        "granted": decision.granted,
        "balance": decision.balance / MICRO,
        "economy": decision.purse,
    }


def _cause_data(cause: Cause, account: Account | None) -> dict[str, Value]:
    origin: Value = (
        None if cause.origin is None else {"actor": cause.origin.actor, "record": cause.origin.record}
    )
    return {
        "kind": cause.kind,
        "what": cause.what,
        "aside": cause.aside,
        "origin": origin,
        "account": None if account is None else account.summary,
    }


def seance(
    source: Source,
    actor: str,
    *,
    at_ns: int | None = None,
    record: int | None = None,
    depth: int = DEPTH,
) -> Account:
    """Why a record of an actor is there: the one of this sequence, else the last one at or before a time.

    Without either it is the actor's last one.  Causes are followed ``depth`` back, 100 at most.  Raises
    NimdslError for an actor or a record that there is not, PermanentPortError for a journal that cannot be
    replayed.
    """
    with journals.opened(source) as journal:
        telling = Telling(Past(opened(journal)))
        history = _history(telling.past, actor)
        return telling.account(history.actor, _sequence(history, at_ns, record), min(depth, DEPTH_MAX))


def _history(past: Past, actor: str) -> History:
    """The history of who is meant: by the id, or by a name that one actor alone has."""
    known = past.recording.kernels
    named = [one for one in known if one == actor or one.partition("/")[2] == actor]
    if len(named) != 1:
        hint = phrase(actor, named or _candidates(actor, known))
        problem = f"several actors are called `{actor}`" if named else f"nobody is called `{actor}`"
        raise NimdslError(f"{problem} in the scenario `{past.recording.scenario.name}`: {hint}")
    history = past.of(named[0])
    if history is None or not history.records:
        raise NimdslError(f"the journal tells nothing of {named[0]}: it never began")
    return history


def _candidates(actor: str, known: Mapping[str, object]) -> list[str]:
    """Ids where an id was given, else names."""
    return list(known) if "/" in actor else [one.partition("/")[2] for one in known]


def _sequence(history: History, at_ns: int | None, record: int | None) -> int:
    found = history.records
    if record is not None:
        if not 0 <= record < len(found):
            raise NimdslError(f"{history.actor} has the records 0 to {len(found) - 1}, and no {record}")
        return record
    if at_ns is None:
        return len(found) - 1
    before = [one.sequence for one in found if one.at_ns <= at_ns]
    if not before:
        raise NimdslError(f"at {seconds(at_ns)} {history.actor} had not begun: it did at {_began(history)}")
    return before[-1]


def _began(history: History) -> str:
    return seconds(min(one.at_ns for one in history.records))


class Telling:
    """Makes accounts from the past of one run; for one record :func:`seance` does."""

    def __init__(self, past: Past) -> None:
        self.past = past
        self.program: Program = past.recording.program

    def account(self, actor: str, sequence: int, depth: int = DEPTH) -> Account:
        """The account of a record of an actor, which must have it."""
        history = self.past.of(actor)
        assert history is not None
        return self._account(CausingStep(actor, history.step_of(sequence), sequence), depth)

    def _account(self, origin: CausingStep, depth: int) -> Account:
        history = self.past.of(origin.actor)
        assert history is not None
        looked = history.look(origin.step)
        record = None if origin.record is None else history.records[origin.record]
        table, last = history.kernel.actor.table, looked.records[-1] if looked.records else None
        following = None if last is None or record is None else record.sequence + 1
        ahead = history.records[following : following + 1] if following is not None else []
        return Account(
            history.actor,
            looked.line.time_ns if record is None else record.at_ns,
            record,
            "it left no record" if record is None else in_words(record, self.program),
            len(history.records),
            (looked.before.state, looked.after.state),
            tuple(_changes(looked, history.kernel.actor.types)),
            tried(looked, table, origin.record),
            looked.asked,
            surroundings_of(history.kernel, looked, record),
            tuple(self._causes(origin, depth)),
            ahead[0].at_ns if ahead else None,
        )

    def _causes(self, origin: CausingStep, depth: int) -> Iterator[tuple[Cause, Account | None]]:
        if depth <= 0:
            yield from ((cause, None) for cause in causes_of(self.past, *origin))
            return
        for cause in causes_of(self.past, *origin):
            if cause.origin is None:
                yield cause, None
            else:
                yield cause, self._account(cause.origin, 0 if cause.aside else depth - 1)


# Data


def _changes(looked: Looked, types: Mapping[str, Type]) -> Iterator[Change]:
    yield from _changed("", looked.before.data, looked.after.data, types)


def _changed(path: str, before: Fields, after: Fields, types: Mapping[str, Type]) -> Iterator[Change]:
    for name in dict.fromkeys([*before, *after]):
        was, now = before.get(name, _NOTHING), after.get(name, _NOTHING)
        if was == now and type(was) is type(now):
            continue
        whole, kind = f"{path}.{name}" if path else name, types.get(name, ANY)
        if isinstance(was, dict) and isinstance(now, dict):
            yield from _changed(whole, was, now, dict(kind.fields or ()))
        elif isinstance(was, list) and isinstance(now, list) and now[: len(was)] == was:
            yield Change(whole, counted(len(was), "item"), f"and {_text(kind, now[len(was) :])}")
        else:
            yield Change(whole, _text(kind, was), _text(kind, now))


def _text(kind: Type, value: Any) -> str:
    if value is _NOTHING or value is None:
        return "nothing"
    return words.fields({"": kind}, {"": value}).removeprefix("=") or '""'
