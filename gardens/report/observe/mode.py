"""What gates and attention amount to at each instant, in one word: a fold of their records.

The first that holds (:data:`MODES`):

* overwhelmed: in the last beat that settled, something starved;
* reflex: a gate of tier 0 is open;
* dialogue: a gate is open whose document says ``dialogue: true``;
* focused: a gate is open;
* alert: the value of a gate is at least :data:`ALERT` from 0;
* idle.

Gates' records come in the order of time.  An attention may note late what happened: what gates did since
its last record waits for it, up to ``PENDING_COUNT_MAX`` changes.  What an instant comes to counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import deepcopy

from gardens.report.observe.fading import Disuse, Fading
from gardens.report.observe.slices import Staying, Track
from gardens.report.words import share
from nimdsl.program import Actor, Attention
from nimdsl.program.gate import Gate, tier_of
from runtime.records import BeatEnded, GivenUp, ReadingChanged, Record

OVERWHELMED, REFLEX, DIALOGUE, FOCUSED, ALERTED, IDLE = MODES = (
    "overwhelmed",
    "reflex",
    "dialogue",
    "focused",
    "alert",
    "idle",
)
ALERT = 0.2
STARVED = "starved"
PENDING_COUNT_MAX = 10_000


class _Listened:
    """One gate, as far as it counts here."""

    def __init__(self, gate: Gate) -> None:
        self.is_dialogue = gate.dialogue
        self.tier: int | None = None
        """While it is open."""
        self._fading = Fading(gate.resonance)
        self._weight = Disuse(gate.weighing)
        self._below = gate.below

    @property
    def is_loud(self) -> bool:
        """Whether its value makes her alert."""
        return abs(self._fading.value) >= ALERT

    @property
    def due_ns(self) -> int | None:
        """When silence or disuse may change what it counts as."""
        due = (
            self._fading.due_ns if self.is_loud else None,
            self._weight.due_ns if self.tier == 0 else None,
        )
        return min((one for one in due if one is not None), default=None)

    def until(self, now_ns: int) -> None:
        """What silence and disuse take before an instant."""
        for _ in (*self._fading.until(now_ns), *self._weight.until(now_ns)):
            pass
        self._judge(self.tier is not None)

    def take(self, record: Record) -> None:
        """One record more, in the gate's order."""
        self.until(record.at_ns)
        self._fading.take(record)
        self._weight.take(record)
        is_open = self.tier is not None
        if isinstance(record.body, ReadingChanged):
            is_open = record.body.target == "open"
        self._judge(is_open)

    def _judge(self, is_open: bool) -> None:
        self.tier = tier_of(self._weight.now, self._below) if is_open else None


class ModeFold:
    """Follows the gates and the attention of a run."""

    def __init__(self, actors: Iterable[Actor]) -> None:
        everybody = list(actors)
        self._gates = {one.id: _Listened(one) for one in everybody if isinstance(one, Gate)}
        self._attentions = {one.id for one in everybody if isinstance(one, Attention)}
        self._staying = Staying(IDLE)
        self._due_ns: dict[str, int] = {}
        """When silence or disuse may make something else of a gate."""
        self._first_due_ns: int | None = None
        """No later than any of them."""
        self._pending: list[tuple[int, str]] = []
        self._mode = IDLE
        """What the gates come to, as far as it was joined with what the attention notes."""
        self._turned = 0, IDLE
        """What it is since when, unless it is something else at the same instant yet."""
        self._has_starved = self._is_overwhelmed = False

    def take(self, record: Record) -> None:
        """One record more; of whoever is no gate and no attention, nothing."""
        gate = self._gates.get(record.actor)
        if gate is not None:
            self._fade(record.at_ns)
            before = gate.is_loud, gate.tier
            gate.take(record)
            self._listen(record.actor, gate)
            if before != (gate.is_loud, gate.tier):
                self._say(record.at_ns)
        elif record.actor in self._attentions:
            self._note(record)

    def track(self, end_ns: int) -> Track:
        """The modes up to ``end_ns``."""
        ended = deepcopy(self)
        ended._fade(end_ns)
        ended._join(end_ns)
        ended._settle()
        return ended._staying.track(end_ns)

    # Gates

    def _fade(self, now_ns: int) -> None:
        """What silence has taken before an instant."""
        while self._first_due_ns is not None and self._first_due_ns < now_ns:
            name, due_ns = min(self._due_ns.items(), key=lambda item: item[1])
            if due_ns < now_ns:
                gate = self._gates[name]
                before = gate.is_loud, gate.tier
                gate.until(due_ns + 1)
                self._listen(name, gate)
                if before != (gate.is_loud, gate.tier):
                    self._say(due_ns)
            self._first_due_ns = min(self._due_ns.values(), default=None)

    def _listen(self, name: str, gate: _Listened) -> None:
        if (due_ns := gate.due_ns) is None:
            self._due_ns.pop(name, None)
            if not self._due_ns:
                self._first_due_ns = None
            return
        self._due_ns[name] = due_ns
        if self._first_due_ns is None or due_ns < self._first_due_ns:
            self._first_due_ns = due_ns

    def _say(self, at_ns: int) -> None:
        """What the gates come to may be something else."""
        if self._pending and self._pending[-1][0] == at_ns:
            self._pending.pop()
        self._pending.append((at_ns, self._judged()))
        if len(self._pending) > PENDING_COUNT_MAX:
            self._join(self._pending[PENDING_COUNT_MAX // 2][0])
        elif not self._attentions:
            self._join(at_ns - 1)

    def _judged(self) -> str:
        open_gates = [one for one in self._gates.values() if one.tier is not None]
        if any(one.tier == 0 for one in open_gates):
            return REFLEX
        if any(one.is_dialogue for one in open_gates):
            return DIALOGUE
        if open_gates:
            return FOCUSED
        return ALERTED if any(one.is_loud for one in self._gates.values()) else IDLE

    # Attention

    def _note(self, record: Record) -> None:
        self._fade(record.at_ns)
        match record.body:
            case GivenUp(reason=reason) if reason == STARVED:
                self._has_starved = True
            case BeatEnded(settled=True):
                self._join(record.at_ns)
                self._is_overwhelmed, self._has_starved = self._has_starved, False
                self._turn(record.at_ns)
            case _:
                self._join(record.at_ns - 1)

    def _join(self, until_ns: int) -> None:
        """What gates came to up to an instant is known."""
        known = 0
        for at_ns, mode in self._pending:
            if at_ns > until_ns:
                break
            known += 1
            self._mode = mode
            self._turn(at_ns)
        del self._pending[:known]

    def _turn(self, at_ns: int) -> None:
        """It is what it is now from an instant on, if nothing else comes at that instant."""
        if at_ns > self._turned[0]:
            self._settle()
        self._turned = at_ns, OVERWHELMED if self._is_overwhelmed else self._mode

    def _settle(self) -> None:
        at_ns, mode = self._turned
        self._staying.turn(mode, at_ns)


def mode_text(track: Track, end_ns: int) -> Iterator[str]:
    """A line with the share of each mode; none where nothing ever happened."""
    shares = mode_shares(track)
    if set(shares) - {IDLE}:
        told = ", ".join(f"{name} {share(time_ns, end_ns)}" for name, time_ns in shares.items())
        yield f"[bold]mode[/] {told}"


def mode_shares(track: Track) -> dict[str, int]:
    """How long it was in each mode that it was in at all, ns."""
    totals = track.totals
    return {name: totals[name][0] for name in MODES if totals.get(name, (0, 0))[0]}
