"""Records as plain data and as canonical bytes, and back.

The law: bytes are those of :mod:`nimdsl.base.canonical` for :func:`to_data`, whole or without what is
no decision.  A body whose fields hold no number that could be a float is written by msgspec, which
gives the same bytes for everything else, ten times as fast; that it does is a property test.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from operator import itemgetter
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec
from msgspec.structs import astuple, fields

from nimdsl.base import canonical
from nimdsl.base.values import Value
from runtime.record_classes import bodies, check_class
from runtime.records import Body, Moment, Noted, Record

_ENCODE = msgspec.json.Encoder(order="sorted").encode
_PLACE = (("actor", str), ("sequence", int))
_TIME = ("time_ns", int)


def to_data(record: Record) -> dict[str, Value]:
    """Plain data of a record, as it is written: flat, with the tag of its body as ``type``."""
    data = noted_data(Noted(record.body, record.moment))
    return data | {"actor": record.actor, "sequence": record.sequence, "time_ns": record.time_ns}


def noted_data(noted: Noted) -> dict[str, Value]:
    """The same of a body that has no place yet.  Raises PackageError as ``form_of``."""
    check_class(type(noted.body))
    data: dict[str, Value] = msgspec.to_builtins(noted.body)
    return data if noted.moment is None else data | msgspec.to_builtins(noted.moment)


def decision_of(record: Record) -> dict[str, Value]:
    """The same without what is no decision."""
    asides = _asides_of(form_of(type(record.body)).asides)
    return {key: value for key, value in to_data(record).items() if key not in asides}


def from_data(data: Value) -> Record:
    """The record that :func:`to_data` wrote.  Raises ValueError for anything else."""
    if not isinstance(data, dict):
        raise ValueError("no record: an object is wanted")
    actor, sequence, time_ns = data.get("actor"), data.get("sequence"), data.get("time_ns")
    if not (isinstance(actor, str) and isinstance(sequence, int) and isinstance(time_ns, int)):
        raise ValueError("no record: it wants `actor`, `sequence` and `time_ns`")
    return Record(actor, sequence, time_ns, *noted_from_data(data))


def noted_from_data(data: Mapping[str, Value]) -> Noted:
    """The body that :func:`noted_data` wrote.  Raises ValueError for anything else."""
    body = bodies().get(str(data.get("type")))
    if body is None:
        raise ValueError(f"no record is called {data.get('type')!r}")
    moment = msgspec.convert(data, Moment) if "at_ns" in data else None
    return Noted(msgspec.convert(data, body), moment)


def encode(record: Record) -> tuple[bytes, bytes]:
    """Canonical bytes of a record, and of what is a decision in it."""
    return form_of(type(record.body)).encode(record)


@dataclass(frozen=True)
class Form:
    """How the records of one body class are written."""

    decisions: tuple[str, ...]
    """The names, as they are written, of the fields that are decisions."""
    asides: tuple[str, ...]
    encode: Callable[[Record], tuple[bytes, bytes]]


@cache
def form_of(body: type[Body]) -> Form:
    """The form of a class of bodies.  Raises PackageError for one that could not be read again."""
    check_class(body)
    hints = get_type_hints(body, include_extras=True)
    own = fields(body)
    asides = tuple(one.encode_name for one in own if not is_decision(hints[one.name]))
    loose = tuple(place for place, one in enumerate(own) if not _is_exact(hints[one.name]))
    defaults = [_default(one) for one in own]
    kept = [place for place, one in enumerate(own) if one.encode_name not in asides]
    flat = _Flat(body, own, range(len(own)), whole=True)
    decided = _Flat(body, own, kept, whole=False)

    def encode(record: Record) -> tuple[bytes, bytes]:
        values = astuple(record.body)
        for place in loose:
            if values[place] != defaults[place]:
                return canonical.encode(to_data(record)), canonical.encode(decision_of(record))
        return flat.encode(record, values), decided.encode(record, values)

    return Form(tuple(o.encode_name for o in own if o.encode_name not in asides), asides, encode)


@cache
def _asides_of(own: tuple[str, ...]) -> frozenset[str]:
    return frozenset((*own, "time_ns", "at_ns", "remaining_ns"))


def is_decision(hint: object) -> bool:
    """Whether a field with this type is one."""
    notes = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
    return not any(
        isinstance(note, msgspec.Meta) and (note.extra or {}).get("decision") is False for note in notes
    )


def _is_exact(hint: object) -> bool:
    """Whether no value of this type can be a float, or anything that is not looked at."""
    if get_origin(hint) is Annotated:
        return _is_exact(get_args(hint)[0])
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return all(map(_is_exact, get_type_hints(hint, include_extras=True).values()))
    if isinstance(hint, type) and issubclass(hint, tuple):
        return all(map(_is_exact, get_type_hints(hint).values()))
    if hint in (str, int, bool, type(None), Any):
        return hint is not Any
    return bool(get_args(hint)) and all(map(_is_exact, get_args(hint)))


def _default(one: Any) -> Any:
    return one.default if one.default_factory is msgspec.NODEFAULT else one.default_factory()


class _Flat:
    """Structs that hold some fields of a body beside its place: what msgspec writes in one go."""

    def __init__(self, body: type[Body], own: Sequence[Any], kept: Sequence[int], whole: bool) -> None:
        place = [*_PLACE, _TIME] if whole else [*_PLACE]
        self._whole = whole
        self._pick = _picking(kept)
        parts = [
            (one.name, Any, msgspec.field(name=one.encode_name, **_defaults(one)))
            for one in (own[number] for number in kept)
        ]
        names: list[tuple[str, object, object]] = [("moment_beat", int, msgspec.field(name="beat"))]
        if whole:
            names += [
                ("at_ns", int, msgspec.field()),
                ("remaining_ns", int | None, msgspec.field(default=None)),
            ]
        config: Any = {
            "frozen": True,
            "kw_only": False,
            "omit_defaults": True,
            "tag_field": "type",
            "tag": body.__struct_config__.tag,
        }
        placed = [(name, kind, msgspec.field()) for name, kind in place]
        self._plain: Any = msgspec.defstruct("Flat", [*placed, *parts], **config)
        first = [part for part in names if part[0] != "remaining_ns"]
        last = [part for part in names if part[0] == "remaining_ns"]
        self._timed: Any = msgspec.defstruct("Flat", [*placed, *first, *parts, *last], **config)

    def encode(self, record: Record, values: Sequence[object]) -> bytes:
        picked, moment = self._pick(values), record.moment
        if moment is None:
            if self._whole:
                return _ENCODE(self._plain(record.actor, record.sequence, record.time_ns, *picked))
            return _ENCODE(self._plain(record.actor, record.sequence, *picked))
        if self._whole:
            place = record.actor, record.sequence, record.time_ns, moment.beat, moment.at_ns
            return _ENCODE(self._timed(*place, *picked, moment.remaining_ns))
        return _ENCODE(self._timed(record.actor, record.sequence, moment.beat, *picked))


def _defaults(one: Any) -> dict[str, Any]:
    if one.default_factory is not msgspec.NODEFAULT:
        return {"default_factory": one.default_factory}
    return {} if one.default is msgspec.NODEFAULT else {"default": one.default}


def _picking(kept: Sequence[int]) -> Callable[[Sequence[object]], Sequence[object]]:
    if not kept:
        return lambda _: ()
    if len(kept) == 1:
        return lambda values: (values[kept[0]],)
    return itemgetter(*kept)
