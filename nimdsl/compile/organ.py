"""Compiles ``Organ``."""

from __future__ import annotations

from collections.abc import Mapping

from nimdsl.compile.reader import Findings, Reader
from nimdsl.compile.work import compile_model
from nimdsl.expression.types import INT, RECORD, STRING, record_of
from nimdsl.program.organ import Organ, Training
from nimdsl.text.tree import ListNode

ARGUMENTS = record_of(
    {"task": STRING, "payload": RECORD, "stage": STRING, "version": INT}, "what the organ is asked"
)
"""What the parameters of how it serves may read as ``args``."""
NOTHING = record_of({}, "what a load or a slice is given")


def compile_organ(findings: Findings, reader: Reader) -> Organ:
    """The organ, in bytes, ns, micro-LF, ``warm`` in micro-LF a day; what is wrong is in ``findings``."""
    model, load, hold, cost = (reader.sub(key) for key in ("model", "load", "hold", "cost"))
    returns, usual = reader.types("returns"), Organ("", 0)
    serve = reader.sub("serve")
    loading = load.sub("virtual") if load else None
    serving = serve.sub("virtual") if serve else None
    memory_bytes = model.size("memory") if model else 0
    if model and not memory_bytes:
        message, fix = "a model takes memory", "write for example `memory: 40GB`"
        findings.report("NIM0210", message, model.place("memory"), fix)
    return Organ(
        name=findings.document.name,
        memory_bytes=memory_bytes,
        cards=_cards(model) if model else (),
        returns=returns,
        attempts=load.value("attempts", usual.attempts) if load else usual.attempts,
        backoff_ns=load.duration("backoff", usual.backoff_ns) if load else usual.backoff_ns,
        cooldown_ns=load.duration("cooldown", usual.cooldown_ns) if load else usual.cooldown_ns,
        keep_ns=hold.duration("keep", usual.keep_ns) if hold else usual.keep_ns,
        queue=hold.value("queue", usual.queue) if hold else usual.queue,
        batch=hold.value("batch", usual.batch) if hold else usual.batch,
        price_load=cost.lifeforce("load") if cost else 0,
        price_request=_price(cost) if cost else 0,
        prices=_prices(cost) if cost else {},
        warm=cost.rate("warm") if cost else 0,
        goes="asleep" in reader,
        training=_training(findings, reader, cost),
        load=compile_model(loading, {}, NOTHING, answering=False) if loading else None,
        serve=compile_model(serving, returns, ARGUMENTS, answering=False) if serving else None,
        place=findings.document.place,
    )


def _training(findings: Findings, reader: Reader, cost: Reader | None) -> Training | None:
    """How it trains; NIM0203 for the price of a slice where it does not."""
    train = reader.sub("train")
    if train is None:
        if cost and cost.lifeforce("train"):
            message, fix = "this organ does not train: there is nothing to pay for", "add `train:`"
            findings.report("NIM0203", message, cost.place("train"), fix)
        return None
    usual, virtual = Training(1), train.sub("virtual")
    pause_ns = train.duration("pause", usual.pause_ns)
    if not pause_ns:
        message, fix = "`pause` must be longer than 0", "write for example `pause: 30s`"
        findings.report("NIM0210", message, train.place("pause"), fix)
    return Training(
        after=train.value("after", usual.after),
        slices=train.value("slices", usual.slices),
        memory_bytes=train.size("memory"),
        attempts=train.value("attempts", usual.attempts),
        pause_ns=pause_ns,
        price=cost.lifeforce("train") if cost else 0,
        work=compile_model(virtual, {}, NOTHING, answering=False) if virtual else None,
    )


def _cards(model: Reader) -> tuple[str, ...]:
    node = model.node.get("cards")
    names = [str(item.plain()) for item in node.items] if isinstance(node, ListNode) else []
    return tuple(sorted({*names}))


def _prices(cost: Reader) -> Mapping[str, int]:
    return cost.lifeforces("request")


def _price(cost: Reader) -> int:
    """What a request without a stage costs: the one price, or the highest."""
    return max(_prices(cost).values(), default=cost.lifeforce("request"))
