"""L1 parity: the virtual garden runs the program on a recorded bus (SEMANTICS 8.4).

Every actor lives here again.  What it sends, starts and asks for is its own; when
that arrives, if it does, and how work and prices end, is what the journal says of
the same (sender, number).  The laws:

* What the journal shows as accepted was sent here: to this receiver, with this
  kind and payload.
* What is sent here and arrives nowhere has an explanation: the bus was declared to
  lose it, its receiver was away, it was on its way when the journal ended.
* What is published here has a copy for each actor that hears its topic; whoever
  accepted one hears it, and each copy that is missing has an explanation.
* Records, outcomes and times are those that :mod:`runtime.run.replay` asks for.
* The ledger's journal is what the commands of the actors lead to, entry by entry,
  in some order in which each actor's own commands keep theirs; SEMANTICS 3.1 holds
  on every prefix; what an actor heard is what the ledger says.

An event waits for its cause, not for a clock, so clocks that disagree change no
verdict; of what could happen, the order of SEMANTICS 2.2 decides.  Once an actor
differs, what it sends and takes is judged no more.
"""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import takewhile

from gardens.virtual.recorded_books import BookAudit
from gardens.virtual.verdict import Identity, Parity, SentMessage
from nimdsl.base import canonical
from nimdsl.base.errors import PermanentPortError
from nimdsl.base.units import SECOND_NS
from nimdsl.base.values import Value
from nimdsl.compile.garden import PERFECT_GARDEN
from runtime.chance.models import BusFaultModel, Draws
from runtime.chance.stimuli import stimuli_of
from runtime.kernel.effects import (
    AnyEffect,
    Book,
    Deliver,
    PublishWave,
    SendMessage,
    SendReply,
    SendRequest,
)
from runtime.kernel.events import (
    Answered,
    AnyEvent,
    Boundary,
    Finished,
    Loan,
    Marked,
    Received,
    Requested,
    Returned,
    Stimulus,
    TimerDue,
)
from runtime.ledger.accounts import GiveBack
from runtime.ports.bus import Message, check_size
from runtime.ports.topics import matches
from runtime.run import wire
from runtime.run.audit import AskedCommand, ParityMismatch
from runtime.run.elsewhere import strangers
from runtime.run.inbox import AcceptedEvent, Difference, at_line
from runtime.run.lines import (
    STIMULI,
    Noticed,
    Started,
    processes_in,
    readable_entries,
)
from runtime.run.recording import Recording
from runtime.run.replay import Stepper
from runtime.run.run import (
    BOOKS,
    WIND_DOWN_NS,
    books_of,
    hearers_of,
    told_by,
)

TIMER_SLACK_NS = 100_000
"""So much early a timer of a real garden may come: event loops wake a little before the time."""
_HARMLESS = ("delayed", "held back", "duplicated")
"""How incidents end that lose nothing."""
_MESSAGES = (Requested, Answered, Received, Stimulus, Marked, Loan)


def parity(recording: Recording) -> Parity:
    """Runs the program on what the journal says.  Raises NimdslError for lines that cannot be read."""
    return RecordedGarden(recording).run()


class RecordedGarden:
    """One run of a program on a recorded bus."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        program, scenario = recording.program, recording.scenario
        self.garden = program.gardens.get(recording.garden or scenario.garden, PERFECT_GARDEN)
        self.grace_ns = int(WIND_DOWN_NS * max(1.0, recording.rate)) if recording.garden else 0
        """How long what is instantaneous in a virtual garden may take in this one; garden time."""
        self.inboxes = recording.inboxes
        restarts = recording.restart_count
        self.actors = {name: Stepper(recording.kernels[name], restarts) for name in self.inboxes}
        self.queues = {name: deque(inbox.lines) for name, inbox in self.inboxes.items()}
        self.last_ns = max(
            (inbox.lines[-1].time_ns for inbox in self.inboxes.values() if inbox.lines), default=0
        )
        self.ended_ns: int | None = None
        self.scenario_id = f"{STIMULI}{scenario.name}"
        ids = sorted(tuple(name.split("/", 1)) for name in [*recording.kernels, self.scenario_id])
        self.emitters = {"/".join(name): number for number, name in enumerate(ids)}
        self.draws = Draws(recording.seed, recording.replication)
        self.fates = BusFaultModel(self.draws, self.garden.bus)
        self.sent: dict[Identity, SentMessage] = {}
        self.published: dict[Identity, dict[str, SentMessage]] = {}
        """The copies of what was published, by who hears it."""
        self.arrived: set[Identity] = set()
        self.heard: set[tuple[Identity, str]] = set()
        """Copies that arrived."""
        self.ready: list[tuple[tuple[int, int, int, int], str]] = []
        self.waiting: dict[Identity, list[str]] = {}
        """Whose next event is a message that is not sent yet."""
        self.asked: list[AskedCommand] = []
        self.given_back: set[str] = set()
        """The requests for units that their actors have ended, by key."""
        self.astray: set[str] = set()
        self.differences: list[Difference] = list(strangers(recording))
        self.notes: Counter[str] = Counter()
        self.ahead_ns = 0
        """How much before it was sent a message arrived, at most."""

    def run(self) -> Parity:
        """Takes every accepted event, each after its cause."""
        self._prepare()
        for name in self.inboxes:
            self._line_up(name)
        while self.ready or self.waiting:
            name = heapq.heappop(self.ready)[1] if self.ready else self._hopeless()
            self._take(name, self.queues[name].popleft())
            self._line_up(name)
        explained: Counter[str] = Counter()
        losses = tuple(self._losses(explained))
        entry_count = self._audit()
        if self.ahead_ns > TIMER_SLACK_NS and self.recording.garden:
            text = (
                f"the clocks disagree: messages arrived up to {self.ahead_ns / 1e6:.1f} ms before they left"
            )
            self.notes[text] = 1
        return Parity(
            tuple(self.differences),
            losses,
            dict(sorted(explained.items())),
            tuple(text if count == 1 else f"{text} ({count} times)" for text, count in self.notes.items()),
            sum(len(inbox.lines) for inbox in self.inboxes.values()),
            len(self.sent) + sum(map(len, self.published.values())),
            entry_count,
        )

    def _prepare(self) -> None:
        """The stimuli that were due, and what and who is not there."""
        if self.recording.garden and not self.recording.complete:
            self.notes["the journal is not complete: its garden lives, or did not go down in order"] = 1
        scenario, sender = self.recording.scenario, self.scenario_id
        due = stimuli_of(scenario, self.draws)
        for at_ns, number, one in takewhile(lambda arrival: arrival[0] <= self.last_ns, due):
            event = Stimulus(one.event, dict(one.payload), sender=sender, number=number)
            self.sent[sender, number] = SentMessage(sender, number, one.to, at_ns, event, (at_ns,))
        self._prepare_told()
        for name in sorted(set(self.recording.kernels) - set(self.inboxes)):
            if self.recording.garden:
                self.notes[f"{name} has no journal here"] += 1
            else:
                self.differences.append(Difference(ParityMismatch.SILENT, name, 0, "every actor begins"))

    def _prepare_told(self) -> None:
        """What the ledger's journal says was told; that it was right to tell it the audit says."""
        recording = self.recording
        hearers = hearers_of(recording.program, recording.scenario)
        purses = books_of(recording.program, recording.scenario, recording.epoch).purses
        for entry in readable_entries(recording.journal):
            for name, event in told_by(entry, purses, hearers):
                copies = self.published.setdefault((event.sender, event.number), {})
                at_ns = entry.time_ns
                copies[name] = SentMessage(event.sender, event.number, name, at_ns, event, (at_ns,))

    # One event after the other

    def _line_up(self, name: str) -> None:
        """The next event of an actor is possible, or waits for its cause."""
        if self.queues[name]:
            event = self.queues[name][0].event
            identity = event.sender, event.number
            caused = identity in self.sent or identity in self.published
            if event.sender in self.actors and not caused:
                self.waiting.setdefault(identity, []).append(name)
            else:
                heapq.heappush(self.ready, (self._order(name), name))
        else:
            self._differs(name, self.inboxes[name].damage)

    def _order(self, name: str) -> tuple[int, int, int, int]:
        line = self.queues[name][0]
        event = line.event
        match event:
            case TimerDue() | Boundary():
                number = event.generation
            case Finished():
                number = event.work
            case _:
                number = event.number
        return line.time_ns, event.priority, self.emitters.get(event.sender or name, -1), number

    def _hopeless(self) -> str:
        """Nobody can go on: who waits for what cannot come any more, the earliest first."""

        def rank(name: str) -> tuple[bool, tuple[int, int, int, int]]:
            event = self.queues[name][0].event
            sender = self.actors[event.sender]
            gone = not self.queues[event.sender] or event.number < sender.snapshot.effect_number
            return not gone, self._order(name)

        name = min((name for names in self.waiting.values() for name in names), key=rank)
        event = self.queues[name][0].event
        names = self.waiting.pop((event.sender, event.number))
        names.remove(name)
        for other in names:
            self._line_up(other)
        return name

    def _take(self, name: str, line: AcceptedEvent) -> None:
        actor = self.actors[name]
        self._judge(name, line)
        taken = actor.take(line, last=not self.queues[name])
        self._differs(name, taken.difference)
        for index, command in enumerate(taken.commands):
            paid = line.answers[index] if index < len(line.answers) else None
            self.asked.append(AskedCommand(name, (line.position, index), command, line, paid))
        self._carry_out(name, line, taken.effects)
        if name == self.recording.scenario.ends_with and self.ended_ns is None:
            table = actor.kernel.actor.table
            if actor.snapshot.fault or table.state_numbers.get(actor.snapshot.state) in table.final:
                self.ended_ns = line.time_ns

    def _carry_out(self, name: str, line: AcceptedEvent, effects: tuple[AnyEffect, ...]) -> None:
        for index, effect in enumerate(effects):
            if isinstance(effect, SendMessage | SendRequest | SendReply):
                self._send(name, line.time_ns, effect)
            elif isinstance(effect, PublishWave):
                self._publish(name, line.time_ns, effect)
            elif isinstance(effect, Book):
                item = line.position, BOOKS + index
                if isinstance(effect.command, GiveBack):
                    self.given_back.add(effect.command.key)
                self.asked.append(AskedCommand(name, item, effect.command, line, None))

    def _send(self, name: str, now_ns: int, effect: Deliver) -> None:
        message = wire.to_message(effect, name, self.recording.run_id, self.garden.epoch, now_ns)
        if message.to.startswith(wire.OUTSIDE):
            return
        to = message.to if message.to in self.recording.kernels else message.to.rpartition("/")[0]
        arrivals, _ = self.fates.arrivals(name, message.to, effect.number, now_ns)
        identity = name, effect.number
        too_large = self._is_too_large(message)
        self.sent[identity] = SentMessage(
            *identity, to, now_ns, wire.to_event(message), arrivals, too_large, message.to
        )
        self._caused(identity)

    def _publish(self, name: str, now_ns: int, effect: PublishWave) -> None:
        message = wire.to_wave(effect, self.recording.kernels[name].actor)
        identity, topic, event = (name, effect.number), message.to, wire.to_event(message)
        too_large = self._is_too_large(message)
        self.published[identity] = copies = {}
        for one, kernel in self.recording.kernels.items():
            hears = kernel.actor.hears_from(name)
            if hears and any(matches(pattern, topic) for pattern in kernel.actor.hears):
                arrivals, _ = self.fates.arrivals(name, topic, effect.number, now_ns, one)
                copies[one] = SentMessage(*identity, one, now_ns, event, arrivals, too_large, topic)
        self._caused(identity)

    def _is_too_large(self, message: Message) -> bool:
        try:
            check_size(message, self.garden.bus.payload_bytes_max)
        except PermanentPortError:
            return True
        return False

    def _caused(self, identity: Identity) -> None:
        """Who waited for this may take it."""
        for receiver in self.waiting.pop(identity, ()):
            self._line_up(receiver)

    # Causes

    def _differs(self, name: str, difference: Difference | None) -> None:
        """The first difference of an actor."""
        if difference is not None and name not in self.astray:
            self.astray.add(name)
            self.differences.append(difference)

    def _judge(self, name: str, line: AcceptedEvent) -> None:
        event, identity = line.event, (line.event.sender, line.event.number)
        if isinstance(event, TimerDue | Boundary):
            armed = self.actors[name].snapshot.timers.get(event.timer)
            if armed:
                due_ns = self.draws.due_ns(name, armed.generation, armed.deadline_ns, armed.jitter_ns)
                text = f"it is due at {due_ns / SECOND_NS:.6f} s"
                self._differs(name, self._out_of_time(name, line, (due_ns,), text))
        if isinstance(event, Returned) and not self._comes_back(name):
            text = "nothing took it away, so it cannot come back"
            self._differs(name, at_line(ParityMismatch.UNSENT, name, line, text))
        if not isinstance(event, _MESSAGES):
            return
        sent = self.sent.get(identity) or self.published.get(identity, {}).get(name)
        self.arrived.add(identity)
        self.heard.add((identity, name))
        if self.astray & {name, event.sender}:
            return
        if sent is None:
            self._judge_unsent(name, line)
            return
        if sent.to != name:
            sides: tuple[Value, Value] = {"to": name}, {"to": sent.to}
            difference = at_line(ParityMismatch.RECEIVER, name, line, f"it was sent to {sent.to}", *sides)
            self.differences.append(difference)
        elif canonical.encode(sent.event.to_data()) != canonical.encode(event.to_data()):
            sides = _said(event), _said(sent.event)
            text = f"{event.sender} sent something else"
            self.differences.append(at_line(ParityMismatch.MESSAGE, name, line, text, *sides))
        elif not self.recording.garden:
            text = f"it was sent at {sent.time_ns / SECOND_NS:.6f} s"
            self._differs(name, self._out_of_time(name, line, sent.arrivals, text))
        self.ahead_ns = max(self.ahead_ns, sent.time_ns - line.time_ns)

    def _out_of_time(
        self, name: str, line: AcceptedEvent, due_ns: Sequence[int], text: str
    ) -> Difference | None:
        """Something came at an instant at which it cannot have come.

        A virtual garden knows the instant, but for actors that are away now and then; a real one is late.
        What came before its receiver was there has waited.
        """
        if not due_ns and not self.recording.garden:
            return at_line(ParityMismatch.LATE, name, line, f"{text}, and the bus lost it")
        slack_ns = TIMER_SLACK_NS if self.recording.garden else 0
        born_ns = self.recording.scenario.starts.get(name, 0)
        first_ns = max(born_ns, min(due_ns, default=line.time_ns))
        if line.time_ns < first_ns - slack_ns:
            return at_line(ParityMismatch.EARLY, name, line, text)
        if line.time_ns > first_ns and not self.recording.garden and not self._crashes(name):
            return at_line(ParityMismatch.LATE, name, line, text)
        return None

    def _comes_back(self, name: str) -> bool:
        """Whether it can have been down: its process was started again, or its model has it crash."""
        return self.recording.restart_count > 0 if self.recording.garden else self._crashes(name)

    def _crashes(self, name: str) -> bool:
        works = self.recording.kernels[name].actor.works.values()
        return any(work.virtual is not None and work.virtual.crash for work in works)

    def _judge_unsent(self, name: str, line: AcceptedEvent) -> None:
        """Programs outside may send what they like, so may an actor whose real journal was cut short."""
        event = line.event
        if (event.sender, event.number) in self.published:
            text = f"{event.sender} published it, and {name} does not hear that"
            self.differences.append(at_line(ParityMismatch.RECEIVER, name, line, text, _said(event)))
            return
        sender = self.actors.get(event.sender)
        if sender is None and event.sender != self.scenario_id:
            return
        cut = bool(self.recording.garden) and not self.recording.complete
        if cut and sender and event.number >= sender.snapshot.effect_number:
            self.notes[f"the journal of {event.sender} ends before messages that it sent"] += 1
            return
        text = f"{event.sender} sent no message with this number"
        self.differences.append(at_line(ParityMismatch.UNSENT, name, line, text, _said(event)))

    # What arrived nowhere

    def _losses(self, explained: Counter[str]) -> Iterator[SentMessage]:
        missing = [sent for identity, sent in self.sent.items() if identity not in self.arrived]
        for identity, copies in self.published.items():
            missing += [sent for one, sent in copies.items() if (identity, one) not in self.heard]
        for sent in missing:
            if not self.astray & {sent.sender, sent.to}:
                why = self._explanation(sent)
                if why:
                    explained[why] += 1
                else:
                    yield sent

    def _explanation(self, sent: SentMessage) -> str:
        """Why a message arrived nowhere; empty when nothing explains it."""
        if sent.to not in self.inboxes:
            return "the receiver has no journal here"
        if sent.too_large:
            return "too large for the bus"
        if isinstance(sent.event, Loan) and f"{sent.to}/{sent.event.work}" in self.given_back:
            return "nobody waited for it any more"
        stimulus = isinstance(sent.event, Stimulus)
        if stimulus and self.ended_ns is not None and sent.time_ns >= self.ended_ns:
            return "the protocol had ended"
        return self._in_real(sent) if self.recording.garden else self._in_virtual(sent)

    def _in_virtual(self, sent: SentMessage) -> str:
        """A virtual garden draws what becomes of a message, so it can be drawn again."""
        if not sent.arrivals:
            return "lost by the bus, as declared"
        over = self.ended_ns is not None and min(sent.arrivals) > self.ended_ns + WIND_DOWN_NS
        if over or min(sent.arrivals) > self.last_ns:
            return "on its way when the journal ends"
        if self._crashes(sent.to):
            return "the receiver crashes, as declared"
        return ""

    @cached_property
    def _troubles(self) -> list[tuple[int, str | None]]:
        return list(_troubles(self.recording))

    def _in_real(self, sent: SentMessage) -> str:
        """A real garden notes what it notices; faults on purpose are drawn for each life of a process."""
        recording, bus = self.recording, self.garden.bus
        lines = self.inboxes[sent.to].lines
        address, subscriber = (sent.topic, sent.to) if sent.topic else (sent.to, "")
        for start in range(recording.restart_count + 1):
            fates = BusFaultModel(Draws(recording.seed, start), bus)
            if not fates.arrivals(sent.sender, address, sent.number, sent.time_ns, subscriber)[0]:
                return "lost by the bus, as declared"
        for at_ns, actor in self._troubles:
            near = abs(at_ns - sent.time_ns) <= self.grace_ns
            if near and actor in ("", sent.sender, sent.to):
                return "an incident was noted"
            since = any(sent.time_ns < one.time_ns < at_ns for one in lines)
            if actor is None and (near or (sent.time_ns < at_ns and not since)):
                return "a process was away"
        ends_ns = lines[-1].time_ns if lines else -1
        if (bus.reorder or not self._is_overtaken(sent)) and ends_ns < max(sent.arrivals) + self.grace_ns:
            return "on its way when the receiver's journal ends"
        return ""

    def _is_overtaken(self, sent: SentMessage) -> bool:
        """Whether a later one to the same address arrived; between addresses there is no order."""
        for line in self.inboxes[sent.to].lines:
            identity = line.event.sender, line.event.number
            if identity[0] == sent.sender and identity[1] > sent.number:
                later = self.sent.get(identity) or self.published.get(identity, {}).get(sent.to)
                if later is not None and later.address == sent.address:
                    return True
        return False

    # The ledger

    def _audit(self) -> int:
        """Compares the ledger; returns how many entries it has."""
        recording = self.recording
        found = BookAudit(recording, self.asked, self.astray)
        found.closes_ns = self.last_ns if self.ended_ns is None else max(self.last_ns, self.ended_ns)
        found.grace_ns = self.grace_ns
        found.ended = self.ended_ns is not None or not recording.scenario.ends_with
        for difference in found.differences():
            self.differences.append(difference)
        self.notes.update(found.notes)
        return found.entry_count


def _said(event: AnyEvent) -> dict[str, Value]:
    """What it says, without who and when."""
    return {key: value for key, value in event.to_data().items() if key not in ("sender", "number")}


def _troubles(recording: Recording) -> Iterator[tuple[int, str | None]]:
    """When something was noted that can lose a message, and of whom: an actor, anybody (empty), or None
    for a process that was started again.  Raises DamagedLine."""
    starts: Counter[str] = Counter()
    for name, line in processes_in(recording.journal):
        if isinstance(line, Started):
            starts[name] += 1
            if starts[name] > 1:
                yield line.time_ns, None
        elif isinstance(line, Noticed) and not line.what.endswith(_HARMLESS):
            actor = line.actor
            known = [one for one in (actor, actor.rpartition("/")[0]) if one in recording.kernels]
            yield line.time_ns, known[0] if known else ""
