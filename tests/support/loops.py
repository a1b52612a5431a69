"""Two gardens for a closed loop: an eye that sees twice in a row, a gate, a hand that may be broken."""

from __future__ import annotations

from collections.abc import Sequence

import nimdsl
from gardens.stores.memory import MemoryJournal
from gardens.virtual.living import VirtualLife
from nimdsl.program import Program
from runtime.run.predictions import Prediction
from simulate.loop import LoopResult, Side, run_loop
from simulate.pair import Pair, pair_of

DOCUMENTS = """\
apiVersion: nimdsl.dev/v1
kind: Schema
metadata: {name: press}
spec: {role: request, type: PRESS, payload: {type: object, properties: {x: {type: number}}}}
---
apiVersion: nimdsl.dev/v1
kind: Schema
metadata: {name: pressed}
spec: {role: reply, type: PRESSED, payload: {type: object}}
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: eye}
spec:
  domain: light
  machine:
    initial: rest
    states:
      rest: {timers: [{after: 10s, to: first}]}
      first: {enter: [{emit: {confidence: 0.8, content: {x: 1.0}}}], timers: [{after: 1s, to: second}]}
      second: {enter: [{emit: {confidence: 0.8, content: {x: 1.0}}}], timers: [{after: 19s, to: rest}]}
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: hand}
spec:
  accepts: {broke: {now: bool}}
  data: {broken: bool, pressed: int}
  answers:
    press: {request: press, reply: pressed, if: "!broken", do: [{raise: pressing}]}
    broken: {request: press, reply: pressed, status: NACK, reason: "it is"}
  machine:
    initial: ready
    any: [{event: broke, internal: true, do: [{set: {broken: "${event.now}"}}]}]
    states:
      ready: {transitions: [{event: pressing, internal: true, do: [{set: {pressed: "${pressed + 1}"}}]}]}
---
apiVersion: nimdsl.dev/v1
kind: Gate
metadata: {name: seen}
spec:
  hears: [{domain: light}]
  similarity: {x: {scale: 1}}
  thresholds: {open: 0.3}
  memory: {window: 5s, silence: 25%}
  weight: {start: 50%, confirmed: 2%, failed: 4%, adjust: 10%}
---
apiVersion: nimdsl.dev/v1
kind: Nerve
metadata: {name: act}
spec:
  gate: seen
  cells: {hand: required}
  machine:
    initial: idle
    states:
      idle: {transitions: [{event: granted, to: acting}]}
      acting:
        enter: [{work: press}]
        transitions: [{event: done, to: idle}, {event: declined, to: idle}, {event: failed, to: idle}]
  work:
    press:
      command: {to: hand, schema: press, payload: {x: 1.0}}
      timeout: 1s
      done: done
      declined: declined
      failed: failed
---
apiVersion: nimdsl.dev/v1
kind: Garden
metadata: {name: dream}
spec: {signals: {scenario: asleep, confidence: 60%, fade: 20%}}
---
apiVersion: nimdsl.dev/v1
kind: Garden
metadata: {name: room}
spec: {clock: {rate: 100}, real: {scenario: awake}}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: asleep}
spec: {garden: dream, horizon: 10min, actors: [gate/seen, nerve/act], cells: [eye, hand]}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: awake}
spec:
  horizon: 10min
  actors: [gate/seen, nerve/act]
  cells: [eye, hand]
  set: {gate/seen.hears: [{domain: light, if: "false"}]}
  stimuli: [{at: 1s, to: hand, event: broke, payload: {now: false}}]
"""


def looped(*changes: tuple[str, str]) -> Program:
    """The documents with texts of theirs changed."""
    text = DOCUMENTS
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return nimdsl.load_text(text)


def rehearsed(program: Program, beats: int, journals: Sequence[MemoryJournal] = ()) -> LoopResult:
    """The loop of both, the real one in its virtual garden."""
    pair = pair_of(program, "dream", "room", beats, rehearse=True)
    first, second = journals or (MemoryJournal(), MemoryJournal())
    sides = _side(pair, first, real=False), _side(pair, second, real=True)
    return run_loop(pair.rules, *sides, beats, pair.beat_ns)


def _side(pair: Pair, journal: MemoryJournal, *, real: bool) -> Side:
    one = pair.real if real else pair.virtual
    return Side(one.garden.name, VirtualLife(one.program, one.scenario, journal, seed=one.seed), one.seed)


def fates(result: LoopResult) -> list[tuple[str, str]]:
    """What became of each prediction, and with which outcome."""
    return [(one.fate, one.outcome) for one in result.predictions]


def confidences(predictions: Sequence[Prediction]) -> list[float]:
    """How sure each was."""
    return [round(one.confidence, 6) for one in predictions]
