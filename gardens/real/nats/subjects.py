"""Addresses and subjects: where an actor of a run is heard on the server.

``cell/eye`` is ``dev.local.3f2a9c01.cell.eye`` when the garden document says
so, thread 17 of it ``dev.local.3f2a9c01.cell.eye.17``.  Templates are read
back, so that a subject names its address; whatever is none of this run stays a
subject (:data:`runtime.run.wire.OUTSIDE`).  What is published goes by the emitter's
layer, domain and name; its topic it says in a header, for a thread's subject may look the same.
"""

from __future__ import annotations

import re

from nimdsl.program import Garden
from runtime.ports.topics import domain_of
from runtime.run.wire import OUTSIDE

RUN_LENGTH = 8
"""How much of a run's id stands in its subjects."""
KNOWN_COUNT_MAX = 16_384
"""How many actors are remembered; then all are forgotten and met anew."""


class Subjects:
    """The subjects of one run in one real garden."""

    def __init__(self, garden: Garden, run_id: str) -> None:
        real = garden.real
        assert real is not None
        self._known = {
            "environment": real.environment,
            "garden": word(garden.name),
            "run": run_id[:RUN_LENGTH],
        }
        self._actors = real.actors
        self._waves = real.waves
        pattern = re.escape(self._filled(real.actors, kind="\0", name="\1"))
        pattern = pattern.replace("\0", "(?P<kind>[^.]+)").replace("\1", "(?P<name>[^.]+)")
        self._pattern = re.compile(pattern + r"(?:\.(?P<thread>[^.]+))?")
        self._by_address: dict[str, str] = {}
        self._by_subject: dict[str, str] = {}
        """Actors met so far, without their threads."""

    def subject(self, address: str) -> str:
        """Where an address is heard.  Raises ValueError for what is no address."""
        known = self._by_address.get(address)
        if known is not None:
            return known
        if address.startswith(OUTSIDE):
            return address.removeprefix(OUTSIDE)
        actor, _, thread = address.rpartition("/")
        known = self._by_address.get(actor)
        if known is not None:
            return f"{known}.{thread}"
        kind, name, *threads = address.split("/")
        return ".".join([self._learned(kind, name), *threads])

    def address(self, subject: str) -> str:
        """The address of a subject."""
        actor, _, thread = subject.rpartition(".")
        known = self._by_subject.get(actor)
        if known is not None and thread:
            return f"{known}/{thread}"
        match = self._pattern.fullmatch(subject)
        if match is None:
            return OUTSIDE + subject
        kind, name, thread = match["kind"], match["name"].replace("~", "."), match["thread"]
        self._learned(kind, name)
        return f"{kind}/{name}/{thread}" if thread else f"{kind}/{name}"

    def _learned(self, kind: str, name: str) -> str:
        """The subject of an actor, and remembers it both ways."""
        address, subject = f"{kind}/{name}", self._filled(self._actors, kind=kind, name=word(name))
        if len(self._by_address) >= KNOWN_COUNT_MAX:
            self._by_address.clear()
            self._by_subject.clear()
        self._by_address[address] = subject
        self._by_subject[subject] = address
        return subject

    def wave(self, topic: str, emitter: str) -> str:
        """Where what an emitter publishes to a topic goes."""
        kind, _, name = emitter.partition("/")
        layer, signal = kind or "none", word(name) or "none"
        return self._filled(self._waves, layer=layer, domain=word(domain_of(topic)), signal=signal)

    def waves(self) -> str:
        """Where all that is published in this run is heard, and perhaps more."""
        return self._filled(self._waves, layer="*", domain="*", signal="*")

    def stream(self, group: str) -> str:
        """The journal stream of a group, and the name of the subject that it keeps."""
        known = self._known
        return "-".join([known["environment"], known["garden"], known["run"], group])

    def journal(self, group: str) -> str:
        """The subject of a group's journal."""
        return ".".join([*self._known.values(), "journal", group])

    def _filled(self, template: str, **values: str) -> str:
        return template.format(**self._known, **values)


def word(name: str) -> str:
    """A name as one word of a subject: dots would make several, and no name has a tilde."""
    return name.replace(".", "~")
