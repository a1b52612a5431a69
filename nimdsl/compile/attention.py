"""Compiles ``Attention``: a beat, its levels, and the machine of her modes.

What the scheduler does with them is in :mod:`runtime.kernel.scheduler`; the checks are in
:mod:`nimdsl.checks.attention`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from nimdsl.base.suggest import phrase
from nimdsl.base.units import MICRO
from nimdsl.compile.cell import compile_works
from nimdsl.compile.interface import EventSource, Interface, add_refused, add_source
from nimdsl.compile.machines import compile_machine
from nimdsl.compile.reader import Findings, Reader
from nimdsl.expression.check import Scope
from nimdsl.expression.types import DURATION, INT, RECORD, STRING, Type, record_of
from nimdsl.program import Beat, Level, Work
from nimdsl.program.flatten import FAULT, REFUSED
from nimdsl.program.machine import State, Transition, walk
from nimdsl.program.modes import leaves
from nimdsl.schema.remedies import of_work

BEAT, STIMULUS, IDLE, SETTLE = "beat", "stimulus", "idle", "settle"
"""The events that modes hear besides the names of levels and stages."""
OWN_EVENTS = (BEAT, STIMULUS, IDLE, SETTLE, REFUSED, FAULT)
ORIGIN = "attention"
_POLICIES = ("each", "share", "rest")
"""The ways to take that are maps; ``all`` and ``rest`` are words besides."""


@dataclass(frozen=True)
class CompiledAttention:
    """An attention before flattening."""

    beat: Beat
    root: State
    """Her modes as they are written; see :func:`nimdsl.program.modes.expanded`."""
    works: Mapping[str, Work]
    interface: Interface
    written: bool
    """Whether the document has modes of its own."""


GIVEN = record_of({"item": STRING, "level": STRING, "payload": RECORD})
"""The arguments of a level's work."""


def compile_attention(
    findings: Findings, reader: Reader, rewards: frozenset[str] | None
) -> CompiledAttention | None:
    """The attention; None when its levels or its times make no sense."""
    works, _ = compile_works(reader, Scope({}), {}, GIVEN, asking=False)
    levels = _levels(findings, reader, works)
    beat = Beat(
        reader.duration("beat", 30_000_000_000),
        reader.duration("overhead", 100_000_000),
        reader.duration("settle", 200_000_000),
        levels,
    )
    if beat.window_ns <= 0:
        message = "overhead and settle leave nothing of the beat"
        findings.report("NIM0210", message, reader.place("beat"), "make the beat longer")
    if findings.failed:
        return None
    stages = {level.name: [name for name, _ in level.stages] for level in levels}
    interface = Interface(
        Scope({}), {}, {}, {}, _sources(beat), rewards, findings.document.name, ORIGIN, stages
    )
    machine = reader.sub("modes")
    root = compile_machine(machine, interface) if machine else default_modes(beat)
    beat = replace(beat, levels=tuple(replace(level, live=_is_live(root, level)) for level in levels))
    return CompiledAttention(beat, root, works, interface, machine is not None)


def _levels(findings: Findings, reader: Reader, works: Mapping[str, Work]) -> tuple[Level, ...]:
    items = reader.items("levels")
    names = [item.text("name") for item in items]
    levels = []
    for number, item in enumerate(items):
        name = names[number]
        if name in names[:number] or name in OWN_EVENTS:
            what = f"is an event of its own: {', '.join(OWN_EVENTS)}" if name in OWN_EVENTS else "is twice"
            findings.report("NIM0210", f"the level `{name}` {what}", item.place("name"), "rename it")
        levels.append(_level(name, item, names[number + 1 :], works))
    _check_items(levels, items)
    _check_stages(levels, items)
    return tuple(levels)


def _check_items(levels: list[Level], items: list[Reader]) -> None:
    """Who brings a level an item without saying how long it takes needs a level that does."""
    lengths = {"": 1, **{level.name: level.takes_ns for level in levels}}
    tiers: dict[int, str] = {}
    for level, item in zip(levels, items, strict=True):
        report = item.findings.report
        if level.tells and not level.tells_ns and not lengths[level.tells]:
            message = f"nothing says how long what `{level.tells}` is told takes"
            report("NIM0204", message, item.place("tells"), f"add `takes:` here or to `{level.tells}`")
        if level.tiers and not level.takes_ns:
            message = f"nothing says how long the item of a gate takes in `{level.name}`"
            report("NIM0204", message, item.place("tiers"), "add `takes:`")
        for tier in level.tiers:
            if tier in tiers:
                message = f"gates of tier {tier} go to `{tiers[tier]}` already"
                report("NIM0210", message, item.place("tiers"), "leave the tier with one level")
            tiers.setdefault(tier, level.name)


def _check_stages(levels: list[Level], items: list[Reader]) -> None:
    """Stages, levels and the scheduler's own events are told apart by their names alone."""
    taken = {**dict.fromkeys(OWN_EVENTS, "an event of its own"), **{one.name: "a level" for one in levels}}
    for level, item in zip(levels, items, strict=True):
        inner = item.sub("stages")
        for stage, _ in level.stages:
            if stage in taken and inner is not None:
                message = f"the stage `{stage}` is {taken[stage]} too"
                item.findings.report("NIM0210", message, inner.node.key_place(stage), "rename it")
            taken.setdefault(stage, f"a stage of `{level.name}`")


def _level(name: str, reader: Reader, lower: list[str], works: Mapping[str, Work]) -> Level:
    findings = reader.findings
    take = reader.sub("take")
    rest = take.sub("rest") if take else None
    policy = _policy(reader, take) if take else reader.text("take")
    each_ns = take.duration("each") if take else 0
    if each_ns and "takes" in reader:
        each = take.text("each") if take else ""
        message = f"`{name}` takes {each} for each item, whatever the item says"
        findings.report("NIM0203", message, reader.place("takes"), "remove `takes`")
    reflex = bool(reader.value("reflex", False))
    if reflex:
        _check_reflex(name, policy, reader)
    if each_ns and "baseline" in reader and reader.duration("baseline") != each_ns:
        message = f"the baseline of `{name}` is one item, and takes {take.text('each') if take else ''}"
        findings.report("NIM0210", message, reader.place("baseline"), "make them the same")
    cost, tells, work = reader.sub("cost"), reader.sub("tells"), reader.text("work")
    if work and work not in works:
        message = f"there is no work `{work}`"
        fix = of_work(work, works)
        findings.report("NIM0301", message, reader.place("work"), fix)
    told = tells.text("level") if tells else ""
    if tells and told not in lower:
        message = f"`{told}` is no level below `{name}`"
        findings.report("NIM0301", message, tells.place("level"), phrase(told, lower))
    return Level(
        name=name,
        policy=policy,
        takes_ns=each_ns or reader.duration("takes"),
        share=take.share("share") if take else 0,
        cap_ns=take.duration("cap") if take else 0,
        minimum_ns=rest.duration("minimum") if rest else 0,
        baseline_ns=reader.duration("baseline"),
        reflex=reflex,
        preempted=reader.text("preempted", "resume"),
        carry=reader.text("leftover", "drop") == "carry",
        items_max=reader.value("max_per_beat", 0),
        queue_max=reader.value("queue", 1000),
        cost_fixed=cost.lifeforce("fixed") if cost else 0,
        cost_per_second=_pace(reader, cost),
        cost_per_item=cost.lifeforce("per_item") if cost else 0,
        stages=_stages(name, reader),
        tiers=tuple(reader.value("tiers", ())),
        tells=told if told in lower else "",
        tells_ns=tells.duration("takes") if tells else 0,
        work=work,
        urgency=reader.share("urgency"),
        goes="asleep" in reader,
        place=reader.place("name"),
    )


SPEEDS = {1: 0, 10: 5, 100: 20, 1000: 50}
"""What a minute costs by how fast a virtual garden runs, LF."""


def _pace(reader: Reader, cost: Reader | None) -> int:
    """What a second costs, micro-LF: as it is written, or by the speed of a virtual garden."""
    if "speed" not in reader:
        return cost.lifeforce("per_second") if cost else 0
    if cost is not None and "per_second" in cost:
        message = "`speed` says what a second costs already"
        reader.findings.report("NIM0203", message, cost.place("per_second"), "keep one of them")
    return round(Fraction(SPEEDS.get(reader.value("speed"), 0) * MICRO, 60))


def _policy(level: Reader, take: Reader) -> str:
    report = take.findings.report
    named = [policy for policy in _POLICIES if policy in take]
    if len(named) != 1:
        message = f"`take` wants one of {', '.join(_POLICIES)}"
        hint = "add `share:`" if "cap" in take else "add one of them"
        report("NIM0203", message, level.place("take"), "keep one of them" if named else hint)
        return "all"
    if "cap" in take and "share" not in take:
        report("NIM0203", "`cap` belongs to `share`", take.place("cap"), "remove `cap`")
    if "cap" in take and not take.duration("cap"):
        report(
            "NIM0210", "the cap must be longer than nothing", take.place("cap"), "remove it, or raise it"
        )
    return named[0]


def _check_reflex(name: str, policy: str, reader: Reader) -> None:
    report = reader.findings.report
    if policy != "each":
        message = f"the reflex `{name}` asks nobody for time: it says how much `each` takes"
        report("NIM0203", message, reader.place("take"), "write `take: {each: 50ms}`")
    if reader.text("preempted") == "never":
        message = f"nothing preempts the reflex `{name}` anyway"
        report("NIM0203", message, reader.place("preempted"), "remove `preempted`")
    for key in ("cost", "baseline", "stages", "work"):
        if key in reader:
            message = f"the reflex `{name}` has no `{key}`: it is free, and starts only by a stimulus"
            report("NIM0203", message, reader.place(key), f"remove `{key}`")


def _stages(name: str, reader: Reader) -> tuple[tuple[str, int], ...]:
    inner = reader.sub("stages")
    if inner is None:
        return ()
    end, stages = 0, []
    for key in inner.node.entries:
        end += inner.share(key)
        stages.append((key, end))
    if end != MICRO:
        message = f"the stages of `{name}` make {end / 10_000:g} %, not 100 %"
        reader.findings.report("NIM0210", message, reader.place("stages"), "change a share")
    return tuple(stages)


def _sources(beat: Beat) -> dict[str, EventSource]:
    """What the scheduler raises for the modes, with the fields that it gives."""
    fields: dict[str, Type] = {"beat": INT, "remaining": DURATION}
    named = {**fields, "level": STRING, "item": STRING}
    events: dict[str, EventSource] = {}
    add_source(events, BEAT, f"{ORIGIN}: a beat begins", fields)
    add_source(events, STIMULUS, f"{ORIGIN}: something arrives", named)
    add_source(events, IDLE, f"{ORIGIN}: nobody has anything to do", fields)
    add_source(events, SETTLE, f"{ORIGIN}: the beat is over", fields)
    for level in beat.levels:
        add_source(events, level.name, f"{ORIGIN}: a level gets the time", named)
        for stage, _ in level.stages:
            add_source(events, stage, f"{ORIGIN}: a stage begins", named)
    add_refused(events)
    add_source(events, FAULT, "fault", {"reason": STRING})
    return events


def _is_live(root: State, level: Level) -> bool:
    """Whether some mode does something, or waits for something, when a stage of the level begins."""
    stages = {name for name, _ in level.stages}
    for path, state in walk(root):
        inside = stages & {*path.split("/"), *leaves(state, path)}
        if inside and (state.enter or state.exit or state.timers):
            return True
    states = [root, *(state for _, state in walk(root))]
    return any(way.actions or way.price for one in states for way in one.transitions if way.event in stages)


def default_modes(beat: Beat) -> State:
    """Modes for who writes none: one for each level with its stages inside, ``idle`` and ``settle``."""
    names = [IDLE, *(level.name for level in beat.levels), SETTLE]
    states = (State(IDLE), *map(_mode, beat.levels), State(SETTLE))
    anywhere = tuple(Transition(name, name) for name in names)
    return State("", initial=IDLE, states=states, transitions=anywhere)


def _mode(level: Level) -> State:
    stages = [name for name, _ in level.stages]
    if not stages:
        return State(level.name)
    inner = tuple(State(name) for name in stages)
    on = tuple(Transition(name, f"{level.name}/{name}") for name in stages)
    return State(level.name, initial=stages[0], states=inner, transitions=on)
