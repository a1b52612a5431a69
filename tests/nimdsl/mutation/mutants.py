"""Mistakes that people make, made at random.

A mutator says at which sites it can be applied, and makes a mutant there; what it makes is no
legal document, by the way it is made.  ``determined`` says that the rest of the documents tells
what was meant, so that the fix must work.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from tests.nimdsl.mutation import roles
from tests.nimdsl.mutation.documents import WORD, File, Group, Site

SITE_TRIES_MAX = 60
"""So many sites are tried before the next mutator has its turn."""


@dataclass(frozen=True)
class Mutant:
    """A text that is no legal document any more."""

    mutator: str
    group: Group
    file: File
    text: str
    lines: frozenset[int]
    """Where an error may be: the mutated line; for what was deleted, those of its owner."""
    determined: bool = False

    def texts(self) -> Iterator[tuple[str, str]]:
        """Name and text of each file of the group."""
        for file in self.group.files:
            yield file.name, self.text if file is self.file else file.text


Edit = tuple[int, int, str]
"""From where to where, and what stands there instead."""
Made = tuple[Edit, bool]
"""An edit, and whether what was meant is determined."""
Maker = Callable[[random.Random, Group, File, Site], Made | None]
Choice = Callable[[Site], bool]

Mutators = dict[str, tuple[Choice, Maker]]
"""By name: where they can be applied, and what they do there."""


def into(mutators: Mutators, name: str, where: Choice) -> Callable[[Maker], Maker]:
    """Enters a maker of edits."""

    def enter(maker: Maker) -> Maker:
        mutators[name] = (where, maker)
        return maker

    return enter


def mutants(groups: Iterable[Group], mutators: Mutators, seed: int, count: int) -> list[Mutant]:
    """So many mutants, of each mutator as many; the same for the same seed."""
    rng = random.Random(seed)
    sites = [(group, file, site) for group in groups for file in group.files for site in file.sites]
    pools = {name: [one for one in sites if where(one[2])] for name, (where, _) in mutators.items()}
    found: dict[tuple[str, str, str], Mutant] = {}
    names = [name for name, pool in pools.items() if pool]
    tries = 0
    while len(found) < count:
        name = names[tries % len(names)]
        tries += 1
        for _ in range(SITE_TRIES_MAX):
            made = _made(rng, name, mutators[name][1], *rng.choice(pools[name]))
            if made is not None:
                found.setdefault((made.group.name, made.file.name, made.text), made)
                break
    return list(found.values())


def _made(
    rng: random.Random, name: str, make: Maker, group: Group, file: File, site: Site
) -> Mutant | None:
    made = make(rng, group, file, site)
    if made is None:
        return None
    (start, end, new), determined = made
    text = file.text[:start] + new + file.text[end:]
    if text == file.text:
        return None
    line = file.line_of(start)
    lines = {line}
    if name.startswith("deleted"):
        lines = _missed(file, site, start, end, new)
    if name == "duplicate key":
        lines = {line, file.line_of(site.start)}
    return Mutant(name, group, file, text, frozenset(lines), determined)


def _missed(file: File, site: Site, start: int, end: int, new: str) -> set[int]:
    """The lines of the owner of what was deleted, and those that refer to it, as they are numbered then."""
    first, gone = file.line_of(start), file.text.count("\n", start, end) - new.count("\n")
    near = {*site.owners, first}
    if site.path.count("/") <= 2:
        near |= {one.line for one in file.sites if one.path.endswith("metadata/name")}
    word = re.compile(rf"\b{re.escape(site.key)}\b")
    near |= {n for n, line in enumerate(file.lines, 1) if "/states/" in site.path and word.search(line)}
    return {line if line <= first else max(line - gone, first) for line in near}


def misspelt(
    rng: random.Random, word: str, taken: Iterable[str], rivals: Iterable[str]
) -> tuple[str, bool] | None:
    """The word with a slip of the fingers, none of ``taken``.

    And whether one can tell what it was: none of ``rivals``, which could stand there too, is as near.
    """
    letters = [n for n, one in enumerate(word) if one.isalpha()]
    if len(letters) < 2:
        return None
    at = rng.choice(letters)
    match rng.choice(["swap", "drop", "double", "case"]):
        case "swap":
            new = word[:at] + word[at + 1 : at + 2] + word[at] + word[at + 2 :]
        case "drop" if len(letters) > 3:
            new = word[:at] + word[at + 1 :]
        case "double":
            new = word[: at + 1] + word[at:]
        case "case":
            new = word[:at] + word[at].swapcase() + word[at + 1 :]
        case _:
            return None
    if new == word or new in taken or not new[0].isalpha():
        return None
    others = {one for one in rivals if one.lower() != word.lower() and near(one.lower(), new.lower())}
    return new, not others


def near(one: str, other: str) -> bool:
    """Whether one slip leads from one word to the other."""
    if abs(len(one) - len(other)) > 1:
        return False
    head = 0
    while head < min(len(one), len(other)) and one[head] == other[head]:
        head += 1
    one, other = one[head:], other[head:]
    while one and other and one[-1] == other[-1]:
        one, other = one[:-1], other[:-1]
    return max(len(one), len(other)) <= 1 or (len(one) == len(other) == 2 and one == other[::-1])


@cache
def taken_by(words: frozenset[str]) -> frozenset[str]:
    return words | roles.LANGUAGE


def slip_of(
    rng: random.Random, group: Group, text: str, start: int, rivals: Iterable[str] | None = None
) -> Made | None:
    """One misspelt word of a text that begins at ``start``."""
    found = [one for one in WORD.finditer(text) if len(one.group()) > 1]
    if not found:
        return None
    word = rng.choice(found)
    slip = misspelt(rng, word.group(), taken_by(group.words), group.names if rivals is None else rivals)
    if slip is None:
        return None
    return (start + word.start(), start + word.end(), slip[0]), slip[1]


def on_one_line(pattern: re.Pattern[str]) -> Choice:
    """Values at paths that fit, on one line, that are not computed."""
    return lambda site: (
        not site.is_key
        and site.is_scalar
        and site.style not in ("|", ">")
        and "$" not in site.node.value
        and bool(pattern.search(site.path))
    )
