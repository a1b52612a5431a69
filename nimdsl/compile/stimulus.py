"""Compiles the stimuli of a ``Scenario``: what comes from outside, when, and for whom.

When is one of ``at``, ``poisson`` and ``recording``; for whom one of ``to`` (a
cell), ``level`` (an item for a level of the attention) and ``gate`` (the
attention hears that it opened or closed).  What the attention makes of them is
:mod:`runtime.kernel.attention`'s affair.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from nimdsl.base.canonical import Plain
from nimdsl.base.diagnostics import Severity
from nimdsl.base.suggest import phrase
from nimdsl.base.units import parse_duration, readable_duration
from nimdsl.compile.addresses import compile_address
from nimdsl.compile.arrivals import Wanted, compile_recording
from nimdsl.compile.lengths import check_length
from nimdsl.compile.reader import Reader
from nimdsl.compile.sending import event_payload, joined_fields
from nimdsl.compile.work import compile_distribution
from nimdsl.expression.check import Scope
from nimdsl.expression.evaluate import Fault
from nimdsl.expression.types import ANY, DURATION, Type
from nimdsl.program import Beat, Distribution, Level, Periodic, Poisson, Recorded, StimulusSpec
from nimdsl.program.expression import Expression
from nimdsl.schema.remedies import written

ARRIVAL_COUNT_MAX = 1_000_000
"""How many arrivals a stimulus may be expected to have."""
ITEM, OPENED, CLOSED = "stimulus", "opened", "closed"
"""What items are called that have no name of their own, and what gates do."""
_WHEN = {"at": "at: 2s", "poisson": "poisson: {mean: 10s}", "recording": "recording: {file: arrivals.csv}"}
_WHOM = {
    "to": "to: <cell>",
    "level": "level: <level>",
    "gate": "gate: {name: g1, tier: 1, open: true}",
}
_OF_TIME = {"every": ("at",), "times": ("at",)}
_OF_RECEIVERS = {
    "takes": ("level",),
    "event": ("to",),
    "item": ("level",),
    "payload": ("to", "level"),
    "draws": ("to", "level"),
}

Arrivals = Periodic | Poisson | Recorded


@dataclass(frozen=True)
class Receivers:
    """Who is there: ``cells`` of the scenario, ``known`` ones, and what those accept that are sound.

    ``attention`` is the name of the scenario's, empty without one; its ``beat`` is None where it is
    not sound.
    """

    cells: Sequence[str]
    known: Mapping[str, object]
    accepts: Mapping[str, Mapping[str, Mapping[str, Type]]]
    attention: str
    beat: Beat | None
    horizon_ns: int
    others: Mapping[str, Mapping[str, Mapping[str, Type]]] = field(default_factory=dict)
    """What actors of other kinds accept, by id."""
    answering: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By cell: the events on which it sends to whoever sent them."""


def compile_stimuli(reader: Reader, receivers: Receivers) -> tuple[StimulusSpec, ...]:
    """The stimuli of a scenario; what is wrong with them is in the findings of ``reader``."""
    return tuple(_stimulus(item, receivers) for item in reader.items("stimuli"))


def _stimulus(reader: Reader, receivers: Receivers) -> StimulusSpec:
    when = _one_of(reader, _WHEN, "when it comes")
    whom = _one_of(reader, _WHOM, "for whom it is")
    _check_owners(reader, when, _OF_TIME)
    _check_owners(reader, whom, _OF_RECEIVERS)

    def arrivals(wanted: Wanted) -> Arrivals | None:
        found = _arrivals(reader, when, wanted, receivers.horizon_ns)
        _check_horizon(reader, when, found, receivers.horizon_ns)
        return found

    compile_one = {"to": _for_cell, "level": _for_level, "gate": _for_gate}.get(whom)
    if compile_one is None:
        return StimulusSpec((), "", {}, Recorded(()))
    return compile_one(reader, receivers, arrivals)


def _one_of(reader: Reader, ways: Mapping[str, str], what: str) -> str:
    """The one of the keys that is there; empty (and reported) when it is not one."""
    present = [key for key in ways if key in reader]
    if not present:
        fix = "add " + ", or ".join(f"`{example}`" for example in ways.values())
        reader.findings.report("NIM0204", f"this stimulus does not say {what}", reader.place(), fix)
    for key in present[1:]:
        message = f"`{key}` beside `{present[0]}`: a stimulus says once {what}"
        reader.findings.report("NIM0203", message, reader.place(key), "keep one of them")
    return present[0] if len(present) == 1 else ""


def _check_owners(reader: Reader, chosen: str, belongs: Mapping[str, tuple[str, ...]]) -> None:
    for key, owners in belongs.items():
        if chosen and chosen not in owners and key in reader:
            if key == "item" and chosen == "to" and "event" not in reader:
                message = "what comes to a level is an `item`, everything else gets an `event`"
                fix = f"write `event: {written(reader.text('item'))}`"
                reader.findings.report("NIM0203", message, reader.place(key), fix)
                continue
            message = f"`{key}` belongs to {' or '.join(f'`{owner}`' for owner in owners)}"
            reader.findings.report("NIM0203", message, reader.place(key), f"remove `{key}`")


# When


def _arrivals(reader: Reader, when: str, wanted: Wanted, horizon_ns: int) -> Arrivals | None:
    """None for a recording that cannot be read, and for a stimulus that does not say when it comes."""
    inner = reader.sub(when) if when else None
    if when == "at":
        return _periodic(reader, horizon_ns)
    if inner is None:
        return None
    return _poisson(inner, horizon_ns) if when == "poisson" else compile_recording(inner, wanted)


def _periodic(reader: Reader, horizon_ns: int) -> Periodic:
    """Without `times` it goes on until the horizon."""
    report, at_ns, every_ns = reader.findings.report, reader.duration("at"), reader.duration("every")
    if "every" in reader and not every_ns:
        fix = "write for example `every: 60s`"
        report("NIM0210", "`every` must be longer than 0", reader.place("every"), fix)
    elif reader.value("times", 1) > 1 and not every_ns:
        report("NIM0204", "`times` needs `every`", reader.place("times"), "add `every:`")
    if "times" in reader or not every_ns:
        return Periodic(at_ns, every_ns, reader.value("times", 1))
    count = -((at_ns - horizon_ns) // every_ns)
    if count > ARRIVAL_COUNT_MAX:
        message = f"{count:,} arrivals until the horizon; at most {ARRIVAL_COUNT_MAX:,} may be expected"
        report("NIM0210", message, reader.place("every"), "make it longer, or say how many: `times:`")
    return Periodic(at_ns, every_ns, max(1, count))


def _check_horizon(reader: Reader, when: str, found: Arrivals | None, horizon_ns: int) -> None:
    """NIM0508: everything that it brings lies beyond the horizon."""
    inner = reader.sub(when)
    match found:
        case Periodic(at_ns=first_ns):
            place = reader.place("at")
        case Poisson(at_ns=first_ns) if inner is not None and (
            found.until_ns > first_ns or "until" not in inner
        ):
            place = inner.place("at")
        case Recorded(at_ns=(first_ns, *_)) if inner is not None:
            place = inner.place("file")
        case _:
            return
    if first_ns >= horizon_ns:
        begin, end = readable_duration(first_ns), readable_duration(horizon_ns)
        message = f"this stimulus never comes: it begins at {begin}, the run ends before {end}"
        fix = "make it earlier, or the `horizon` later"
        reader.findings.report("NIM0508", message, place, fix, Severity.WARNING)


def _poisson(reader: Reader, horizon_ns: int) -> Poisson:
    report = reader.findings.report
    found = Poisson(reader.duration("mean"), reader.duration("at"), reader.duration("until", horizon_ns))
    count = (found.until_ns - found.at_ns) // max(1, found.mean_ns)
    if not found.mean_ns:
        report("NIM0210", "gaps of no time at all", reader.place("mean"), "write for example `mean: 10s`")
    elif "until" in reader and found.until_ns <= found.at_ns:
        begin, end = readable_duration(found.at_ns), readable_duration(found.until_ns)
        message = f"nothing can come: it begins at {begin}, `until` is {end}"
        report("NIM0210", message, reader.place("until"), "make it later")
    elif count > ARRIVAL_COUNT_MAX:
        message = f"about {count:,} arrivals; at most {ARRIVAL_COUNT_MAX:,} may be expected"
        report("NIM0210", message, reader.place("mean"), "make `mean` longer or `until` earlier")
    return found


# For whom


def _for_cell(
    reader: Reader, receivers: Receivers, arrivals: Callable[[Wanted], Arrivals | None]
) -> StimulusSpec:
    event = reader.text("event")
    to, accepted = _receivers(reader, receivers)
    fields: Mapping[str, Type] | None = None
    if "event" not in reader:
        if "item" not in reader:
            message = "this stimulus does not say its `event`"
            reader.findings.report("NIM0204", message, reader.place("to"), "add `event:`")
    elif accepted:
        fields = _accepted(reader, receivers, event, accepted)
    draws = _draws(reader, fields)
    known = None if fields is None else {name: kind for name, kind in fields.items() if name not in draws}
    found = arrivals(Wanted(known))
    brought = {**(found.fields if isinstance(found, Recorded) else {}), **draws}
    if fields is None or found is None or not _apart(reader, brought):
        payload = reader.template("payload", Scope({}))
    else:
        rest = {name: kind for name, kind in fields.items() if name not in brought}
        payload = event_payload(reader, Scope({}), event, rest, reader.keys("draws"))
    return StimulusSpec(to, event, _values(reader, payload), found or Recorded(()), draws=draws)


def _draws(
    reader: Reader, fields: Mapping[str, Type] | None, takes: Type | None = None
) -> dict[str, Distribution]:
    """What is drawn for each arrival, by field; ``fields`` of None: any, ``takes`` is that of an item."""
    inner, found = reader.sub("draws"), {}
    for name in reader.keys("draws"):
        assert inner is not None
        kind = takes if name == "takes" and takes else ANY if fields is None else fields.get(name)
        if kind is None:
            message = f"the event `{reader.text('event')}` has no field `{name}`"
            fix = phrase(name, fields or ())
            reader.findings.report("NIM0303", message, inner.node.key_place(name), fix)
        else:
            found[name] = compile_distribution(inner, name, kind)
    return found


Accepted = Mapping[str, Mapping[str, Mapping[str, Type]]]
"""What receivers accept, by their names."""


def _receivers(reader: Reader, receivers: Receivers) -> tuple[tuple[str, ...], Accepted]:
    """The ids of those for whom it is, and what they accept; empty where one of them is not sound."""
    text = reader.text("to")
    if text in receivers.others:
        return (text,), {text: receivers.others[text]}
    addressed = compile_address(reader, "to", "Cell")
    names = addressed.names if addressed else ()
    for name in names:
        if name not in receivers.cells and name in receivers.known:
            message = f"`{name}` takes no part in this scenario"
            reader.findings.report("NIM0301", message, reader.place("to"))
            break
    sound = all(name in receivers.accepts for name in names)
    accepted = {name: receivers.accepts[name] for name in names} if sound else {}
    return tuple(f"cell/{name}" for name in names), accepted


def _accepted(
    reader: Reader, receivers: Receivers, event: str, accepted: Accepted
) -> Mapping[str, Type] | None:
    """The fields of an event that all receivers accept; None, and reported, where one does not."""
    common: Mapping[str, Type] | None = None
    for name, events in accepted.items():
        if event not in events:
            message = f"`{name}` does not accept the event `{event}`"
            reader.findings.report("NIM0301", message, reader.place("event"), phrase(event, events))
            return None
        if event in receivers.answering.get(name, ()):
            message = f"`{name}` answers whoever sends `{event}`, and a stimulus has no sender"
            fix = 'let a cell send it, or give the transition an `if: origin != ""`'
            reader.findings.report("NIM0309", message, reader.place("event"), fix, Severity.WARNING)
        common = events[event] if common is None else joined_fields(common, events[event])
    return common


def _for_level(
    reader: Reader, receivers: Receivers, arrivals: Callable[[Wanted], Arrivals | None]
) -> StimulusSpec:
    name = reader.text("level")
    level = _level(reader, receivers, name)
    takes_ns = _takes(reader, level)
    found = arrivals(Wanted(level=level, takes_ns=takes_ns))
    draws = _draws(reader, None, DURATION)
    silent = not isinstance(found, Recorded) or (found.at_ns and not found.takes_ns)
    silent = silent and "takes" not in draws
    if level and not level.takes_ns and "takes" not in reader and found and silent:
        message = f"nobody says what an item of `{name}` takes"
        reader.findings.report("NIM0204", message, reader.place("level"), "add `takes: 5s`")
    columns = found.fields if isinstance(found, Recorded) else {}
    _apart(reader, {**columns, **draws})
    if level is not None and receivers.beat is not None:
        _check_lengths(reader, receivers.beat, level, takes_ns, found)
    values = _values(reader, reader.template("payload", Scope({})))
    return StimulusSpec(
        (f"attention/{receivers.attention}",),
        reader.text("item", ITEM),
        values,
        found or Recorded(()),
        name,
        takes_ns,
        draws,
    )


def _takes(reader: Reader, level: Level | None) -> int:
    takes_ns = reader.duration("takes")
    if "takes" not in reader:
        return 0
    if level is not None and level.policy == "each":
        message = f"each item of `{level.name}` takes {readable_duration(level.takes_ns)}, whatever it says"
        reader.findings.report("NIM0203", message, reader.place("takes"), "remove `takes`")
    elif parse_duration(reader.text("takes")) == 0:
        message = "an item that takes no time"
        reader.findings.report("NIM0210", message, reader.place("takes"), "write for example `takes: 5s`")
    return takes_ns


def _check_lengths(reader: Reader, beat: Beat, level: Level, takes_ns: int, found: Arrivals | None) -> None:
    """NIM0606: an item of this stimulus, or the longest one of its recording, that no beat can finish."""
    check_length(reader.findings, beat, level, takes_ns, reader.place("takes"))
    inner = reader.sub("recording")
    if isinstance(found, Recorded) and inner is not None:
        longest_ns = max((one for one in found.takes_ns if one != takes_ns), default=0)
        check_length(reader.findings, beat, level, longest_ns, inner.place("file"))


def _for_gate(
    reader: Reader, receivers: Receivers, arrivals: Callable[[Wanted], Arrivals | None]
) -> StimulusSpec:
    gate = reader.sub("gate")
    assert gate is not None
    tier = gate.value("tier")
    beat = _beat(reader, receivers, "gate")
    tiers = sorted({tier for level in beat.levels for tier in level.tiers}) if beat else []
    if beat is not None and tier not in tiers:
        message = f"no level of `{receivers.attention}` listens to gates of tier {tier}"
        fix = f"its levels listen to {', '.join(map(str, tiers))}" if tiers else "add `tiers:` to a level"
        reader.findings.report("NIM0301", message, gate.place("tier"), fix)
    found = arrivals(Wanted(fields={}))
    event = OPENED if gate.value("open") else CLOSED
    payload = {"gate": gate.text("name"), "tier": tier}
    return StimulusSpec((f"attention/{receivers.attention}",), event, payload, found or Recorded(()))


def _level(reader: Reader, receivers: Receivers, name: str) -> Level | None:
    beat = _beat(reader, receivers, "level")
    if beat is None:
        return None
    levels = {level.name: level for level in beat.levels}
    if name not in levels:
        message = f"`{receivers.attention}` has no level `{name}`"
        reader.findings.report("NIM0301", message, reader.place("level"), phrase(name, levels))
    return levels.get(name)


def _beat(reader: Reader, receivers: Receivers, key: str) -> Beat | None:
    """The beat of the scenario's attention; where it has none, that is reported."""
    findings = reader.findings
    if receivers.beat is not None:
        return receivers.beat
    known = findings.documents.of("Attention")
    named = "attention" in findings.document.spec.entries
    sound = not findings.documents.damaged and not any(one.broken for one in known.values())
    if named or not sound or len(known) == 1:
        findings.poisoned = True
    elif known:
        message = f"there are several attentions: the scenario must say whose {key} this is"
        findings.report("NIM0204", message, reader.place(key), f"add `attention: {next(iter(known))}`")
    else:
        message = f"there is no Attention, so nobody has a {key}"
        findings.report("NIM0301", message, reader.place(key), "add a document of kind Attention")
    return None


# Payloads


def _apart(reader: Reader, brought: Mapping[str, object]) -> bool:
    """Whether no field is both in ``payload`` and a column of the recording, which is reported."""
    inner = reader.sub("payload")
    twice = [name for name in brought if inner is not None and name in inner]
    for name in twice:
        assert inner is not None
        what = "is drawn" if name in reader.keys("draws") else "is a column of the recording"
        message = f"`{name}` {what} too"
        reader.findings.report("NIM0203", message, inner.node.key_place(name), "keep one of them")
    return not twice


def _values(reader: Reader, payload: Expression) -> Mapping[str, Plain]:
    try:
        values: Mapping[str, Plain] = {} if reader.findings.failed else payload.evaluate({})
    except Fault as fault:
        reader.findings.report("NIM0304", str(fault), reader.place("payload"))
        return {}
    return values
