"""Words that are misspelt, and operators of other languages."""

from __future__ import annotations

import random
import re
from functools import partial

from tests.nimdsl.mutation import roles
from tests.nimdsl.mutation.documents import File, Group, Site
from tests.nimdsl.mutation.mutants import Made, Mutators, into, misspelt, on_one_line, slip_of, taken_by

MUTATORS: Mutators = {}
mutator = partial(into, MUTATORS)


@mutator("misspelt field", roles.is_field)
def _misspelt_field(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    return slip_of(rng, group, file.raw(site), site.start, roles.FIELDS)


@mutator("misspelt kind or version", lambda site: bool(re.fullmatch(r"\w+/(apiVersion|kind)", site.path)))
def _misspelt_envelope(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    return slip_of(rng, group, file.raw(site), site.start, roles.LANGUAGE)


@mutator("misspelt keyword", on_one_line(roles.ENUM))
def _misspelt_keyword(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    return slip_of(rng, group, file.raw(site), site.start, roles.LANGUAGE)


@mutator("misspelt type", on_one_line(roles.TYPE))
def _misspelt_type(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    return slip_of(rng, group, file.raw(site), site.start, roles.LANGUAGE)


def _reference(name: str) -> None:
    where = on_one_line(roles.REFERENCES[name])

    @mutator(f"misspelt {name}", where)
    def _misspelt(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
        return slip_of(rng, group, file.raw(site), site.start)


for _name in roles.REFERENCES:
    _reference(_name)


@mutator("misspelt name of a field", lambda site: site.is_key and bool(roles.NAMES.search(site.path)))
def _misspelt_name(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    return slip_of(rng, group, file.raw(site), site.start)


@mutator("misspelt column or outcome", lambda site: site.is_key and bool(roles.COLUMNS.search(site.path)))
def _misspelt_column(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    return slip_of(rng, group, file.raw(site), site.start)


@mutator(
    "misspelt override",
    lambda site: site.is_key and bool(re.search(r"^Scenario/spec/set/[^/]+/", site.path)),
)
def _misspelt_override(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    raw = file.raw(site)
    words = [one for one in re.finditer(r"\w+", raw) if one.group() in roles.FIELDS and one.start()]
    if not words:
        return None
    word = rng.choice(words)
    return slip_of(rng, group, word.group(), site.start + word.start(), roles.FIELDS)


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
    slip = misspelt(rng, word, taken_by(group.words), taken_by(group.words))
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
    "==": ("=", "===", "= ="),
    "!=": ("<>", "=!", "=/="),
    ">=": ("=>", "> ="),
    "<=": ("=<", "< ="),
    "&&": ("&", "and", "AND"),
    "||": ("|", "or", "OR"),
}


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
