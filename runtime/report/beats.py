"""The beats of a run: what expectations and summaries say of them.

Each beat left a record at its end; the last one, which the end of the run cut
short, is what the attention's snapshot comes to by then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from nimdsl.canonical import Plain
from nimdsl.program import Beat
from nimdsl.units import SECOND_NS
from runtime.host import Host
from runtime.report.ending import ending

BEAT_COUNT_MAX = 10_000
"""How many beats are told one by one, the first ones; sums are of all."""
_PARTS = ("overhead", "charged", "reflex", "idle", "settle")
_COUNTS = ("preempted", "dropped", "done")


def beats_of(host: Host, records: Iterable[Mapping[str, Any]], until_ns: int) -> dict[str, Plain]:
    """``beats`` and ``attention`` of an outcome; times in ns.

    ``records`` are those of type ``beat``; ``until_ns`` is the end of the run.
    """
    beat = host.kernel.actor.beat
    assert beat is not None
    beats: list[Plain] = []
    total = _nothing(beat)
    ends = (record for record in ending(host, until_ns) if record["type"] == "beat")
    for record in (*records, *ends):
        one = _told(record)
        _add(total, one)
        if len(beats) < BEAT_COUNT_MAX:
            beats.append(one)
    return {"beats": beats, "attention": total}


def in_seconds(beats: Iterable[Mapping[str, Any]]) -> list[dict[str, Plain]]:
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
                }
                for name, level in beat["levels"].items()
            },
            **{f"{part}_s": beat[part] / SECOND_NS for part in _PARTS},
            "settled": beat["settled"],
        }
        for beat in beats
    ]


def _told(record: Mapping[str, Any]) -> dict[str, Any]:
    times = record["times"]
    levels = {
        name: {
            **{key: counts[key] for key in _COUNTS},
            **{
                key.removesuffix("_ns"): value
                for key, value in times["levels"][name].items()
                if value is not None
            },
        }
        for name, counts in record["counts"].items()
    }
    parts = {part: times[f"{part}_ns"] for part in _PARTS}
    return {"index": record["beat"], "settled": record["settled"], **parts, "levels": levels}


def _nothing(beat: Beat) -> dict[str, Any]:
    level = dict.fromkeys(("spent", "granted", *_COUNTS), 0)
    levels = {one.name: dict(level) for one in beat.levels}
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
