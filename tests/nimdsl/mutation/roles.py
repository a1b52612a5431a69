"""What stands where in a document: which keys are fields, and what a value is, by its path.

Stated here once more and not read from the schemas of the kinds: what a mutant is must not hang
on what is tested.  Only the words of the language come from there, to keep clear of them.
"""

from __future__ import annotations

import re

from tests.nimdsl.mutation.documents import ROOT, WORD, Site

LANGUAGE = frozenset(
    word for path in (ROOT / "nimdsl" / "kinds").glob("*.yaml") for word in WORD.findall(path.read_text())
) | {
    "abs", "all", "any", "ceil", "clamp", "contains", "count", "digest", "distinct", "duration",
    "exists", "filter", "first", "flatten", "floor", "has", "int", "last", "len", "length", "list",
    "lower", "map", "max", "min", "mod", "now", "elapsed", "origin", "real", "record", "round",
    "share", "size", "slice", "sort", "state", "string", "sum", "time_of_day", "true", "false",
    "upper", "bool", "bytes", "lifeforce", "float", "on", "entry", "leave", "guard", "when", "next",
    "target", "action", "then", "delay", "price", "start", "from", "rate", "std", "or", "and",
    "not", "in", "is",
}  # fmt: skip
"""Words that mean, or could mean, something although no document says them."""

FIELDS = frozenset(
    field
    for path in (ROOT / "nimdsl" / "kinds").glob("*.yaml")
    for field in re.findall(r"(\w+):(?=\s)", path.read_text())
) | {"kind", "apiVersion", "metadata", "spec", "name", "labels"}
"""The fields of the language, and some words more."""

_NAMED = (
    "data", "accepts", "accepts/[^/]+", "replies", "replies/[^/]+", "Cell/spec/initial", "tables",
    "columns", "rows/#", "answers", "work", "returns", "args", "payload", "content", "set",
    "states", "incomes", "rewards", "upkeep", "marks", "groups", "costs", "for", "parameters",
    "draws", "stages", "properties", "level/#", "payload/.*", "content/.*", "reply", "rows/#/.*",
)  # fmt: skip
"""Maps whose keys are names that the writer chose; ends of paths."""
_CHOSEN = re.compile(rf"(?:^|/)(?:{'|'.join(_NAMED)})/[^/]+$")
_SCHEMA = re.compile(r"^Schema/spec/payload/")
_SCHEMA_NAME = re.compile(r"/properties/[^/]+$")


def is_field(site: Site) -> bool:
    """Whether a key is a field of the language."""
    if not site.is_key or not site.is_scalar or site.style:
        return False
    if _SCHEMA.match(site.path):
        return not _SCHEMA_NAME.search(site.path)
    if re.search(r"/(?:answers|phases)/[^/]+/reply$", site.path) or site.path == "Phase/spec/reply":
        return True
    return _CHOSEN.search(site.path) is None


_MACHINE = r"(?:machine|modes)(?:/.*)?"
_VALUES = {
    "state": rf"{_MACHINE}/(?:transitions|any|timers)/#/to|{_MACHINE}/initial|machine/initial",
    "event": rf"{_MACHINE}/(?:transitions|any)/#/event|/defer/#",
    "sent event": r"/(?:send|ask)/event|^Scenario/spec/stimuli/#/event",
    "raised event": r"/#/raise",
    "cell": r"/(?:send|ask)/to|^Scenario/spec/stimuli/#/to|^Phase/spec/cell|^Garden/.*/cells/#",
    "economy": r"^(?:Cell|Scenario|Protocol)/spec/economy",
    "garden": r"^Scenario/spec/garden",
    "scenario": r"^Garden/spec/real/scenario",
    "attention": r"^Scenario/spec/attention",
    "protocol": r"^Scenario/spec/protocol",
    "resource": r"/acquire/resource",
    "schema": r"^Phase/spec/(?:request|reply)/schema|^Cell/spec/answers/[^/]+/(?:request|reply)",
    "phase": r"^Protocol/spec/phases/#|^Phase/spec/after/#",
    "level": r"^Scenario/spec/stimuli/#/level|/tells/level|^Attention/.*/states/[^/]+/stages",
    "reward": r"^Phase/spec/rewards/#/reward|/#/reward/name",
    "table": r"/find/table",
    "work": r"/(?:enter|exit|do)/#/work|^Cell/spec/answers/[^/]+/work",
    "outcome": r"^Cell/spec/work/[^/]+/(?:done|failed)",
}
REFERENCES = {name: re.compile(f"(?:{pattern})$") for name, pattern in _VALUES.items()}
"""What a value refers to."""
NAMES = re.compile(r"/(?:send/payload|do/#/set|enter/#/set)/[^/]+$|^Cell/spec/initial/[^/]+$")
"""Keys that refer to a field of data or of an event."""

COLUMNS = re.compile(r"/rows/#/[^/]+$|/virtual/returns/[^/]+$")
"""Keys that refer to a column, or to what work returns."""

_MODEL = r"(?:latency|by)/(?:lognormal|exponential|uniform|constant)(?:/.*)?"
DURATION = re.compile(
    rf"/(?:after|timeout|horizon|beat|overhead|settle|at|every|takes|each|cap|baseline|minimum|window|down)$"
    rf"|/poisson/mean$|/{_MODEL}$"
)
SHARE = re.compile(r"/(?:loss|duplicate|chance|failure|nack|retry|jitter|share)$|/stages/[^/]+$")
LIFEFORCE = re.compile(
    r"/(?:cost|reserve|opening|floor|per_item|per_second|fixed|below|until)$|^Economy/spec/(?:capacity|rewards/[^/]+)$"
)
RATE = re.compile(r"^Economy/spec/(?:incomes|upkeep)/[^/]+$|/states/[^/]+/(?:income|upkeep)$")
COUNT = re.compile(r"/(?:times|seed|attempts|max_per_beat|tier|queue)$")
BOOL = re.compile(r"/(?:internal|final|history|reflex|open)$")
TYPE = re.compile(
    r"^Cell/spec/data/[^/]+$|^Cell/spec/(?:accepts|replies)/[^/]+/[^/]+$|^Cell/spec/work/[^/]+/returns/[^/]+$"
    r"|/columns/[^/]+$"
)
ENUM = re.compile(
    r"/(?:leftover|preempted|role|when|failure_policy|repeat)$|/answers/[^/]+/status$|/levels/#/take$|/(?:work/[^/]+|translator)/real$"
    r"|^Schema/spec/payload/.*type$"
)
EXPRESSION = re.compile(
    r"/(?:transitions|any|timers)/#/if$|^Cell/spec/answers/[^/]+/if$|^Phase/.*/(?:accept|exit|each)$"
    r"|/holds$|/expect/#$|/where$"
)
LIST = re.compile(
    r"/(?:after|phases|defer|cells|enter|exit|do|transitions|timers|any|expect|stimuli|rewards|levels|handshakes)$"
)
"""Fields that are lists (``after`` where it is one)."""
REQUIRED = re.compile(
    r"/(?:transitions|any)/#/event$|/timers/#/(?:after|to)$|^[^/]+/(?:kind|apiVersion|metadata|spec|metadata/name)$"
    r"|machine/(?:initial|states)$|modes/(?:initial|states)$|/send/(?:to|event)$|/virtual/latency$"
    r"|^Phase/spec/(?:cell|request|reply|handshakes|accept|exit|request/schema|request/timeout|reply/schema)$"
    r"|/handshakes/#/(?:name|payload)$|^Protocol/spec/(?:economy|phases)$|/criteria/#/(?:text|holds)$"
    r"|^Economy/spec/opening$|^Schema/spec/(?:role|type|payload)$|^Attention/spec/levels(?:/#/(?:name|take))?$"
    r"|^Cell/spec/answers/[^/]+/(?:request|reply)$|/find/(?:table|where)$|/tables/[^/]+/(?:columns|rows)$"
    r"|/poisson/mean$|/lognormal/(?:median|p95)$|/normal/(?:mean|deviation)$|/exponential/mean$"
    r"|/gate/(?:name|tier|open)$|/tells/level$|/reward/name$|/rewards/#/(?:reward|when)$|/rest/minimum$"
    r"|/(?:ask/(?:to|event)|acquire/resource)$|/marks/[^/]+/below$|^Resource/spec/capacity$"
    r"|/stimuli/#/(?:event|level|at)$|/(?:delay|reorder)/(?:chance|by)$"
)
"""Fields without which a document is none."""
