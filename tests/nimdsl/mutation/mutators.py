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
from tests.nimdsl.mutation.documents import WORD, File, Group, Site, plain


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

MUTATORS: dict[str, tuple[Choice, Maker]] = {}


def mutator(name: str, where: Choice) -> Callable[[Maker], Maker]:
    """Enters a maker of edits."""

    def enter(maker: Maker) -> Maker:
        MUTATORS[name] = (where, maker)
        return maker

    return enter


def mutants(groups: Iterable[Group], seed: int, count: int) -> list[Mutant]:
    """So many mutants, of each mutator as many; the same for the same seed."""
    rng = random.Random(seed)
    sites = [(group, file, site) for group in groups for file in group.files for site in file.sites]
    pools = {name: [one for one in sites if where(one[2])] for name, (where, _) in MUTATORS.items()}
    found: dict[tuple[str, str, str], Mutant] = {}
    names = [name for name, pool in pools.items() if pool]
    tries = 0
    while len(found) < count:
        name = names[tries % len(names)]
        tries += 1
        for _ in range(SITE_TRIES_MAX):
            made = _made(rng, name, *rng.choice(pools[name]))
            if made is not None:
                found.setdefault((made.group.name, made.file.name, made.text), made)
                break
    return list(found.values())


def _made(rng: random.Random, name: str, group: Group, file: File, site: Site) -> Mutant | None:
    made = MUTATORS[name][1](rng, group, file, site)
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


# Words


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
def _taken(words: frozenset[str]) -> frozenset[str]:
    return words | roles.LANGUAGE


def _slip(
    rng: random.Random, group: Group, text: str, start: int, rivals: Iterable[str] | None = None
) -> Made | None:
    """One misspelt word of a text that begins at ``start``."""
    found = [one for one in WORD.finditer(text) if len(one.group()) > 1]
    if not found:
        return None
    word = rng.choice(found)
    slip = misspelt(rng, word.group(), _taken(group.words), group.names if rivals is None else rivals)
    if slip is None:
        return None
    return (start + word.start(), start + word.end(), slip[0]), slip[1]


def _scalar(pattern: re.Pattern[str]) -> Choice:
    """Values at paths that fit, on one line, that are not computed."""
    return lambda site: (
        not site.is_key
        and site.is_scalar
        and site.style not in ("|", ">")
        and "$" not in site.node.value
        and bool(pattern.search(site.path))
    )


@mutator("misspelt field", roles.is_field)
def _misspelt_field(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    return _slip(rng, group, file.raw(site), site.start, roles.FIELDS)


@mutator("misspelt kind or version", lambda site: bool(re.fullmatch(r"\w+/(apiVersion|kind)", site.path)))
def _misspelt_envelope(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    return _slip(rng, group, file.raw(site), site.start, roles.LANGUAGE)


@mutator("misspelt keyword", _scalar(roles.ENUM))
def _misspelt_keyword(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    return _slip(rng, group, file.raw(site), site.start, roles.LANGUAGE)


@mutator("misspelt type", _scalar(roles.TYPE))
def _misspelt_type(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    return _slip(rng, group, file.raw(site), site.start, roles.LANGUAGE)


def _reference(name: str) -> None:
    where = _scalar(roles.REFERENCES[name])

    @mutator(f"misspelt {name}", where)
    def _misspelt(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
        return _slip(rng, group, file.raw(site), site.start)


for _name in roles.REFERENCES:
    _reference(_name)


@mutator("misspelt name of a field", lambda site: site.is_key and bool(roles.NAMES.search(site.path)))
def _misspelt_name(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    return _slip(rng, group, file.raw(site), site.start)


# Expressions

_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_TEMPLATE = re.compile(r"\$\{([^}]*)\}")


def _expressions(file: File, site: Site) -> list[tuple[int, str]]:
    """The expressions in a value and where each begins; what stands in quotes there is blanked."""
    raw, value = file.raw(site), site.node.value
    if roles.EXPRESSION.search(site.path):
        skip = 1 if site.style in ("'", '"') else len(raw) - len(raw.lstrip(">-|\n "))
        found = [(site.start + skip, raw[skip : -1 if skip == 1 else None])]
    elif "${" in value:
        found = [(site.start + one.start(1), one.group(1)) for one in _TEMPLATE.finditer(raw)]
    else:
        return []
    return [(start, _QUOTED.sub(lambda one: " " * len(one.group()), text)) for start, text in found]


def _computes(site: Site) -> bool:
    if site.is_key or not site.is_scalar or "/spec/for" in site.path or "metadata" in site.path:
        return False
    return bool(roles.EXPRESSION.search(site.path)) or "${" in site.node.value


_READ = re.compile(r"(?<![\w$])[A-Za-z_]\w*(?![\w]|, )")


@mutator("misspelt name in an expression", _computes)
def _misspelt_in_expression(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    words = [
        (start + one.start(), one.group())
        for start, text in _expressions(file, site)
        for one in _READ.finditer(text)
        if len(one.group()) > 2
    ]
    if not words:
        return None
    start, word = rng.choice(words)
    slip = misspelt(rng, word, _taken(group.words), _taken(group.words))
    return ((start, start + len(word), slip[0]), slip[1]) if slip else None


@mutator("unknown field in an expression", _computes)
def _unknown_field(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    fields = [
        (start + one.start(1), start + one.end(1))
        for start, text in _expressions(file, site)
        for one in re.finditer(r"(?:event|reply\.payload|request\.payload|row)\.(\w+)(?![\w(])", text)
    ]
    if not fields:
        return None
    start, end = rng.choice(fields)
    return (start, end, rng.choice(["xyz", "quux", "zzz"])), False


_TYPOS = {
    "==": ("=", "===", "= ="), "&&": ("&", "and", "AND"), "||": ("|", "or", "OR"), "!=": ("<>", "=!", "=/="),
    ">=": ("=>", "> ="), "<=": ("=<", "< ="),
}  # fmt: skip


@mutator("operator typo", _computes)
def _operator_typo(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    found = [
        (start + one.start(1), one.group(1))
        for start, text in _expressions(file, site)
        for one in re.finditer(r" (==|&&|\|\||!=|>=|<=)(?= )", text)
    ]
    if not found:
        return None
    start, operator = rng.choice(found)
    return (start, start + len(operator), rng.choice(_TYPOS[operator])), True


@mutator("unclosed ${", lambda site: not site.is_key and site.is_scalar and "${" in site.node.value)
def _unclosed(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    ends = [site.start + one.end() - 1 for one in _TEMPLATE.finditer(file.raw(site))]
    end = rng.choice(ends) if ends else 0
    return ((end, end + 1, ""), True) if ends else None


# Quantities and other values

_NUMBER = re.compile(r"(\d+(?:\.\d+)?)\s?(\w*)")
_SAID = {
    "ns": ("nsec",), "us": ("usec",), "ms": ("msec", " milliseconds"), "s": (" sec", "secs", " seconds"),
    "min": (" minutes", "mins"), "h": (" hours", "hr"), "d": (" days", "day"),
}  # fmt: skip


def _number(file: File, site: Site) -> re.Match[str] | None:
    return _NUMBER.fullmatch(file.raw(site))


@mutator("a unit of another language", _scalar(roles.DURATION))
def _wrong_unit(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    found = _number(file, site)
    if found is None or found[2] not in _SAID:
        return None
    return (site.start, site.end, found[1] + rng.choice(_SAID[found[2]])), True


@mutator("a duration without its unit", _scalar(roles.DURATION))
def _without_unit(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    found = _number(file, site)
    return ((site.start, site.end, found[1]), False) if found and found[2] else None


@mutator("a share without its sign", _scalar(roles.SHARE))
def _without_percent(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    bare = file.raw(site).removesuffix("%")
    return ((site.start, site.end, bare + rng.choice(["", " percent"])), True)


@mutator("lifeforce with a unit", _scalar(roles.LIFEFORCE))
def _with_unit(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    found = _number(file, site)
    return ((site.start, site.end, found[1] + rng.choice([" LF", "LF", "lf"])), True) if found else None


@mutator("a size that is no size", _scalar(roles.LIFEFORCE))
def _size(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    return (site.start, site.end, rng.choice(["20gb", "three", "1,5", "1_000.5x"])), False


@mutator("a quoted number", _scalar(re.compile(f"{roles.COUNT.pattern}|{roles.LIFEFORCE.pattern}")))
def _quoted_number(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    if site.style or not _number(file, site):
        return None
    return (site.start, site.end, f'"{file.raw(site)}"'), True


@mutator("a bool that is none", _scalar(roles.BOOL))
def _no_bool(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    raw = file.raw(site)
    said = {"true": ["yes", "True", '"true"', "on", "tru"], "false": ["no", "False", '"false"', "off"]}
    return ((site.start, site.end, rng.choice(said[raw])), True) if raw in said else None


@mutator("text for a number", _scalar(roles.COUNT))
def _text_for_number(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    return (site.start, site.end, rng.choice(["three", "many", "abc"])), False


@mutator("a scalar for a list", lambda site: not site.is_key and bool(roles.LIST.search(site.path)))
def _scalar_for_list(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    items = getattr(site.node, "value", [])
    raw = file.raw(site)
    if site.is_scalar or not raw.startswith("[") or len(items) != 1:
        return None
    return (site.start, site.end, raw[1:-1].strip()), True


@mutator(
    "a list for a scalar",
    _scalar(re.compile("|".join(one.pattern for one in [*roles.REFERENCES.values()] if "/#" not in one.pattern))),
)
def _list_for_scalar(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    return (site.start, site.end, f"[{file.raw(site)}]"), True


@mutator("a scalar for a map", lambda site: not site.is_key and site.path.endswith(("machine", "states", "spec", "work", "send", "request")))
def _scalar_for_map(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    flow = not site.is_scalar and file.raw(site).startswith("{")
    return ((site.start, site.end, rng.choice(["some", "3", "[]"])), False) if flow else None


@mutator("a negative number", _scalar(re.compile(r"/(?:cost|reserve|per_item|per_second|attempts|times|max_per_beat|after|timeout|every|takes|each|cap|baseline|loss|failure|share|chance|beat|horizon)$")))
def _negative(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    raw = file.raw(site)
    if not raw[0].isdigit() or not float(re.match(r"[\d.]+", raw).group()):  # type: ignore[union-attr]
        return None
    return (site.start, site.start, "-"), True


@mutator("beyond the most", _scalar(re.compile(r"/(?:attempts|tier|loss|failure|chance|share|duplicate)$|/stages/[^/]+$")))
def _beyond(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    return (site.start, site.end, "140%" if file.raw(site).endswith("%") else "1000"), False


# YAML


def _begins(file: File, site: Site) -> bool:
    """Whether a key, or the dash before it, is the first on its line."""
    return not file.text[file.starts[site.line - 1] : site.start].strip(" -")


def _block_key(site: Site) -> bool:
    return site.is_key and site.is_scalar and not site.style


@mutator("wrong indentation", _block_key)
def _indentation(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    if not _begins(file, site) or not (roles.is_field(site) or "- " in file.lines[site.line - 1]):
        return None
    start = file.starts[site.line - 1]
    line = file.lines[site.line - 1]
    old = len(line) - len(line.lstrip())
    new = old + rng.choice([-2, -1, 1, 2])
    if new < 0 or not old:
        return None
    text = file.text[:start] + " " * new + file.text[start + old :]
    if plain(text) == plain(file.text):
        return None
    return (start, start + old, " " * new), plain(text) is None


@mutator("tab", _block_key)
def _tab(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    start = file.starts[site.line - 1]
    line = file.lines[site.line - 1]
    old = len(line) - len(line.lstrip())
    if not _begins(file, site) or not old:
        return None
    return (start, start + old, "\t" * rng.randint(1, max(1, old // 2))), True


@mutator("missing colon", lambda site: roles.is_field(site))
def _missing_colon(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    if file.text[site.end : site.end + 2] != ": ":
        return None
    return rng.choice([((site.end, site.end + 1, ""), True), ((site.end + 1, site.end + 2, ""), True)])


@mutator("missing quote", lambda site: site.is_scalar and site.style in ("'", '"'))
def _missing_quote(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    if "\n" in file.raw(site):
        return None
    return (site.end - 1, site.end, ""), True


@mutator("missing bracket", lambda site: not site.is_key and not site.is_scalar)
def _missing_bracket(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    raw = file.raw(site)
    if raw[:1] not in ("{", "[") or "\n" in raw or not site.node.value:
        return None
    return (site.end - 1, site.end, ""), True


@mutator("duplicate key", _block_key)
def _duplicate(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    entry = file.text[site.start : site.rest]
    if "\n" in entry or "#" in entry:
        return None
    if site.holder.flow_style:
        return (site.rest, site.rest, f", {entry}"), False
    indent = " " * (site.start - file.starts[site.line - 1])
    return (file.starts[site.line], file.starts[site.line], f"{indent}{entry}\n"), False


# Deletion


def _deletion(file: File, site: Site) -> Edit | None:
    """The edit that takes a key with its value away."""
    text = file.text
    if site.holder.flow_style:
        if len(site.holder.value) < 2:
            return None
        start, end = site.start, site.rest
        after = re.compile(r"\s*,\s*").match(text, end)
        if after:
            return start, after.end(), ""
        before = re.search(r"\s*,\s*\Z", text[:start])
        return (before.start(), end, "") if before else None
    if len(site.holder.value) < 2:
        return None
    end = text.find("\n", site.rest) + 1
    first = file.starts[site.line - 1]
    if text[first : site.start].strip():
        following = re.compile(r"[ \t]*").match(text, end)
        width = site.start - first
        if following is None or following.end() - end != width:
            return None
        return site.start, end + width, ""
    return first, end, ""


@mutator("deleted required field", lambda site: site.is_key and bool(roles.REQUIRED.search(site.path)))
def _deleted_field(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    edit = _deletion(file, site)
    return (edit, False) if edit else None


@mutator("deleted target", lambda site: site.is_key and bool(re.search(r"/(?:transitions|any|timers)/#/to$", site.path)))
def _deleted_target(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    edit = _deletion(file, site)
    return (edit, False) if edit else None


@mutator("deleted state", lambda site: site.is_key and bool(re.search(r"^Cell/.*/states/[^/]+$", site.path)))
def _deleted_state(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    edit = _deletion(file, site)
    if edit is None:
        return None
    rest = file.text[: edit[0]] + file.text[edit[1] :]
    named = re.search(rf"(?:to|initial): {re.escape(site.key)}\b", rest)
    return (edit, False) if named else None
