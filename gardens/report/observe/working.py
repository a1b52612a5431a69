"""How long actors waited: for work that they started, for answers that they asked for, until they answered.

Seen from the records alone.  Work begins with its record and comes back with the event that its outcome
is called, all its attempts and the waits between them included; of several of the same outcome under way
at once the oldest is taken for the one that came back, which changes neither count nor mean, and ``exact``
says that it did not happen.  A fault hides which work came back: whatever is under way then is not
measured, and counted.  A request is asked once, however often it is sent again.

Bounded by what is under way at once, and by the names of works and receivers.
"""

from __future__ import annotations

from dataclasses import dataclass

from gardens.report.observe.spread import Counting, Spread
from nimdsl.program import Actor
from nimdsl.program.flatten import FAULT, REQUESTED, own_event
from nimdsl.program.machine import Request, every_action, every_way
from runtime.records import (
    Abandoned,
    AnsweredAgain,
    Asked,
    Broken,
    Deferred,
    Ignored,
    Moved,
    Record,
    Refused,
    Replied,
    Sent,
    WorkRepeated,
    WorkStarted,
)

WORK, REQUEST, ANSWER = "work", "request", "answer"
DEFERRED_COUNT_MAX = 256
"""Of how many requests that wait for their answer it is known since when."""


@dataclass(frozen=True, slots=True)
class Delay:
    """How long one actor waited for one work or receiver, or was waited for."""

    actor: str
    kind: str
    name: str
    """The work, or who was asked; empty for answers."""
    begun: int
    ended: Spread
    """Of those that came back."""
    abandoned: int
    """Work that was given up; requests that were never answered before the next."""
    unmeasured: int
    """Of which it is not known when they came back."""
    exact: bool
    repeated: int = 0
    """How many attempts failed and were followed by another one."""

    @property
    def under_way(self) -> int:
        """What had not come back in the end."""
        return self.begun - self.ended.total - self.abandoned - self.unmeasured


class _Line:
    """A delay that grows."""

    def __init__(self) -> None:
        self.begun = self.abandoned = self.unmeasured = self.repeated = 0
        self.ended = Counting()
        self.exact = True
        self.open: dict[int, int] = {}
        """Since when, by number."""


class Working:
    """Follows work, requests and answers of one actor."""

    def __init__(self, actor: Actor) -> None:
        self._actor = actor.id
        self._outcomes: dict[str, list[str]] = {}
        for name, work in actor.works.items():
            for event in set(work.outcomes.values()):
                self._outcomes.setdefault(event, []).append(name)
        requests = (action for action in every_action(actor.root) if isinstance(action, Request))
        self._replies = {action.reply_event for action in requests}
        self._faults = {
            own_event(answer, FAULT) for answer in ("", *(w.answer for w in every_way(actor.root)))
        }
        self._lines: dict[tuple[str, str], _Line] = {}
        self._asked: tuple[int, str] | None = None
        """The number of the request that is open, and who was asked."""
        self._serving_ns: int | None = None
        self._deferred: dict[object, int] = {}
        self._is_again = self._is_served = False
        self._open_count = self._busy_ns = self._since_ns = 0

    def take(self, record: Record) -> None:
        """One record more, in the actor's order."""
        at_ns = record.at_ns
        match record.body:
            case WorkStarted(work, number, attempt=1):
                self._begin(work, number, at_ns)
            case WorkRepeated(work=work, number=number, next_number=following):
                self._repeat(work, number, following or number)
            case Abandoned(work, number):
                self._give_up(work, number, at_ns)
            case Broken():
                self._lose(at_ns)
            case Asked(to=to, request=number):
                self._ask(to, number, at_ns)
            case Deferred(request) if request is not None:
                if len(self._deferred) >= DEFERRED_COUNT_MAX:
                    del self._deferred[next(iter(self._deferred))]
                self._deferred[request] = at_ns
            case AnsweredAgain():
                self._is_again = True
            case Sent():
                self._is_again = False  # an ask was answered again, by an event
            case Replied(request=request):
                self._reply(request, at_ns)
            case Moved(event=event) | Ignored(event=event) | Refused(event=event):
                self._hear(event, at_ns, moved=isinstance(record.body, Moved))
            case _:
                pass

    def _line(self, kind: str, name: str) -> _Line:
        return self._lines.setdefault((kind, name), _Line())

    # Work

    def _begin(self, work: str, number: int, at_ns: int) -> None:
        line = self._line(WORK, work)
        line.begun += 1
        line.open[number] = at_ns
        self._count(1, at_ns)

    def _repeat(self, work: str, number: int, following: int) -> None:
        """It is the same work, under another number."""
        line = self._line(WORK, work)
        line.repeated += 1
        if number in line.open:
            line.open[following] = line.open.pop(number)

    def _give_up(self, work: str, number: int, at_ns: int) -> None:
        line = self._line(WORK, work)
        if line.open.pop(number, None) is not None:
            line.abandoned += 1
            self._count(-1, at_ns)

    def _lose(self, at_ns: int) -> None:
        """It is not known any more what is under way."""
        for (kind, _), line in self._lines.items():
            if kind == WORK:
                line.unmeasured += len(line.open)
                self._count(-len(line.open), at_ns)
                line.open.clear()

    def _come_back(self, event: str, at_ns: int) -> None:
        found = [
            (since_ns, number, line)
            for name in self._outcomes[event]
            if (line := self._lines.get((WORK, name))) is not None
            for number, since_ns in line.open.items()
        ]
        if not found:
            return
        # What the transition itself started is written down before it.
        earlier = [one for one in found if one[0] < at_ns] or found
        since_ns, number, line = min(earlier, key=lambda one: one[:2])
        line.exact &= len(earlier) == 1
        del line.open[number]
        line.ended.add(at_ns - since_ns)
        self._count(-1, at_ns)

    def _count(self, more: int, at_ns: int) -> None:
        if self._open_count:
            self._busy_ns += at_ns - self._since_ns
        self._open_count += more
        self._since_ns = at_ns

    # Requests and answers

    def _ask(self, to: str, number: int, at_ns: int) -> None:
        if self._asked is not None:
            asked = self._line(REQUEST, self._asked[1])
            if self._asked[0] == number:
                return
            asked.open.clear()
            asked.abandoned += 1
        self._asked = number, to
        line = self._line(REQUEST, to)
        line.begun += 1
        line.open[number] = at_ns

    def _hear(self, event: str, at_ns: int, *, moved: bool) -> None:
        if event in self._faults:
            self._lose(at_ns)
        elif event in self._outcomes:
            self._come_back(event, at_ns)
        elif event in self._replies and self._asked is not None:
            line = self._line(REQUEST, self._asked[1])
            line.ended.add(at_ns - line.open.pop(self._asked[0]))
            self._asked = None
        elif event.startswith(REQUESTED) and moved:
            # An answer that is given at once is written down before the transition that gives it.
            self._serving_ns = None if self._is_served else at_ns
            self._is_served = False
            self._line(ANSWER, "").begun += self._serving_ns is not None

    def _reply(self, request: object, at_ns: int) -> None:
        if self._is_again:
            self._is_again = False
            return
        line, serving_ns = self._line(ANSWER, ""), self._serving_ns
        self._is_served = serving_ns is None
        line.begun += serving_ns is None
        since_ns = self._deferred.pop(request, at_ns if serving_ns is None else serving_ns)
        line.ended.add(at_ns - since_ns)
        self._serving_ns = None

    # What is known

    def delays(self) -> tuple[Delay, ...]:
        """What is known up to now, by kind and name."""
        return tuple(
            Delay(
                self._actor,
                kind,
                name,
                line.begun,
                line.ended.spread(),
                line.abandoned,
                line.unmeasured,
                line.exact,
                line.repeated,
            )
            for (kind, name), line in sorted(self._lines.items())
        )

    def busy_ns(self, end_ns: int) -> int:
        """How long any work was under way, up to ``end_ns``."""
        return self._busy_ns + (max(0, end_ns - self._since_ns) if self._open_count else 0)
