"""What charts are made of: paths without letters, to be stretched to any width, and text beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from gardens.report.html.templating import render
from gardens.report.words import number, quarters


@dataclass(frozen=True)
class Chart:
    """What is drawn: paths with their CSS classes, and what stands on the axes and in it, by height."""

    kind: str
    title: str
    told: str
    paths: list[tuple[str, str]]
    ticks: list[tuple[float, str]]
    labels: list[tuple[float, str]]
    note: str = ""
    csv: Markup = Markup()  # noqa: RUF009
    """The link to its data."""

    def render(self, end_ns: int) -> Markup:
        """With the times below it."""
        return render(
            "chart",
            kind=self.kind,
            title=self.title,
            told=self.told,
            note=self.note,
            csv=self.csv,
            paths=self.paths,
            ticks=_heights(self.ticks),
            labels=_heights(self.labels),
            times=quarters(end_ns),
        )


def _heights(marks: Iterable[tuple[float, str]]) -> list[tuple[str, str]]:
    return [(number(round(y, 2)), name) for y, name in marks]


def height_of(low: float, high: float) -> Callable[[float], float]:
    """Where a value between these stands, 0 at the top and 100 at the bottom."""
    return lambda value: 100 * (1 - (value - low) / (high - low))


def line(points: Sequence[tuple[float, float]]) -> str:
    """A path through points."""
    return "M" + "L".join(f"{number(x)} {number(round(y, 2))}" for x, y in points)


def rounded_up(value: float) -> float:
    """The next of 1, 2, 2.5, 5, 10 times a power of ten; at least 0.1."""
    size = 0.1
    while size * 10 < value:
        size *= 10
    return next((size * factor for factor in (1, 2, 2.5, 5) if size * factor >= value), size * 10)


def steps(points: Sequence[tuple[float, float]]) -> str:
    """A path on which each point holds until the next one, and the last one to the right edge."""
    if not points:
        return ""
    (x, y), *rest = points
    path = f"M{number(x)} {number(round(y, 2))}"
    return path + "".join(f"H{number(x)}V{number(round(y, 2))}" for x, y in rest) + "H100"
