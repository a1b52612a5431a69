"""Signs of YAML that are missing or too many, lines in the wrong column, and what was deleted."""

from __future__ import annotations

import random
import re
from functools import partial

from tests.nimdsl.mutation import roles
from tests.nimdsl.mutation.documents import File, Group, Site, plain
from tests.nimdsl.mutation.mutants import Edit, Made, Mutators, into

MUTATORS: Mutators = {}
mutator = partial(into, MUTATORS)


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
    data = plain(text)
    if data == plain(file.text) or (data is not None and site.path.startswith("Schema/spec/payload/")):
        return None  # any key may be a property
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


@mutator("missing opening bracket", lambda site: not site.is_key and not site.is_scalar)
def _missing_opening(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    raw = file.raw(site)
    if raw[:1] not in ("{", "[") or "\n" in raw or not site.node.value:
        return None
    return (site.start, site.start + 1, ""), True


@mutator("bracket too many", lambda site: not site.is_key and not site.is_scalar)
def _extra_bracket(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    raw = file.raw(site)
    if raw[:1] not in ("{", "[") or "\n" in raw:
        return None
    return (site.end, site.end, raw[-1]), True


@mutator("missing opening quote", lambda site: site.is_scalar and site.style == '"')
def _missing_opening_quote(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    if "\n" in file.raw(site) or not (site.holder.flow_style and "${" in site.node.value):
        return None
    return (site.start, site.start + 1, ""), True


@mutator("text with a colon and no quotes", lambda site: not site.is_key and site.style in ("'", '"'))
def _unquoted(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    text = site.node.value
    if ": " not in text or set("[]{},#\"'\n") & set(text):
        return None
    return (site.start, site.end, text), True


@mutator("missing dash", _block_key)
def _missing_dash(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    line, first = file.lines[site.line - 1], file.starts[site.line - 1]
    found = re.match(r"\s*(- )", line)
    above = re.search(
        rf"\n {{{site.start - first - 2}}}- [^\n]*\n(?:(?! *- )[^\n]*\n)*\Z", file.text[:first]
    )
    if found is None or found.end() != site.start - first or above is None:
        return None
    if not re.search(rf"^ *(?:- )?{site.key}:", above.group(), re.MULTILINE):
        return None
    return (first + found.start(1), first + found.end(1), "  "), True


@mutator("duplicate key", _block_key)
def _duplicate(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    entry = file.text[site.start : site.rest]
    if "\n" in entry or "#" in entry:
        return None
    if site.holder.flow_style:
        return (site.rest, site.rest, f", {entry}"), False
    indent = " " * (site.start - file.starts[site.line - 1])
    return (file.starts[site.line], file.starts[site.line], f"{indent}{entry}\n"), False


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


@mutator(
    "deleted target",
    lambda site: site.is_key and bool(re.search(r"/(?:transitions|any|timers)/#/to$", site.path)),
)
def _deleted_target(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    edit = _deletion(file, site)
    return (edit, False) if edit else None


@mutator(
    "deleted state", lambda site: site.is_key and bool(re.search(r"^Cell/.*/states/[^/]+$", site.path))
)
def _deleted_state(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    edit = _deletion(file, site)
    if edit is None:
        return None
    rest = file.text[: edit[0]] + file.text[edit[1] :]
    named = re.search(rf"(?:to|initial): {re.escape(site.key)}\b", rest)
    return (edit, False) if named else None
