"""Writes ``docs/formats.md``: every line, record, event, effect, command and header, from their classes.

``python docs/generate.py`` runs it; a test compares the page with :func:`page`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec.structs import fields

from gardens.real.process import wishes
from nimdsl.base.values import Fields, Value
from nimdsl.program.format import PROGRAM_FORMAT
from runtime import records
from runtime.kernel import effects, events
from runtime.ledger import accounts
from runtime.record_bytes import is_decision
from runtime.run import lines, wire

PAGE = Path(__file__).with_name("formats.md")

_INTRO = f"""# Formats

What nimdsl writes down and what it sends, so that other programs can read it and later versions can tell
it apart.  This page is generated from the classes (`python docs/generate.py`).

**The law.**  Everything is written under an explicit name, its *tag*, that stands beside its class, and by
the names of its fields; a field at its default is left out.  So classes can be renamed, fields can be added
and change places, and no old byte changes.  Bytes are canonical JSON: sorted keys, no spaces, UTF-8.

| what | version | where it stands |
|---|---|---|
| journals: lines, events, records, entries | {lines.JOURNAL_FORMAT} | their value `{lines.FORMAT}` |
| records (`records.jsonl`) | {records.RECORD_FORMAT} | with the journal beside them |
| effects | {effects.EFFECT_FORMAT} | never leave a process |
| commands to the economy | {wishes.BOOKED_FORMAT} | the tags of the commands |
| the program's hash | {PROGRAM_FORMAT} | the first thing that is hashed |

A journal of another version is refused in one line that names it and says what to do.  Version 1 had the
names of Python classes in it (`SetTimer`, `Settle`), a `detail` in entries and a `payload` in every event.

**Units.**  `_ns` is nanoseconds of garden time, unless it says otherwise; amounts are micro-LF.  A field
marked *aside* is no decision: a time, an id, a balance. `decision_sha256` leaves it out.
"""


def page() -> str:
    """The whole page."""
    parts = [
        _INTRO,
        _section(
            "Lines of a journal",
            "Whose journal holds which: :mod:`runtime.run.lines`.",
            _union(lines.AnyLine),
        ),
        _section("Entries of the ledger", "In `entry`.", [accounts.Entry]),
        _section("Events", "In `accepted`; the tag is the `kind`.", _union(events.AnyEvent)),
        _section(
            "Records",
            "In `records` lines without, in `records.jsonl` with `actor`, `sequence` and `time_ns`; an"
            " attention's also have the fields of a moment.  The tag is the `type`.",
            [
                records.Moment,
                *_union(records.MachineBody),
                *_union(records.ProtocolBody),
                *_union(records.AttentionBody),
            ],
        ),
        _section(
            "Effects",
            "What a step asks its driver to do; the tag is the `type`.",
            _union(effects.AnyEffect),
        ),
        _section(
            "Commands", "What a ledger can be asked; the tag is the `type`.", _union(accounts.AnyCommand)
        ),
        _section(
            "To the economy and back",
            "JSON over the bus of a real garden.",
            [wishes.Wish, wishes.Granted, wishes.Impossible],
        ),
        _headers(),
    ]
    return "\n".join(parts)


def _union(kind: Any) -> list[type]:
    return list(get_args(kind))


def _section(title: str, about: str, classes: Iterable[type]) -> str:
    about = about.replace(":mod:", "")
    return "\n".join([f"## {title}\n", f"{about}\n", *(_table(one) for one in classes)])


def _table(kind: Any) -> str:
    tag = kind.__struct_config__.tag
    name = f"`{tag}`" if tag else kind.__name__
    told = " ".join((kind.__doc__ or "").replace("``", "`").split())
    rows = list(_rows(kind))
    head = [f"### {name}\n", f"{told}\n"]
    if not rows:
        return "\n".join([*head, ""])
    return "\n".join([*head, "| field | type | unit | |", "|---|---|---|---|", *rows, ""])


def _rows(kind: Any) -> Iterator[str]:
    hints = get_type_hints(kind, include_extras=True)
    for one in fields(kind):
        hint = hints[one.name]
        notes = []
        if one.default is not msgspec.NODEFAULT or one.default_factory is not msgspec.NODEFAULT:
            default = one.default if one.default is not msgspec.NODEFAULT else one.default_factory()
            notes.append("left out by default" if default in ("", {}, None, 0) else f"default {default!r}")
        if not is_decision(hint):
            notes.append("aside")
        cells = f"`{one.encode_name}`", _type(hint), _unit(one.encode_name, hint), ", ".join(notes)
        yield f"| {' | '.join(cells)} |"


def _unit(name: str, hint: Any) -> str:
    if name.endswith("_ns"):
        return "ns"
    for note in _metas(hint):
        unit = (note.extra or {}).get("unit")
        if unit:
            return str(unit)
    return ""


def _metas(hint: Any) -> Iterator[msgspec.Meta]:
    if get_origin(hint) is Annotated:
        yield from (note for note in get_args(hint)[1:] if isinstance(note, msgspec.Meta))
    for part in get_args(hint):
        if part is not hint and not isinstance(part, msgspec.Meta):
            yield from _metas(part)


_WORDS: Mapping[Any, str] = {
    str: "text",
    int: "whole number",
    bool: "bool",
    float: "number",
    type(None): "nothing",
}


def _type(hint: Any) -> str:
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _type(parts[0])
    if hint in (Value, Any):
        return "anything"
    if hint == Fields:
        return "map"
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(_type(part) for part in parts if part is not type(None)))
    if origin in (list, tuple):
        return f"list of {_type(parts[0])}"
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return f"map of {_type(parts[1])}"
    if origin is not None:
        return " or ".join(f"`{part}`" for part in parts)
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        tag = hint.__struct_config__.tag
        return f"`{tag}`" if tag else _inner(hint)
    if isinstance(hint, type) and issubclass(hint, tuple):
        return f"list: {', '.join(get_type_hints(hint))}"
    return _WORDS.get(hint, getattr(hint, "__name__", str(hint)))


def _inner(kind: type[msgspec.Struct]) -> str:
    return f"map: {', '.join(f'`{one.encode_name}`' for one in fields(kind))}"


def _headers() -> str:
    rows = [
        (wire.KIND, "what it is: `request`, `reply`, `message`, `stimulus`"),
        (wire.EVENT, "the event's name, of messages and stimuli"),
        (wire.HOLD, "the hold that pays for the answer"),
        (wire.PROCESS, "what processing may cost, micro-LF"),
        (wire.OPENED, "when the request was opened, ns"),
    ]
    told = [f"| `{name}` | {text} |" for name, text in rows]
    return "\n".join(["## Headers of messages\n", "| header | |", "|---|---|", *told, ""])


def main() -> None:
    """Writes the page."""
    PAGE.write_text(page(), encoding="utf-8")
