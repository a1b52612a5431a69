"""A run as curves: lifeforce over time, and the time of levels, beat by beat.

The curves are plain lists (:func:`lifeforce_curve`, :func:`level_times`); only :func:`plot` needs
matplotlib, and imports it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from gardens.report import palette
from nimdsl.base.errors import NimdslError
from nimdsl.base.units import MICRO, SECOND_NS
from runtime.ledger.accounts import POOL

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gardens.report.result.result import RunResult

WIDTH_INCHES, HEIGHT_INCHES = 9.0, 3.0


class _Axes(Protocol):
    """What is used of matplotlib's axes."""

    def __getattr__(self, name: str) -> Any: ...


def lifeforce_curve(result: RunResult) -> tuple[list[float], list[float]]:
    """Seconds, and the LF that the pool holds from then on.  Raises NimdslError as ``Books.rows``."""
    times_s, held, pool = [], [], 0
    for entry in result.run.ledger.entries if result.run.ledger else ():
        moved = (entry.target == POOL) - (entry.source == POOL)
        if entry.kind == "transfer" and moved:
            pool += moved * entry.amount
            times_s.append(entry.time_ns / SECOND_NS)
            held.append(pool / MICRO)
    return [*times_s, result.run.time_ns / SECOND_NS], [*held, pool / MICRO]


def level_times(result: RunResult) -> dict[str, list[float]]:
    """The seconds that each level had in each beat, and those that nobody had (``idle``)."""
    beats: Sequence[Any] = result.outcome.get("beats", ())
    names = list(beats[0]["levels"]) if beats else []
    times = {name: [beat["levels"][name]["spent"] / SECOND_NS for beat in beats] for name in names}
    return times | ({"idle": [beat["idle"] / SECOND_NS for beat in beats]} if beats else {})


def plot(result: RunResult) -> Figure:
    """The figure; raises NimdslError without matplotlib."""
    try:
        from matplotlib import pyplot
    except ModuleNotFoundError:
        raise NimdslError('`plot` needs matplotlib: `pip install "nimdsl[notebook]"`') from None
    times = level_times(result)
    count = bool(result.run.ledger) + bool(times) or 1
    size = WIDTH_INCHES, HEIGHT_INCHES * count
    figure, grid = pyplot.subplots(count, squeeze=False, figsize=size, layout="constrained")
    axes = [row[0] for row in grid]
    figure.suptitle(f"{result.scenario.name} · seed {result.seed}")
    if result.run.ledger:
        _lifeforce(axes[0], result)
    if times:
        _levels(axes[-1], times)
    pyplot.close(figure)  # a notebook shows what a cell returns, and would show what is open besides
    return figure


def _lifeforce(axes: _Axes, result: RunResult) -> None:
    times_s, held = lifeforce_curve(result)
    axes.step(times_s, held, where="post")
    economy = result.program.economies.get(result.scenario.economy)
    if economy is not None and economy.floor:
        axes.axhline(economy.floor / MICRO, linestyle="--", linewidth=1, label="floor")
        axes.legend()
    axes.set(xlabel="garden time, s", ylabel="lifeforce, LF")


def _levels(axes: _Axes, times: dict[str, list[float]]) -> None:
    edges = range(len(times["idle"]) + 1)
    heights = [[*values, values[-1]] for values in times.values()]
    levels = [light for light, _ in palette.level_colours(list(times)[:-1])]
    colours = [*levels, palette.LIGHT["track"]]
    axes.stackplot(edges, heights, labels=list(times), colors=colours, step="post")
    axes.set(xlabel="beat", ylabel="time, s")
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
