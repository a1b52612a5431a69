"""The flat table of a machine, as text and as plain data: what the kernel runs, row by row.

Rows stand in the order in which they are tried.  Times are seconds and amounts LF.  Not here: how a table
comes from nested states (:mod:`nimdsl.program.flatten`), drawings (:mod:`nimdsl.show.graph`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from itertools import groupby
from typing import Any

from nimdsl.base.units import MICRO, SECOND_NS
from nimdsl.base.values import Value
from nimdsl.expression.syntax import RecordOf, unparse
from nimdsl.program import Actor, Protocol
from nimdsl.program.address import Address, FamilyAddress, OriginAddress
from nimdsl.program.amount import RATE_TIMES, Amount, Computed
from nimdsl.program.expression import Expression
from nimdsl.program.flatten import REQUESTED, Row, Table
from nimdsl.program.format import tag_of
from nimdsl.program.machine import Action, Append, BeginWork, Price, PriceSource, Set
from nimdsl.show.amounts import bill_text, duration_text, flow_text, jittered

_MICRO_LF = ("amount", "process", "keep", "reserve")
"""Fields of actions that are amounts."""


def table_of(part: object) -> Table | None:
    """The table of an actor or a protocol; None of all else: a phase is a part of its protocol's."""
    actor = part.actor if isinstance(part, Protocol) else part
    return actor.table if isinstance(actor, Actor) else None


def table_data(table: Table) -> dict[str, Value]:
    """Plain data for JSON."""
    return {
        "failure_policy": "fail" if table.fails else "ignore",
        "begin": _row(table, table.begin) | {"source": "", "event": ""},
        "states": [
            {
                "name": name,
                "final": number in table.final,
            }
            for number, name in enumerate(table.states)
        ],
        "events": list(table.events),
        "rows": [_row(table, row) for row in table.rows],
        "timers": [
            {
                "after_s": _amount(timer.after_ns, SECOND_NS),
                "event": table.events[timer.event],
                "jitter": timer.jitter / MICRO,
            }
            for timer in table.timers
        ],
        "flows": [
            {
                "state": state,
                "income_per_s": _amount(flow.income, RATE_TIMES * MICRO),
                "upkeep_per_s": _amount(flow.upkeep, RATE_TIMES * MICRO),
            }
            for state, flow in table.flows.items()
        ],
    }


def _row(table: Table, row: Row) -> dict[str, Value]:
    return {
        "source": table.states[row.source],
        "event": table.events[row.event],
        "guard": _expression(row.guard) if row.guard else None,
        "price": _price(row.price) if row.price else None,
        "costs": [_price(price) for price in row.costs],
        "returns": {"state": row.returns.state, "leaf": row.returns.leaf} if row.returns else None,
        "answer": row.answer,
        "target": table.states[row.target],
        "actions": [_action(action) for action in row.actions],
        "defers": row.defers,
        "left": list(row.left),
        "disarm": list(row.disarm),
        "arm": list(row.arm),
    }


def _price(price: Price) -> dict[str, Value]:
    economy = {"economy": price.economy} if price.economy else {}
    amount = _amount(price.amount, MICRO)
    return {"amount": amount, "purse": str(price.purse), "account": price.account, **economy}


def _amount(amount: Amount, unit: int) -> Value:
    """In whole units, or the expression."""
    return _expression(amount.expression) if isinstance(amount, Computed) else amount / unit


def _action(action: Action) -> dict[str, Value]:
    given = {
        field.name: _field(field.name, getattr(action, field.name))
        for field in fields(action)
        if field.compare
    }
    return {"do": _name(action), **{key: value for key, value in given.items() if value not in (None, "")}}


def _name(action: Action) -> str:
    return "work" if isinstance(action, BeginWork) else tag_of(action)


def _field(name: str, value: Any) -> Value:
    if isinstance(value, Expression):
        return _expression(value)
    if isinstance(value, Computed):
        return _expression(value.expression)
    if isinstance(value, FamilyAddress | OriginAddress):
        return address_text(value)
    if isinstance(value, tuple):
        return ".".join(value)
    found: Value = value / MICRO if name in _MICRO_LF and value is not None else value
    return found


def address_text(address: Address) -> str:
    """An address as it is written."""
    match address:
        case str():
            return address
        case OriginAddress():
            return "${origin}"
        case FamilyAddress():
            parts = address.text.split("\0")
            holes = [one if isinstance(one, str) else f"${{{_expression(one)}}}" for one in address.holes]
            return parts[0] + "".join(hole + part for hole, part in zip(holes, parts[1:], strict=True))


def _expression(expression: Expression) -> str:
    """As it is written; a record with the names of its fields, nothing for an empty one."""
    node = expression.node
    if not isinstance(node, RecordOf):
        return unparse(node)
    told = ", ".join(f"{name}: {unparse(one)}" for name, one in node.fields)
    return f"{{{told}}}" if told else ""


# As text


def table_text(title: str, table: Table) -> str:
    """Rows under the state that they leave, with all that they do; then the timers."""
    parts = {"state": table.states, "event": table.events, "row": table.rows, "timer": table.timers}
    told = ", ".join(f"{len(many)} {one if len(many) == 1 else one + 's'}" for one, many in parts.items())
    lines = [f"{title}: {told}", "", f"begins in {table.states[table.begin.target]}"]
    lines += _effects(table.begin)
    if table.fails:
        lines += ["a guard without a value ends its event, and `fault` comes"]
    for source, rows in groupby(table.rows, key=lambda row: row.source):
        lines += ["", table.states[source]]
        for row in rows:
            lines += [f"  {_head(table, row)}", *_effects(row)]
    final = [table.states[number] for number in sorted(table.final)]
    lines += ["", f"final: {', '.join(final)}"] if final else []
    if table.timers:
        lines += ["", "timers"]
        lines += [f"  {n}: after {_timer(table, n)}" for n in range(len(table.timers))]
    if table.flows:
        lines += ["", "flows"]
        lines += [f"  {state}: {flow_text(one.income, one.upkeep)}" for state, one in table.flows.items()]
    return "\n".join(lines) + "\n"


def _timer(table: Table, number: int) -> str:
    timer = table.timers[number]
    after = jittered(duration_text(timer.after_ns), timer.jitter)
    return f"{after}, {table.events[timer.event]}"


def _head(table: Table, row: Row) -> str:
    guard = f" [{_expression(row.guard)}]" if row.guard else ""
    price = f"  ({_priced(row)})" if row.bill or row.reserves else ""
    if row.defers:
        return f"{table.events[row.event]} is deferred"
    back = ""
    if row.returns:
        left = f"was left in {row.returns.leaf}" if row.returns.leaf else "was never left"
        back = f"  ({row.returns.state} {left})"
    serving = bool(row.answer) and not table.events[row.event].startswith(REQUESTED)
    answer = f"  (while `{row.answer}` answers)" if serving else ""
    return f"{table.events[row.event]}{guard} → {table.states[row.target]}{back}{answer}{price}"


def _priced(row: Row) -> str:
    price = row.price
    if price is not None and price.purse is PriceSource.REQUEST:
        return f"the request pays for {price.account}"
    begun = (one for one in row.actions if isinstance(one, BeginWork) and one.reserve is not None)
    told = bill_text(row.bill, (one.reserve for one in begun if one.reserve is not None))
    return f"{told} for {price.account}" if price is not None else told


def _effects(row: Row) -> Iterator[str]:
    for action in row.actions:
        yield f"      {_told(action)}"
    for verb, numbers in (("disarm", row.disarm), ("arm", row.arm)):
        if numbers:
            yield f"      {verb} timer {', '.join(map(str, numbers))}"


def _told(action: Action) -> str:
    if isinstance(action, Set):
        otherwise = f", else raise {action.otherwise}" if action.otherwise else ""
        return f"set {'.'.join(action.path)} = {_expression(action.value)}{otherwise}"
    if isinstance(action, Append):
        return f"append {'.'.join(action.path)} += {_expression(action.value)}"
    told = _action(action)
    name = told.pop("do")
    return f"{name} " + ", ".join(f"{key}: {value}" for key, value in told.items())
