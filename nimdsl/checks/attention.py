"""Checks of attentions: what cannot work, whatever arrives.

Everything here is arithmetic on the document: what levels take of a beat at most,
and what of a beat is left for a level at most.
"""

from __future__ import annotations

from nimdsl.compile.reader import Findings, Reader
from nimdsl.diagnostics import Severity
from nimdsl.program import Beat, Economy, Level
from nimdsl.units import MICRO, SECOND_NS, format_duration, format_lifeforce


def check_beat(findings: Findings, reader: Reader, beat: Beat) -> None:
    """Reports what can never work within one beat."""
    places = {level.name: item for level, item in zip(beat.levels, reader.items("levels"), strict=True)}
    _bounds(findings, beat, places)
    _worst_case(findings, beat, places)
    _reachable(findings, beat, places)


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
    for level in beat.levels:
        if level.reflex:
            continue
        reader = places[level.name]
        most_ns = most(level, left_ns)
        if level.policy == "rest" and left_ns < level.minimum_ns:
            message = (
                f"`{level.name}` starts only with {format_duration(level.minimum_ns)}, and never has more "
                f"than {format_duration(left_ns)}"
            )
            take = reader.sub("take")
            place = take.place("minimum") if take else reader.place()
            findings.report("NIM0603", message, place, "lower `minimum`, or the baselines above it")
        elif most_ns <= 0 or (level.policy == "each" and not level.takes_ns):
            why = (
                "the baselines above it take all of every beat"
                if left_ns <= 0
                else f"it may take {format_duration(max(0, most_ns))}"
            )
            message = f"`{level.name}` can never run: {why}"
            fix = "lower the baselines above it" if left_ns <= 0 else "give it something to take"
            findings.report("NIM0602", message, reader.place("take"), fix)
        if _is_certain(level):
            left_ns -= min(level.baseline_ns, max(0, most_ns))


def _is_certain(level: Level) -> bool:
    """Whether its baseline takes its time in every beat, whatever happens."""
    priced = level.cost_fixed or level.cost_per_second or level.cost_per_item
    crowded = level.carry and level.items_max
    return not (level.work or priced or crowded or level.preempted == "abandon")


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
    amount, left_ns = 0, beat.window_ns
    for level in sorted(beat.levels, key=lambda one: -one.cost_per_second):
        own_ns = min(left_ns, most(level, beat.window_ns))
        amount += level.cost_fixed + level.cost_per_item * level.items_max
        amount += level.cost_per_second * own_ns // SECOND_NS
        left_ns -= own_ns
    return amount


def check_economy(findings: Findings, reader: Reader, beat: Beat, economy: Economy) -> None:
    """NIM0605: at full load the pool runs dry, before any reward; NIM0602: a start that nobody can pay."""
    _payable(findings, reader, beat, economy)
    cost = full_load(beat)
    income = (sum(economy.incomes.values()) - sum(economy.upkeep.values())) * beat.length_ns // SECOND_NS
    if cost <= income:
        return
    beats = (economy.opening - economy.floor) // (cost - income)
    lf = format_lifeforce
    message = (
        f"at full load a beat costs {lf(cost)} LF and {lf(max(0, income))} come in: without rewards "
        f"`{economy.name}` lasts {beats} beat{'s' if beats != 1 else ''}"
    )
    fix = "lower the costs or `max_per_beat`, or let more come in"
    place = reader.place("economy") if "economy" in reader else reader.place("attention")
    findings.report("NIM0605", message, place, fix, Severity.WARNING)


def _payable(findings: Findings, reader: Reader, beat: Beat, economy: Economy) -> None:
    grows = economy.incomes or any(reward > 0 for reward in economy.rewards.values())
    most_lf = economy.capacity if economy.capacity is not None else None if grows else economy.opening
    for level in beat.levels:
        least = level.cost_fixed + level.cost_per_item
        if most_lf is not None and least > most_lf - economy.floor:
            lf = format_lifeforce
            message = (
                f"`{level.name}` can never run: an item costs {lf(least)} LF at once, and `{economy.name}` "
                f"never has more than {lf(most_lf - economy.floor)} above its floor"
            )
            place = reader.place("economy") if "economy" in reader else reader.place("attention")
            findings.report("NIM0602", message, place, "lower the cost, or raise the capacity")
