"""Which actors take part in a scenario that are no cells: gates, nerves, those of kinds from elsewhere.

The rule: those that ``actors`` lists (``gate/*`` is all gates); without a list those that its stimuli
address, that it mentions in ``expect`` and ``set``, the gates that its cells hear, and those without whom
one of these could do nothing: a nerve's gate, a gate whose waves are heard.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nimdsl.base.suggest import phrase
from nimdsl.compile.compilation import Participant
from nimdsl.compile.participants import expectations, mentioned
from nimdsl.compile.reader import Reader
from nimdsl.kinds import by_prefix
from nimdsl.program import Beat
from nimdsl.program.address import EVERY


@dataclass(frozen=True)
class ActorsBeside:
    """The actors of other kinds that there are, by id, and what expectations call the kinds."""

    participants: Mapping[str, Participant]
    plurals: Mapping[str, str]

    def taking_part(self, reader: Reader) -> list[str]:
        """Those that take part, sorted; what is wrong with the list is reported."""
        if "actors" in reader:
            return sorted({*self._listed(reader)})
        named = {item.text("to") for item in reader.items("stimuli") if "to" in item}
        named |= {*self._expected(reader)} | {*self._changed(reader)}
        for name in named - self.participants.keys():
            prefix, _, rest = name.partition("/")
            reader.findings.poisoned |= self._is_there(reader, prefix, rest)  # it is wrong itself
        return self.with_near(named)

    def check_tiers(self, reader: Reader, actors: Iterable[str], beat: Beat) -> None:
        """NIM0708: a gate that begins in a tier which no level of the attention has."""
        tiers = {tier for level in beat.levels for tier in level.tiers}
        for actor in actors:
            tier = self.participants[actor].tier
            if tier is None or tier in tiers:
                continue
            message = f"`{actor}` begins in tier {tier}, and no level of the attention has it"
            fix = f"add `tiers: [{tier}]` to a level, or to one that has some"
            key = "attention" if "attention" in reader else ""
            reader.findings.report("NIM0708", message, reader.place(key), fix)

    def cells_near(self, actors: Iterable[str]) -> set[str]:
        """The names of the cells without which these could do nothing."""
        near = {one for actor in actors for one in self.participants[actor].near}
        return {one.removeprefix("cell/") for one in near if one.startswith("cell/")}

    def with_near(self, actors: Collection[str]) -> list[str]:
        """Those of these that there are, and those without whom they could do nothing, sorted."""
        found: set[str] = set()
        waiting = {*actors} & self.participants.keys()
        while waiting:
            found |= waiting
            near = {other for one in waiting for other in self.participants[one].near}
            waiting = (near & self.participants.keys()) - found
        return sorted(found)

    def _expected(self, reader: Reader) -> Iterator[str]:
        for tree in expectations(reader):
            for prefix, plural in self.plurals.items():
                yield from (f"{prefix}/{name}" for name in mentioned(tree, plural))

    def _changed(self, reader: Reader) -> Iterator[str]:
        """Those whose documents the scenario changes."""
        for path in reader.keys("set"):
            parts = path.split(".")
            yield from (".".join(parts[:count]) for count in range(1, len(parts)))

    def _listed(self, reader: Reader) -> Iterator[str]:
        """NIM0301 for an actor that is not there."""
        node: Any = reader.node.entries["actors"]
        for item in getattr(node, "items", ()):
            name = str(item.plain())
            prefix, _, rest = name.partition("/")
            if rest == EVERY and prefix in self.plurals:
                yield from (one for one in self.participants if one.startswith(f"{prefix}/"))
            elif name in self.participants:
                yield name
            elif self._is_there(reader, prefix, rest):
                reader.findings.poisoned = True  # its document is wrong itself
            else:
                message = f"there is no actor `{name}` of another kind"
                fix = phrase(name, self.participants)
                fix = fix or "leave it out: no package that is installed brings one"
                reader.findings.report("NIM0301", message, item.place, fix)

    def _is_there(self, reader: Reader, prefix: str, name: str) -> bool:
        """Whether there is a document of an actor of another kind, sound or not."""
        kind = by_prefix().get(prefix) if prefix in self.plurals else None
        return kind is not None and reader.findings.documents.get(kind, name) is not None

    def seen(self, prefix: str, actors: Iterable[str]) -> dict[str, Any]:
        """What expectations see of the actors of a kind, by name."""
        named = [actor for actor in actors if actor.partition("/")[0] == prefix]
        return {actor.partition("/")[2]: self.participants[actor].outcome for actor in named}
