"""Small pieces of HTML; whatever comes from documents is escaped here."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence


def text(value: object) -> str:
    """Escaped, also for attributes."""
    return html.escape(str(value), quote=True)


def section(name: str, title: str, body: str, note: str = "") -> str:
    """A part of the page; nothing when it has no body."""
    if not body:
        return ""
    told = f"<p class=note>{text(note)}</p>" if note else ""
    return f'<section id="{name}"><h2>{text(title)}</h2>{told}{body}</section>\n'


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], caption: str, kind: str = "") -> str:
    """A table of cells that are HTML already; heads that begin with ``>`` are of numbers."""
    numeric = [head.startswith(">") for head in heads]
    cells = "".join(
        f"<th scope=col{' class=n' if right else ''}>{head.removeprefix('>')}</th>"
        for head, right in zip(heads, numeric, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f"<th scope=row>{cell}</th>"
            if not place
            else f"<td{' class=n' if numeric[place] else ''}>{cell}</td>"
            for place, cell in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll"><table class="{kind}"><caption>{text(caption)}</caption>'
        f"<thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def swatch(name: str, kind: str) -> str:
    """A name with its colour before it."""
    return f'<span class="sw {kind}"></span>{text(name)}'
