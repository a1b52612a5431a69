"""Values of another unit, type or size."""

from __future__ import annotations

import random
import re
from functools import partial

from tests.nimdsl.mutation import roles
from tests.nimdsl.mutation.documents import File, Group, Site
from tests.nimdsl.mutation.mutants import Made, Mutators, into, on_one_line

MUTATORS: Mutators = {}
mutator = partial(into, MUTATORS)


_NUMBER = re.compile(r"(\d+(?:\.\d+)?)\s?(\w*)")
_SAID = {
    "ns": ("nsec",), "us": ("usec",), "ms": ("msec", " milliseconds"), "s": (" sec", "secs", " seconds"),
    "min": (" minutes", "mins"), "h": (" hours", "hr"), "d": (" days", "day"),
}  # fmt: skip


def _number(file: File, site: Site) -> re.Match[str] | None:
    return _NUMBER.fullmatch(file.raw(site))


@mutator("a unit of another language", on_one_line(roles.DURATION))
def _wrong_unit(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    found = _number(file, site)
    if found is None or found[2] not in _SAID:
        return None
    return (site.start, site.end, found[1] + rng.choice(_SAID[found[2]])), True


@mutator("a duration without its unit", on_one_line(roles.DURATION))
def _without_unit(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    found = _number(file, site)
    return ((site.start, site.end, found[1]), False) if found and found[2] else None


@mutator("a share without its sign", on_one_line(roles.SHARE))
def _without_percent(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    bare = file.raw(site).removesuffix("%")
    return ((site.start, site.end, bare + rng.choice(["", " percent"])), True)


@mutator("lifeforce with a unit", on_one_line(roles.LIFEFORCE))
def _with_unit(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    found = _number(file, site)
    return ((site.start, site.end, found[1] + rng.choice([" LF", "LF", "lf"])), True) if found else None


@mutator("a size that is no size", on_one_line(roles.LIFEFORCE))
def _size(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    return (site.start, site.end, rng.choice(["20gb", "three", "1,5", "1_000.5x"])), False


@mutator("a quoted number", on_one_line(re.compile(f"{roles.COUNT.pattern}|{roles.LIFEFORCE.pattern}")))
def _quoted_number(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    if site.style or not _number(file, site):
        return None
    return (site.start, site.end, f'"{file.raw(site)}"'), True


@mutator("a bool that is none", on_one_line(roles.BOOL))
def _no_bool(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    raw = file.raw(site)
    said = {"true": ["yes", "True", '"true"', "on", "tru"], "false": ["no", "False", '"false"', "off"]}
    return ((site.start, site.end, rng.choice(said[raw])), True) if raw in said else None


@mutator("text for a number", on_one_line(roles.COUNT))
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
    on_one_line(
        re.compile("|".join(one.pattern for one in [*roles.REFERENCES.values()] if "/#" not in one.pattern))
    ),
)
def _list_for_scalar(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    return (site.start, site.end, f"[{file.raw(site)}]"), True


@mutator(
    "a scalar for a map",
    lambda site: (
        not site.is_key and site.path.endswith(("machine", "states", "spec", "work", "send", "request"))
    ),
)
def _scalar_for_map(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    flow = not site.is_scalar and file.raw(site).startswith("{")
    return ((site.start, site.end, rng.choice(["some", "3", "[]"])), False) if flow else None


@mutator(
    "a negative number",
    on_one_line(
        re.compile(
            r"/(?:cost|reserve|per_item|per_second|attempts|times|max_per_beat|after|timeout|every|takes|each|cap|baseline|loss|failure|share|chance|beat|horizon)$"
        )
    ),
)
def _negative(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    raw = file.raw(site)
    if not raw[0].isdigit() or not float(re.match(r"[\d.]+", raw).group()):  # type: ignore[union-attr]
        return None
    return (site.start, site.start, "-"), True


@mutator(
    "beyond the most",
    on_one_line(re.compile(r"/(?:attempts|tier|loss|failure|chance|share|duplicate)$|/stages/[^/]+$")),
)
def _beyond(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    return (site.start, site.end, "140%" if file.raw(site).endswith("%") else "1000"), False


@mutator(
    "number for text",
    on_one_line(re.compile("|".join(one.pattern for one in roles.REFERENCES.values()))),
)
def _number_for_text(rng: random.Random, group: Group, file: File, site: Site) -> Made | None:
    return (site.start, site.end, rng.choice(["5", "0.5", "true"])), False
