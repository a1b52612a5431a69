"""Compiles ``work``: what it is given and returns, and its two readings, ``virtual`` and ``real``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from nimdsl.base.suggest import phrase
from nimdsl.base.words import counted
from nimdsl.compile.amounts import duration_or_lifeforce
from nimdsl.compile.asking_organs import compile_organ_work
from nimdsl.compile.attempts import compile_attempts, compile_backoff
from nimdsl.compile.borrowing import compile_acquire, compile_reserve
from nimdsl.compile.command import compile_command
from nimdsl.compile.handed import check_handed
from nimdsl.compile.reader import Reader
from nimdsl.compile.sending import compile_ask
from nimdsl.expression.check import Binding, Scope
from nimdsl.expression.evaluate import Fault
from nimdsl.expression.template import is_template
from nimdsl.expression.types import ANY, DURATION, NUMERIC, REAL, RECORD, SHARE, Type
from nimdsl.program import Distribution, Schema, Work, WorkModel
from nimdsl.program.expression import Expression
from nimdsl.text.tree import ListNode, MapNode, Node, Scalar

STAND_IN = "stand_in"
"""The word for who does nothing: the document's model says what comes back."""

WORDS = {"nack": "declined"}
"""What an outcome is called in documents, where its name is another."""
NO_SCHEMAS: Mapping[str, Schema] = {}
PERFECT = Distribution("constant", (0,), DURATION)


def compile_work(
    name: str,
    reader: Reader,
    outcomes: Mapping[str, str],
    arguments: Type,
    scope: Scope,
    asking: bool = True,
    schemas: Mapping[str, Schema] = NO_SCHEMAS,
) -> Work:
    """A piece of work; ``outcomes`` adds event names to done, failed and unknown.

    ``arguments`` is the type of what it is given; ``asking`` says whether it can be another cell's.
    """
    asked = reader.sub("ask") if asking else None
    ask, returns = compile_ask(asked, scope) if asked else (None, reader.types("returns"))
    command, replied = compile_command(reader, scope, schemas, asking)
    returns = replied if "command" in reader else returns
    organ, answered = compile_organ_work(reader, scope, asking)
    returns = answered if organ else returns
    _check_ask(reader, asking)
    acquire = compile_acquire(reader, scope, asking)
    reserve, cost = compile_reserve(reader, scope, returns, asking)
    attempts = compile_attempts(reader, asking)
    virtual = reader.sub("virtual")
    own = {"done": reader.text("done", "done"), "failed": reader.text("failed", "failed")}
    idempotent = reader.text("repeat", "idempotent") == "idempotent"
    if not idempotent:
        own["unknown"] = reader.text("unknown", "unknown")
    if "command" in reader:
        own["nack"] = reader.text("declined", "declined")
    return Work(
        name=name,
        returns=returns,
        outcomes={**own, **outcomes},
        idempotent=idempotent,
        virtual=compile_model(virtual, returns, arguments, answering=bool(outcomes)) if virtual else None,
        real=real_driver(reader),
        ask=ask,
        command=command,
        timeout_ns=duration_or_lifeforce(reader, "timeout", scope, DURATION)
        if "timeout" in reader
        else None,
        acquire=acquire,
        organ=organ,
        reserve=reserve,
        cost=cost,
        attempts=attempts,
        backoff=compile_backoff(reader, attempts),
        place=reader.node.place,
        places={key: reader.place(word) for key in own if (word := WORDS.get(key, key)) in reader},
    )


def _check_ask(reader: Reader, asking: bool) -> None:
    """NIM0203 and NIM0204: an ask is done by another cell, and ends at its timeout."""
    report = reader.findings.report
    if "ask" not in reader:
        if "timeout" in reader and not asking:
            message = "`timeout` is for work that the machine of a cell starts"
            report("NIM0203", message, reader.place("timeout"), "remove `timeout`")
        elif reader.text("timeout").startswith("0") and not reader.duration("timeout"):
            message = "work that may take no time always fails"
            report("NIM0210", message, reader.place("timeout"), "write for example `timeout: 5s`")
        return
    if not asking:
        report("NIM0203", "only the machine of a cell can ask", reader.place("ask"), "remove `ask`")
        return
    check_handed(
        reader,
        "ask",
        why="who is asked does the work",
        waits="an ask must say how long it waits: messages can be lost",
        example="5s",
    )
    if reader.text("timeout").startswith("0") and not reader.duration("timeout"):
        report("NIM0210", "an ask that waits no time always fails", reader.place("timeout"), "write `5s`")


def real_driver(reader: Reader) -> Mapping[str, Any]:
    """Who does it for real: ``python``, ``service`` or, for a stand-in, ``document``; empty for nobody."""
    written: Any = reader.value("real", {})
    return {"document": True} if written == STAND_IN else written


def compile_model(
    reader: Reader, returns: Mapping[str, Type], arguments: Type, answering: bool
) -> WorkModel:
    """A ``virtual:`` model; NACK and RETRY are for work that answers a request."""
    crash = reader.sub("crash")
    scope = Scope(
        {"args": Binding(arguments, ("$arguments",)), "inventory": Binding(RECORD, ("$inventory",))}
    )
    for key in ("nack", "retry"):
        if reader.share(key) and not answering:
            message = f"`{key}` is for work that answers a request"
            reader.findings.report("NIM0203", message, reader.place(key), "use `failure` here")
    return WorkModel(
        latency=compile_distribution(reader, "latency", DURATION, scope),
        failure=_failure(reader, scope),
        nack=reader.share("nack"),
        retry=reader.share("retry"),
        crash=crash.share("chance") if crash else 0,
        down_ns=crash.duration("down") if crash else 0,
        returns=_returned(reader, returns, scope),
    )


def _returned(reader: Reader, returns: Mapping[str, Type], scope: Scope) -> dict[str, Distribution]:
    inner = reader.sub("returns")
    given = list(inner.node.entries) if inner else []
    for key in given:
        if key not in returns and inner:
            message = f"the work does not declare that it returns `{key}`"
            reader.findings.report("NIM0303", message, inner.node.key_place(key), phrase(key, returns))
    for key in returns:
        if key not in given:
            fix = f"add `{key}: {{constant: ...}}` under `virtual: returns:`"
            reader.findings.report(
                "NIM0204", f"the model does not say what `{key}` is", reader.node.place, fix
            )
    return {
        key: compile_distribution(inner, key, returns[key], scope)
        for key in given
        if inner and key in returns
    }


_PARAMETERS = {
    "exponential": ("mean",),
    "normal": ("mean", "deviation", "low", "high"),
    "lognormal": ("median", "p95"),
}
_NUMERIC_ONLY = ("uniform", "exponential", "normal", "lognormal", "beta")


NOTHING = Scope({})
"""What the parameters of a distribution read that is nobody's work: nothing but constants."""


def _failure(reader: Reader, scope: Scope) -> int | Expression:
    """How often work fails: a share that is written, or one that is computed from what it is given."""
    node = reader.node.get("failure")
    if isinstance(node, Scalar) and is_template(node):
        return reader.template("failure", scope, SHARE)
    return reader.share("failure")


def compile_distribution(reader: Reader, key: str, kind: Type, scope: Scope = NOTHING) -> Distribution:
    """A distribution of type ``kind``; its parameters may read what is in ``scope``."""
    inner = reader.sub(key)
    if inner is None:
        return PERFECT
    name = next(iter(inner.node.entries))
    node = inner.node.entries[name]
    found = inner.findings.diagnostics
    before = len(found)

    def value(part: Any, wanted: Type) -> Any:
        return _parameter(inner, part, wanted, scope)

    if name in _NUMERIC_ONLY and kind != ANY and kind not in NUMERIC:
        message = f"`{name}` draws numbers, {kind} is wanted here"
        inner.findings.report("NIM0304", message, inner.place(name), "use `constant` or `choice`")
        return PERFECT
    if name == "constant" and not isinstance(node, Scalar) and (kind in NUMERIC or not scope.names):
        message = "a constant here is a single value"
        inner.findings.report("NIM0205", message, inner.place(name), "write for example `{constant: 5ms}`")
        return PERFECT
    if isinstance(node, MapNode) and name in _PARAMETERS:
        parts = [node.get(field) for field in _PARAMETERS[name]]
        parameters = tuple(None if part is None else value(part, kind) for part in parts)
    elif isinstance(node, MapNode) and name == "choice":
        values, weights = node.get("values"), node.get("weights")
        listed = [value(part, kind) for part in getattr(values, "items", ())]
        weighted = [_plain_or(part, value) for part in getattr(weights, "items", ())] or [1] * len(listed)
        parameters = (listed, weighted)
    elif name == "beta":
        parameters = tuple(_plain_or(part, value) for part in getattr(node, "items", ()))
    elif isinstance(node, ListNode) and name != "constant":
        parameters = tuple(value(part, kind) for part in node.items)
    else:
        parameters = (value(node, kind),)
    if len(found) == before:
        _check(inner, name, parameters)
    return Distribution(name, parameters, kind)


def _plain_or(part: Any, value: Callable[[Any, Type], Any]) -> Any:
    """A weight or a shape: the number that is written, or one that is computed."""
    return value(part, REAL) if is_template(part) else part.plain()


def _parameter(reader: Reader, node: Node, wanted: Type, scope: Scope) -> Any:
    """A parameter: its value, an expression where it has none yet; 0, and reported, where it is wrong."""
    if isinstance(node, Scalar) and node.value is None:
        reader.findings.report(
            "NIM0205", "a parameter has no value", node.place, "write its value, or leave it out"
        )
        return 0
    before = len(reader.findings.diagnostics)
    expression = reader.template_in(node, scope, wanted)
    if len(reader.findings.diagnostics) > before:
        return 0
    if not isinstance(node, Scalar) or not expression.is_constant:
        return expression
    try:
        return expression.evaluate({})
    except Fault as fault:
        reader.findings.report("NIM0304", str(fault), node.place)
        return 0


def _check(reader: Reader, name: str, parameters: tuple[Any, ...]) -> None:
    """NIM0210, as far as the parameters are constants; the rest is looked at when something is drawn."""
    wrong, fix = "", ""
    if name == "uniform" and _above(*parameters):
        low, high = (getattr(item, "text", "") for item in getattr(reader.node.get(name), "items", ()))
        wrong, fix = "the low end is above the high end", f"write `[{high}, {low}]`"
    elif name == "beta" and any(map(_not_positive, parameters)):
        wrong, fix = "alpha and beta must be above zero", "write for example `[2, 5]`"
    elif name == "lognormal" and (any(map(_not_positive, parameters)) or _above(*parameters)):
        wrong = "the median must be above zero and not above p95"
        fix = "raise `p95`, and make `median` more than 0"
    elif name == "exponential" and _not_positive(parameters[0]):
        wrong, fix = "the mean must be above zero", "make `mean` more than 0"
    elif name == "normal" and (_not_positive(parameters[1]) or not _ordered(*parameters[2:])):
        wrong = "the deviation must be above zero, and low below high"
        fix = "make `deviation` more than 0, or write `constant`; put the smaller bound into `low`"
    elif name == "choice" and len(parameters[0]) != len(parameters[1]):
        wrong = "there must be one weight for each value"
        fix = f"write {counted(len(parameters[0]), 'weight')}"
    elif name == "choice" and all(map(_not_positive, parameters[1])):
        wrong, fix = "the weights must not all be zero", "leave `weights` out"
    if wrong:
        reader.findings.report("NIM0210", f"`{name}`: {wrong}", reader.place(name), fix)


def _known(*parameters: Any) -> bool:
    return not any(one is None or isinstance(one, Expression) for one in parameters)


def _not_positive(parameter: Any) -> bool:
    return _known(parameter) and not parameter > 0


def _above(low: Any, high: Any) -> bool:
    return _known(low, high) and bool(low > high)


def _ordered(low: Any, high: Any) -> bool:
    return not _known(low, high) or bool(low < high)
