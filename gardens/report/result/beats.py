"""The beats of a run: what expectations and summaries say of them.

Each beat left a record at its end; the last one, which the end of the run cut
short, is what the attention's snapshot comes to by then.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from gardens.report.result.ending import ending
from nimdsl.base.units import SECOND_NS
from nimdsl.base.values import Value
from nimdsl.program import BEAT_COUNT_MAX
from runtime.records import BeatEnded, LevelCounts, LevelTimes
from runtime.run.host import Host

_PARTS = ("overhead", "charged", "reflex", "idle", "settle")
_COUNTS = ("preempted", "dropped", "done")


class BeatTally:
    """The beats of a run while it goes on: the first ones, and the sums of all."""

    def __init__(self) -> None:
        self._kept: list[tuple[int, bytes]] = []
        """Their numbers, and what they came to; a tenth of what the objects take."""
        self._total: dict[str, Any] = {}

    def take(self, index: int, body: BeatEnded) -> None:
        """The end of a beat."""
        if len(self._kept) < BEAT_COUNT_MAX:
            self._kept.append((index, _ENCODE(body)))
        one = _told(index, body)
        self._total = self._total or _nothing(one)
        _add(self._total, one)

    def __iter__(self) -> Iterator[tuple[int, BeatEnded]]:
        """The first ones with their numbers, in order."""
        return ((index, _DECODE(data)) for index, data in self._kept)

    def outcome(self, host: Host, until_ns: int) -> dict[str, Any]:
        """``beats`` and ``attention`` of an outcome; times in ns.  ``until_ns`` is the end of the run."""
        beats = [_told(index, body) for index, body in self]
        ends = [
            _told(record.moment.beat, record.body)
            for record in ending(host, until_ns)
            if isinstance(record.body, BeatEnded) and record.moment
        ]
        total = copy.deepcopy(self._total) or _nothing(ends[0]) if ends or self._total else {}
        for one in ends:
            _add(total, one)
        return {"beats": (beats + ends)[:BEAT_COUNT_MAX], "attention": total}


_ENCODE = msgspec.json.Encoder().encode
_DECODE = msgspec.json.Decoder(BeatEnded).decode


def in_seconds(beats: Iterable[Mapping[str, Any]]) -> list[dict[str, Value]]:
    """The same for JSON."""
    return [
        {
            "index": beat["index"],
            "levels": {
                name: {
                    "spent_s": level["spent"] / SECOND_NS,
                    "granted_s": level["granted"] / SECOND_NS,
                    "started_s": level["started"] / SECOND_NS if "started" in level else None,
                    "preempted": level["preempted"],
                    "dropped": level["dropped"],
                    "done": level["done"],
                }
                for name, level in beat["levels"].items()
            },
            **{f"{part}_s": beat[part] / SECOND_NS for part in _PARTS},
            "settled": beat["settled"],
        }
        for beat in beats
    ]


def _told(index: int, body: BeatEnded) -> dict[str, Any]:
    times = body.times
    parts = {part: getattr(times, f"{part}_ns") for part in _PARTS}
    return {
        "index": index,
        "settled": body.settled,
        **parts,
        "levels": {name: _level(counts, times.levels[name]) for name, counts in body.counts.items()},
    }


def _level(counts: LevelCounts, times: LevelTimes) -> dict[str, int]:
    started = {} if times.started_ns is None else {"started": times.started_ns}
    return {
        "preempted": counts.preempted,
        "dropped": counts.dropped,
        "done": counts.done,
        "spent": times.spent_ns,
        "granted": times.granted_ns,
        **started,
    }


def _nothing(beat: Mapping[str, Any]) -> dict[str, Any]:
    level = dict.fromkeys(("spent", "granted", *_COUNTS), 0)
    levels = {name: dict(level) for name in beat["levels"]}
    return {"beats": 0, "settled": 0, **dict.fromkeys(_PARTS, 0), "levels": levels}


def _add(total: dict[str, Any], beat: Mapping[str, Any]) -> None:
    total["beats"] += 1
    total["settled"] += beat["settled"]
    for part in _PARTS:
        total[part] += beat[part]
    for name, level in beat["levels"].items():
        own = total["levels"][name]
        for key in own:
            own[key] += level[key]
