"""Compiles the ``hosts`` of gardens, and finds the homes of organs there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from nimdsl.base.diagnostics import Severity
from nimdsl.base.suggest import phrase
from nimdsl.base.units import format_bytes, readable_duration
from nimdsl.base.words import listed
from nimdsl.compile.reader import Reader
from nimdsl.program.amount import most_of
from nimdsl.program.garden import Card, CardHost
from nimdsl.program.organ import ORGAN_COUNT_MAX, Organ
from nimdsl.program.rack import homes_of
from nimdsl.program.work import Distribution, Work, WorkModel


def compile_hosts(reader: Reader) -> tuple[CardHost, ...]:
    """The hosts by name; NIM0210 for two cards of one name."""
    hosts = tuple(sorted(_hosts(reader), key=lambda host: host.name))
    homes: dict[str, str] = {}
    for host in hosts:
        for card in host.cards:
            if card.name in homes:
                message = f"`{homes[card.name]}` has a card `{card.name}` already"
                inner = dict(reader.named("hosts"))[host.name]
                fix = "give one of them another name: organs name their cards"
                reader.findings.report("NIM0210", message, inner.place("cards"), fix)
            homes[card.name] = host.name
    return hosts


def _hosts(reader: Reader) -> Iterator[CardHost]:
    for name, host in reader.named("hosts"):
        yield CardHost(
            name, tuple(sorted(_cards(host), key=lambda card: card.name)), host.duration("unload")
        )


def _cards(host: Reader) -> Iterator[Card]:
    for name, card in host.named("cards"):
        size = card.size("memory")
        if not size:
            message, fix = "a card has memory", "write for example `memory: 24GB`"
            host.findings.report("NIM0210", message, card.place("memory"), fix)
        yield Card(name, size, int(card.value("models", 1)))


def check_homes(
    reader: Reader,
    organs: Mapping[str, Organ],
    asked: Mapping[str, list[Work]],
    garden: str,
    hosts: tuple[CardHost, ...],
) -> None:
    """NIM0521: whether each organ that is ``asked`` has one home; the work that asks it, by organ.

    NIM0522, a warning: work that gives up before a cold organ can have answered.
    """
    report = reader.findings.report
    place = reader.place("garden")
    if len(asked) > ORGAN_COUNT_MAX:
        message = f"{len(asked)} organs are asked, and a run has at most {ORGAN_COUNT_MAX}"
        report("NIM0521", message, place, "let fewer cells take part")
    if asked and not hosts:
        where = f"`{garden}` has no `hosts`" if garden else "the scenario names no garden that has `hosts`"
        message = f"`{min(asked)}` is asked, and {where}"
        report("NIM0521", message, place, "add `hosts:` with their cards to its garden")
        return
    for name in sorted({*asked} & {*organs}):
        _check_home(reader, organs[name], garden, hosts)
        _check_patience(reader, organs[name], asked[name])


def _check_home(reader: Reader, organ: Organ, garden: str, hosts: tuple[CardHost, ...]) -> None:
    report, place = reader.findings.report, reader.place("garden")
    cards = {card.name: host.name for host in hosts for card in host.cards}
    for card in organ.cards:
        if card not in cards:
            message = f"`{organ.name}` loads onto the card `{card}`, which no host of `{garden}` has"
            report("NIM0521", message, place, phrase(card, cards) or "add the card to a host")
            return
    named = sorted({cards[card] for card in organ.cards})
    if len(named) > 1:
        message = f"the cards of `{organ.name}` are on {listed(named)}: it can have one home"
        report("NIM0521", message, place, f"name cards of `{named[0]}` only under `model: cards:`")
        return
    homes = homes_of(organ, hosts)
    if not homes:
        message = f"`{organ.name}` takes {format_bytes(organ.memory_bytes)}, and fits none of its cards"
        report("NIM0521", message, place, "give a card more `memory`, or the organ a smaller model")
    elif not _may_train(organ, hosts):
        message = f"`{organ.name}` can never train: with `train: memory:` it fits none of its cards"
        report("NIM0521", message, place, "give a card more `memory`, or the training less")
    elif len(homes) > 1:
        message = f"`{organ.name}` fits cards of {listed(homes)}, and names none: where is it?"
        example = next(card.name for host in hosts if host.name == homes[0] for card in host.cards)
        report("NIM0521", message, place, f"add for example `cards: [{example}]` under its `model:`")


def _may_train(organ: Organ, hosts: tuple[CardHost, ...]) -> bool:
    """Whether there is room on a card for its model and a slice of its training, if it has any."""
    if organ.training is None:
        return True
    grown = replace(organ, memory_bytes=organ.memory_bytes + organ.training.memory_bytes)
    return bool(homes_of(grown, hosts))


def _check_patience(reader: Reader, organ: Organ, works: list[Work]) -> None:
    """NIM0522: a timeout shorter than a load and an answer, as far as both are constants."""
    needed_ns = _constant_ns(organ.load) + _constant_ns(organ.serve)
    for work in works:
        patience_ns = 0 if work.timeout_ns is None else most_of(work.timeout_ns)
        if 0 < patience_ns < needed_ns:
            message = (
                f"`{work.name}` waits {readable_duration(patience_ns)} for `{organ.name}`, which takes"
                f" {readable_duration(needed_ns)} where it is not loaded"
            )
            fix = f"write `timeout: {readable_duration(needed_ns)}` or more"
            reader.findings.report("NIM0522", message, work.place, fix, Severity.WARNING)


def _constant_ns(model: WorkModel | None) -> int:
    """How long work takes that always takes as long; else 0."""
    match model:
        case WorkModel(latency=Distribution(kind="constant", parameters=(int(latency_ns),))):
            return latency_ns
    return 0
