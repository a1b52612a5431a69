"""Checks of attentions: what cannot work, whatever arrives.

Everything here is arithmetic on the document: what levels take of a beat at most,
and what of a beat is left for a level at most.
"""

from __future__ import annotations

from collections.abc import Sequence

from nimdsl.base.diagnostics import Severity
from nimdsl.base.units import MICRO, NANOSECONDS, SECOND_NS, format_duration, format_lifeforce
from nimdsl.base.words import listed
from nimdsl.checks.economy import bounding, most_above_floor, most_flow
from nimdsl.compile.lengths import check_length
from nimdsl.compile.reader import Findings, Reader
from nimdsl.program import Beat, Economy, Level
from nimdsl.program.machine import State


def check_beat(findings: Findings, reader: Reader, beat: Beat) -> None:
    """Reports what can never work within one beat."""
    places = {level.name: item for level, item in zip(beat.levels, reader.items("levels"), strict=True)}
    _bounds(findings, beat, places)
    _worst_case(findings, beat, places)
    _reachable(findings, beat, places)
    _finishable(beat, places)


def _bounds(findings: Findings, beat: Beat, places: dict[str, Reader]) -> None:
    """NIM0604: what nothing bounds."""
    for level in beat.levels:
        if level.cost_per_item and not level.items_max:
            message = f"nothing bounds what `{level.name}` costs in a beat: `per_item` wants `max_per_beat`"
            findings.report("NIM0604", message, places[level.name].place("cost"), "add `max_per_beat:`")
        if (level.reflex or level.policy == "each") and not level.items_max:
            what = "a reflex" if level.reflex else "`each`"
            message = f"nothing bounds what `{level.name}` takes of a beat: {what} wants `max_per_beat`"
            fix = "add `max_per_beat:`"
            findings.report("NIM0604", message, places[level.name].place("take"), fix)


def _worst_case(findings: Findings, beat: Beat, places: dict[str, Reader]) -> None:
    """NIM0601: items of fixed length that can be more than a beat holds, whatever the gates weigh."""
    taken_ns = 0
    for level in beat.levels:
        if level.policy != "each" or not level.items_max:
            continue
        own_ns = level.items_max * level.takes_ns
        left_ns = beat.window_ns - taken_ns - own_ns
        if left_ns < 0:
            room = max(0, beat.window_ns - taken_ns) // level.takes_ns if level.takes_ns else 0
            message = (
                f"in the worst case {level.items_max} items of `{level.name}` at "
                f"{format_duration(level.takes_ns)} leave {format_duration(left_ns)} of the "
                f"{format_duration(beat.window_ns)} that the levels have"
            )
            fix = (
                f"lower `max_per_beat` to {room}" if room else "make the items shorter, or the beat longer"
            )
            findings.report("NIM0601", message, places[level.name].place("max_per_beat"), fix)
            return
        taken_ns += own_ns


def _reachable(findings: Findings, beat: Beat, places: dict[str, Reader]) -> None:
    """NIM0602 and NIM0603: what the baselines above a level leave it, at most."""
    left_ns = beat.window_ns
    above: list[str] = []
    for level in beat.levels:
        if level.reflex:
            continue
        reader = places[level.name]
        most_ns = most(level, left_ns)
        if left_ns <= 0:
            message = f"`{level.name}` can never run: {_baselines(above)} all of every beat"
            fix = f"lower the `baseline` of {listed(above)}, or put `{level.name}` above"
            findings.report("NIM0602", message, reader.place("take"), fix)
        elif level.policy == "rest" and left_ns < level.minimum_ns:
            _unmet(findings, reader, level, beat.window_ns, left_ns, above)
        elif most_ns <= 0 or (level.policy == "each" and not level.takes_ns):
            message = f"`{level.name}` can never run: it may take {format_duration(max(0, most_ns))}"
            findings.report("NIM0602", message, reader.place("take"), "give it something to take")
        certain_ns = min(level.baseline_ns, max(0, most_ns)) if _is_certain(level) else 0
        above += [level.name] if certain_ns else []
        left_ns -= certain_ns


def _unmet(
    findings: Findings, reader: Reader, level: Level, window_ns: int, left_ns: int, above: list[str]
) -> None:
    """NIM0603: more than the beat has, or more than baselines leave of it."""
    wanted, there = format_duration(level.minimum_ns), format_duration(left_ns)
    message = f"`{level.name}` starts only with {wanted}, and never has more than {there}"
    fix = f"lower `minimum` to {there} at most"
    if level.minimum_ns > window_ns:
        message += f": of a beat the levels have {format_duration(window_ns)}" if above else ""
        fix += ", or make the beat longer"
    else:
        message += f": {_baselines(above)} the rest"
        fix += f", or the `baseline` of {listed(above)}"
    take = reader.sub("take")
    rest = take.sub("rest") if take else None
    findings.report("NIM0603", message, rest.place("minimum") if rest else reader.place(), fix)


def _baselines(names: list[str]) -> str:
    one = len(names) == 1
    return f"the baseline of {listed(names)} takes" if one else f"the baselines of {listed(names)} take"


def _is_certain(level: Level) -> bool:
    """Whether its baseline takes its time in every beat, whatever happens."""
    priced = level.cost_fixed or level.cost_per_second or level.cost_per_item
    crowded = level.carry and level.items_max
    return not (level.work or priced or crowded or level.preempted == "abandon")


def _finishable(beat: Beat, places: dict[str, Reader]) -> None:
    """NIM0606: what no beat can finish, of the items whose length the document says."""
    levels = {level.name: level for level in beat.levels}
    for level in beat.levels:
        reader = places[level.name]
        check_length(reader.findings, beat, level, level.takes_ns, reader.place("takes"))
        tells = reader.sub("tells")
        if tells is not None and level.tells:
            check_length(tells.findings, beat, levels[level.tells], level.tells_ns, tells.place("takes"))


def most(level: Level, left_ns: int) -> int:
    """What a level may take of ``left_ns`` in one beat."""
    if level.policy == "share":
        part_ns = level.share * left_ns // MICRO
        return min(part_ns, level.cap_ns) if level.cap_ns or not part_ns else part_ns
    if level.policy == "each" and level.items_max:
        return min(left_ns, level.items_max * level.takes_ns)
    return left_ns


def full_load(beat: Beat) -> int:
    """What a beat can cost at most, micro-LF.

    As many items as may start, however short; and the whole window for whoever pays most for a
    second, then for the next, each as much as it may take.
    """
    return sum(amount for amount, _ in _loads(beat))


def _loads(beat: Beat) -> list[tuple[int, Level]]:
    """What each level costs at full load."""
    loads, left_ns = [], beat.window_ns
    for level in sorted(beat.levels, key=lambda one: -one.cost_per_second):
        own_ns = min(left_ns, most(level, beat.window_ns))
        amount = level.cost_fixed + level.cost_per_item * level.items_max
        loads.append((amount + level.cost_per_second * own_ns // SECOND_NS, level))
        left_ns -= own_ns
    return loads


def check_economy(
    attention: Reader, beat: Beat, purse: Reader, economy: Economy, living: Sequence[State] = ()
) -> None:
    """NIM0605: at full load the pool runs dry, before any reward; NIM0602: a start that nobody can pay.

    The readers stand on the documents of both, and report to the scenario that brings them together.
    ``living`` are the machines of the cells whose flows are of this economy; each counts as if it stood
    where it brings most, so that what is said is true wherever they stand.
    """
    places = {level.name: item for level, item in zip(beat.levels, attention.items("levels"), strict=True)}
    _payable(places, beat, economy, living)
    cost, lf, flows = full_load(beat), format_lifeforce, sum(map(most_flow, living))
    least, rate = economy.net_flow()
    income = (rate + flows) * beat.length_ns // NANOSECONDS["d"]
    if cost <= income or attention.findings.failed:
        return
    beats = (economy.opening - economy.kept) // (cost - income)
    flow = f" and {'at most ' if flows or least < rate else ''}{lf(income)} come in"
    fix = "lower the costs or `max_per_beat`, or let more come in"
    if income < 0:
        flow = f", and upkeep takes {lf(-income)} LF more than comes in"
        fix = "lower `upkeep` or the costs, or let more come in"
    message = (
        f"at full load a beat costs {lf(cost)} LF{flow}: without rewards "
        f"`{economy.name}` lasts {beats} beat{'s' if beats != 1 else ''}"
    )
    dearest = max(_loads(beat), key=lambda load: load[0])[1]
    place = places[dearest.name].place("cost") if cost else purse.place("upkeep")
    attention.findings.report("NIM0605", message, place, fix, Severity.WARNING)


def _payable(places: dict[str, Reader], beat: Beat, economy: Economy, living: Sequence[State]) -> None:
    most_lf = most_above_floor(economy, economy.rewards, living)
    for level in beat.levels:
        least = level.cost_fixed + level.cost_per_item
        if most_lf is not None and least > most_lf:
            lf = format_lifeforce
            message = (
                f"`{level.name}` can never run: an item costs {lf(least)} LF at once, and `{economy.name}` "
                f"never has more than {lf(most_lf)} above its floor"
            )
            fix = f"lower the cost, or raise `{bounding(economy, most_lf)}`"
            places[level.name].findings.report("NIM0602", message, places[level.name].place("cost"), fix)
