"""An account as lines for a terminal: the record and all about it, then its causes, a step in at each.

The law: it is one screen, :data:`LINES_MAX` lines, unless a depth was asked for: then nothing is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from textwrap import wrap
from typing import Final

from gardens.report import words
from gardens.report.terminal.bodies import event_name
from nimdsl.base.printable import visible
from nimdsl.base.units import format_lifeforce
from nimdsl.base.words import counted
from runtime.kernel.kernel import PriceDecision
from runtime.ledger import accounts
from runtime.ledger.accounts import Question
from runtime.run.causes import Cause
from runtime.run.guards import Tested, TriedRow
from simulate.seance import Account
from simulate.surroundings import seconds

LINES_MAX: Final = 40
CAUSES_MIN: Final = 8
"""How many of them are kept for causes."""
WRAPPED_MAX: Final = 3
"""How many lines of the terminal one line of text may take."""
CHANGES_MAX, ROWS_MAX, PRICES_MAX = 6, 8, 4
LABEL: Final = 9
GUIDE_MAX: Final = 24
"""How far causes are stepped in; those behind stand below one another."""
VALUE_LENGTH_MAX: Final = 40


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line of plain text; ``style`` is one of rich."""

    text: str
    style: str = ""


def lines_of(account: Account, width: int, lines_max: int | None = LINES_MAX) -> list[TextLine]:
    """The account, as deep as fits into so many lines; None: all of it."""
    head, tree = _fitted(_head(account), "", width), list[TextLine]()
    if lines_max is None:
        return [*head, *_tree(account, "", width, _depth(account))]
    head = _clipped(head, lines_max - CAUSES_MIN)
    for depth in range(_depth(account), 0, -1):
        tree = [*_tree(account, "", width, depth)]
        if len(head) + len(tree) <= lines_max:
            break
    return [*head, *_clipped(tree, lines_max - len(head))]


def _clipped(lines: list[TextLine], count_max: int) -> list[TextLine]:
    """No more lines than so many, the last one saying how many there are."""
    left = len(lines) - count_max
    if left <= 0:
        return lines
    return [*lines[: count_max - 1], TextLine(f"… {left + 1} lines more: `--depth N` shows all", "dim")]


def _depth(account: Account) -> int:
    """How deep its causes are followed."""
    followed = (inner for cause, inner in account.causes if not cause.aside)
    return max((1 if inner is None else 1 + _depth(inner) for inner in followed), default=0)


# The record itself


def _head(account: Account) -> Iterator[tuple[str, str]]:
    """Lines of text with their styles."""
    which = "a step" if account.record is None else f"record {account.record.sequence}"
    following = "the last" if account.next_ns is None else f"the next at {seconds(account.next_ns)}"
    beside = f"{counted(account.record_count, 'record')}, {following}"
    yield f"{account.actor}, {which}, at {seconds(account.at_ns)} ({beside})", "bold"
    yield account.told, ""
    for label, text in _details(account):
        yield f"  {label:<{LABEL}}{text}", ""


def _details(account: Account) -> Iterator[tuple[str, str]]:
    was, now = account.states
    yield "state", f"{was or 'none'} → {now}" if was != now else now
    yield from (
        ("data", f"{one.path}: {one.before} → {one.after}") for one in account.changes[:CHANGES_MAX]
    )
    if len(account.changes) > CHANGES_MAX:
        yield "data", f"and {len(account.changes) - CHANGES_MAX} more fields"
    yield from _rows(account.rows)
    yield from (("test", _tested(one, what)) for what, one in account.around.conditions)
    yield from (("price", price(*one)) for one in account.asked[:PRICES_MAX])
    if len(account.asked) > PRICES_MAX:
        yield "price", f"and {len(account.asked) - PRICES_MAX} more"
    yield from account.around.lines


def _rows(rows: tuple[TriedRow, ...]) -> Iterator[tuple[str, str]]:
    """The rows that were tried; nothing to tell where none has a guard."""
    if not any(row.guard for row in rows):
        return
    hidden = len(rows) - ROWS_MAX
    if hidden > 0:
        yield "guard", f"{counted(hidden, 'row')} before these, none of which held"
    for row in rows[-ROWS_MAX:]:
        way = f"{event_name(row.event)} to {row.target}"
        yield "guard", _tested(row.guard, way) if row.guard else f"✓ {way}: no guard"


def _tested(guard: Tested, what: str) -> str:
    mark = "✓" if guard.holds else "✗"
    values = ", ".join(
        f"{one.name} has no value: {one.fault}"
        if one.fault
        else f"{one.name} = {_short_value(words.value_of(one.type, one.value))}"
        for one in guard.values
    )
    fault = (
        f"; no value: {guard.fault}" if guard.fault and not any(one.fault for one in guard.values) else ""
    )
    return f"{mark} {what}: {guard.text}" + (f"  [{values}]" if values else "") + fault


def _short_value(text: str) -> str:
    return text if len(text) <= VALUE_LENGTH_MAX else f"{text[: VALUE_LENGTH_MAX - 1]}…"


def price(question: Question, decision: PriceDecision) -> str:
    """What was asked of the economy, what it said, and what its pool had then."""
    whose = f" of {decision.purse}" if decision.purse else ""
    told = "granted" if decision.granted else "refused"
    left = "left in" if decision.granted else "in"
    pool = f"{format_lifeforce(decision.balance)} LF {left} the pool{whose}"
    mark = "✓" if decision.granted else "✗"
    asked = accounts.in_words(question).removesuffix(f" (`{question.key}`)")
    return f"{mark} {asked}: {told}, {pool}"


# The causes


def _tree(account: Account, guide: str, width: int, depth: int) -> Iterator[TextLine]:
    """The causes, those aside first: the main one goes on below."""
    ordered = sorted(account.causes, key=lambda one: not one[0].aside)
    for cause, inner in ordered:
        last = cause is ordered[-1][0]
        yield from _fitted([(_caused(cause, inner), "")], guide + ("└ " if last else "├ "), width)
        below = guide + ("  " if last else "│ ") if len(guide) < GUIDE_MAX else guide
        if inner is None or (cause.aside and _same(inner, ordered[-1][1])):
            continue
        yield from _fitted(_short(account, inner), below + "  ", width)
        if depth > 1 and not cause.aside:
            yield from _tree(inner, below, width, depth - 1)
        elif not cause.aside and inner.causes:
            yield TextLine(
                f"{below}└ … more causes: --depth N, or --actor {inner.actor}{_at(inner)}", "dim"
            )


def _same(one: Account, other: Account | None) -> bool:
    return other is not None and (one.actor, one.record) == (other.actor, other.record)


def _caused(cause: Cause, inner: Account | None) -> str:
    if inner is None:
        return cause.what if cause.origin is None else f"{cause.what} ({_origin(cause)})"
    begun = _BEGUN.get(cause.kind, "from")
    record = "" if inner.record is None else f", record {inner.record.sequence}"
    return f"{cause.what}; {begun} {seconds(inner.at_ns)}{record}"


_BEGUN: Final = {
    "timer": "armed at",
    "work": "begun at",
    "loan": "asked for at",
    "wave": "sent at",
    "message": "sent at",
    "request": "sent at",
    "reply": "sent at",
    "opening": "taken at",
    "item": "arrived at",
    "deferred": "at",
}


def _origin(cause: Cause) -> str:
    assert cause.origin is not None
    actor, _, record = cause.origin
    return actor if record is None else f"{actor}, record {record}"


def _at(account: Account) -> str:
    return "" if account.record is None else f" --record {account.record.sequence}"


def _short(above: Account, account: Account) -> Iterator[tuple[str, str]]:
    """What is told of a cause: its record, what was tested and paid, the waves that a gate had in mind."""
    whose = "" if account.actor == above.actor else f"{account.actor} "
    yield f"{whose}{account.told}", ""
    for label, text in _rows(tuple(row for row in account.rows if row.guard and row.guard.holds)):
        yield f"{label}  {text}", "dim"
    yield from ((f"test  {_tested(one, what)}", "dim") for what, one in account.around.conditions)
    yield from ((f"price  {price(*one)}", "dim") for one in account.asked[:1])
    yield from ((f"{label}  {text}", "dim") for label, text in account.around.waves)


# Lines


def _fitted(lines: Iterable[tuple[str, str]], guide: str, width: int) -> list[TextLine]:
    """Lines that are no longer than the terminal is wide, under a guide."""
    found, after = [], guide.replace("└ ", "  ").replace("├ ", "│ ")
    for number, (text, style) in enumerate(lines):
        first = guide if number == 0 else after
        indent = " " * (LABEL + 2) if text.startswith("  ") else "  "
        room = max(30, width - len(guide))
        folded = wrap(visible(text), room, subsequent_indent=indent, replace_whitespace=False) or [""]
        if len(folded) > WRAPPED_MAX:
            folded = [*folded[: WRAPPED_MAX - 1], folded[WRAPPED_MAX - 1][: room - 1] + "…"]
        found += [TextLine((first if not at else after) + one, style) for at, one in enumerate(folded)]
    return found
