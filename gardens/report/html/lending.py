"""The part of the page about resources: how busy they were, and who waited for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from gardens.report.html.downloads import csv_link
from gardens.report.html.templating import render
from gardens.report.words import span
from nimdsl.base.units import SECOND_NS

_HEADS = ("granted", "withdrawn", "refused", "utilisation", "waited", "waited_max", "queue_max")


def resources(summary: Mapping[str, Any]) -> Markup:
    """One row a resource; nothing where there is none."""
    found: dict[str, Any] = summary.get("resources", {})
    rows = [
        {
            "name": name,
            "figures": (
                *(f"{one[key]:,}" for key in ("granted", "withdrawn", "refused")),
                f"{100 * one['utilisation']:.1f} %",
                *(span(round(one[key] * SECOND_NS)) for key in ("waited", "waited_max")),
                f"{one['queue_max']:,}",
            ),
        }
        for name, one in found.items()
    ]
    csv = csv_link(
        "resources", ("resource", *_HEADS), [(n, *(one[h] for h in _HEADS)) for n, one in found.items()]
    )
    return render("resources", resources=rows) + csv if rows else Markup()
