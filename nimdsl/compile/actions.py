"""Compiles actions: what a machine does on a transition, on entering and on leaving a state."""

from __future__ import annotations

from nimdsl.base.suggest import misspelt, phrase
from nimdsl.compile.interface import Interface
from nimdsl.compile.reader import Reader
from nimdsl.compile.sending import compile_send
from nimdsl.expression.check import Scope
from nimdsl.expression.evaluate import Fault
from nimdsl.expression.syntax import Literal
from nimdsl.expression.types import LIFEFORCE, REAL, record_of
from nimdsl.program.expression import Expression
from nimdsl.program.machine import Action, AskReward, BeginWork, Emit, Raise, ReplyToAsk, Set
from nimdsl.schema.remedies import of_work


def compile_actions(
    reader: Reader, key: str, scope: Scope, interface: Interface, event: str = ""
) -> tuple[Action, ...]:
    """The actions in the list at ``key``, done on an ``event``; wrong ones are reported and left out."""
    actions: list[Action] = []
    for item in reader.items(key):
        actions += _action(item, scope, interface, event, key == "enter")
    return tuple(actions)


def _action(reader: Reader, scope: Scope, interface: Interface, event: str, entering: bool) -> list[Action]:
    match next(iter(reader.node.entries)):
        case "set":
            return _sets(reader, scope, interface)
        case "raise":
            return [Raise(reader.text("raise"))]
        case "work":
            return _start(reader, interface, entering)
        case "emit":
            wave = reader.sub("emit")
            return [Emit(_confidence(wave, scope), wave.template("content", scope))] if wave else []
        case "send":
            return compile_send(reader, scope)
        case "reply":
            return _reply(reader, scope, interface, event)
        case _:
            return _reward(reader, scope, interface)


def _confidence(wave: Reader, scope: Scope) -> Expression:
    """How sure the wave is; of a number that is written the schema says that it is from 0 to 1."""
    if "confidence" not in wave:
        return Expression(Literal(1.0, REAL), REAL, scope)
    found = wave.template("confidence", scope, REAL)
    try:
        value = found.evaluate({}) if found.is_constant else None
    except Fault as fault:
        wave.findings.report("NIM0304", str(fault), wave.place("confidence"))
        return found
    if isinstance(value, float) and not 0 <= value <= 1:
        message, fix = f"`confidence` is from 0 to 1, this is {value:g}", "write a number from 0 to 1"
        wave.findings.report("NIM0210", message, wave.place("confidence"), fix)
    return found


def _sets(reader: Reader, scope: Scope, interface: Interface) -> list[Action]:
    actions: list[Action] = []
    inner = reader.sub("set")
    for name in reader.keys("set") if inner else ():
        assert inner is not None
        if name not in interface.data:
            message = f"the cell has no data field `{name}`"
            reader.findings.report(
                "NIM0303", message, inner.node.key_place(name), phrase(name, interface.data)
            )
            continue
        actions.append(Set((name,), inner.template(name, scope, interface.data[name])))
    return actions


def _start(reader: Reader, interface: Interface, entering: bool) -> list[Action]:
    name = reader.text("work")
    if name in interface.works and interface.works[name].acquire is not None and not entering:
        message = f"`{name}` acquires units, which are held until a state is left: which one?"
        fix = "start it in the `enter` of the state that needs them"
        reader.findings.report("NIM0414", message, reader.place("work"), fix)
    if name in interface.answering:
        message = f"`{name}` is what an answer does, and work is the machine's or that of answers"
        fix = f"declare it a second time for the machine, as `{name}_alone`, and start that"
        if not any(message in one.message for one in reader.findings.diagnostics):
            reader.findings.report("NIM0203", message, reader.place("work"), fix)
        return []
    if name in interface.works:
        return [BeginWork(name, interface.arguments[name], reserve=interface.works[name].reserve)]
    fix = of_work(name, interface.works)
    message = f"the cell declares no work `{name}`"
    if not interface.stands:
        fix, message = f"give it to a level: `work: {name}`", "modes start no work: levels do"
    reader.findings.report("NIM0301", message, reader.place("work"), fix)
    return []


def _reply(reader: Reader, scope: Scope, interface: Interface, event: str) -> list[Action]:
    """The answer to the ask at hand; elsewhere to any that can be served there."""
    asked = [event] if event in interface.replies else [*interface.replies]
    place = reader.place("reply")
    if not asked or interface.kind != "cell":
        message, fix = "the cell replies to no event", "declare it: `replies: {<event>: {<field>: <type>}}`"
        reader.findings.report("NIM0310", message, place, fix)
        return []
    fields = interface.replies[asked[0]]
    if any(dict(interface.replies[one]) != dict(fields) for one in asked):
        both = " and ".join(f"`{one}`" for one in asked[:2])
        message = f"{both} are answered with different fields, and either may be served here"
        reader.findings.report("NIM0310", message, place, "reply in the transition on the event itself")
        return []
    payload = reader.template("reply", scope, record_of(fields))
    meant = misspelt([key for key, _ in payload.type.fields or ()], fields)
    missing = [key for key in fields if payload.type.field(key) is None and key not in meant]
    if missing:
        message = f"the answer to `{asked[0]}` needs `{missing[0]}`"
        reader.findings.report("NIM0306", message, place, f"add `{missing[0]}:`")
    return [ReplyToAsk(payload, place)]


def _reward(reader: Reader, scope: Scope, interface: Interface) -> list[Action]:
    inner = reader.sub("reward")
    if inner is None:
        return []
    name = inner.text("name")
    if interface.rewards is not None and name not in interface.rewards:
        fix = phrase(name, interface.rewards)
        message = f"no economy knows the reward `{name}`"
        if interface.economy:
            message = f"`{interface.economy}` has no reward `{name}`"
        inner.findings.report("NIM0301", message, inner.place("name"), fix)
    amount = inner.template("amount", scope, LIFEFORCE) if "amount" in inner else None
    return [AskReward(name, f"{interface.kind}/{interface.name}", amount=amount)]
