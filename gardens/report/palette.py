"""The colours of a report, as CSS: two themes, levels, environments, states.

Meanings are those of the garden's visual language: background by environment (dev
green, staging amber, prod blue), violet for cognition, cyan for what communicates,
coral for organs, red for danger, green for success, yellow for activity, dim blue
for idleness.  Levels that it does not name take what is left, in order.

The law: text has a contrast of at least 4.5 with what it stands on, and a level's
colour one of at least 3 with the empty track, in both themes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

Theme = Mapping[str, str]

LIGHT: Theme = {
    "bg": "#f4f6f8",
    "card": "#ffffff",
    "ink": "#12171f",
    "muted": "#566070",
    "line": "#dfe4eb",
    "track": "#edf0f4",
    "hatch": "#b4bdca",
    "danger": "#c41e32",
    "success": "#17754a",
    "active": "#8a5a00",
    "accent": "#0b6f8c",
}
DARK: Theme = {
    "bg": "#0b0e13",
    "card": "#131820",
    "ink": "#e9edf4",
    "muted": "#9aa5b6",
    "line": "#262e3b",
    "track": "#1b222d",
    "hatch": "#465164",
    "danger": "#ff6b78",
    "success": "#4cc38a",
    "active": "#e9b949",
    "accent": "#4cc4e4",
}
ENVIRONMENTS = {"dev": "#2f9e62", "staging": "#d08a14", "prod": "#3d7fe0", "production": "#3d7fe0"}
"""The tint of the background; anything else has none."""

_NAMED = {
    "reflex": ("#cc2238", "#ff6473"),
    "safety": ("#9a6100", "#f2b234"),
    "dialogue": ("#0b7491", "#3cc3e6"),
    "sensory": ("#c24f30", "#ff9576"),
    "thinking": ("#6a4cc4", "#ac94fb"),
    "virtual": ("#2b7650", "#5bbd8b"),
    "idle": ("#57698f", "#8aa0cc"),
}
_OTHERS = (
    ("#1f5fae", "#79b0ff"),
    ("#8a2f83", "#e58ad9"),
    ("#3f6b12", "#a5cf5b"),
    ("#9c3f00", "#ff9d57"),
    ("#00675f", "#4fd1c1"),
    ("#5d5247", "#c4b5a4"),
    ("#7a2b45", "#f08fb0"),
    ("#3b4a9a", "#9aa8ff"),
)
_ALERT = ("#806400", "#dcc04a")
_REST = ("#667286", "#808ca1")
MODES = {
    "alert": _ALERT,
    "settle": _REST,
    "idle": _NAMED["idle"],
    "other": _OTHERS[0],
    "overwhelmed": _NAMED["reflex"],
    "reflex": _NAMED["safety"],
    "dialogue": _NAMED["dialogue"],
    "focused": _NAMED["thinking"],
}
"""Colours of modes that belong to no level."""
DOMAINS = {
    "cognitive": _NAMED["thinking"],
    "nervous": _NAMED["dialogue"],
    "organs": _NAMED["sensory"],
}
"""Colours of gates, nerves and organs."""

_FIRST = ("dialogue", "thinking", "virtual", "safety", "sensory", "idle")
SLICES = (*(_NAMED[name] for name in _FIRST), *_OTHERS)
"""Colours of states, phases and handshakes, in the order in which they come."""

TEXT_ON = "#ffffff", "#0b0e13"
"""Text on a level's colour, in the light and the dark theme."""


def level_colours(levels: Iterable[str]) -> list[tuple[str, str]]:
    """Light and dark colour of each level, in their order; no two levels share one of the named."""
    others = 0
    colours = []
    for level in levels:
        if level in _NAMED:
            colours.append(_NAMED[level])
        else:
            colours.append(_OTHERS[others % len(_OTHERS)])
            others += 1
    return colours


def style(levels: Iterable[str], environment: str) -> str:
    """The custom properties of both themes, and a class ``l<number>`` for each level."""
    pairs = level_colours(levels)
    names = [f"l{number}" for number in range(len(pairs))]
    for kind, more in (("m-", MODES), ("d-", DOMAINS), ("t", dict(enumerate(SLICES)))):
        names += [f"{kind}{name}" for name in more]
        pairs += more.values()
    light = _properties(LIGHT, [(name, pair[0]) for name, pair in zip(names, pairs, strict=True)])
    dark = _properties(DARK, [(name, pair[1]) for name, pair in zip(names, pairs, strict=True)])
    classes = "".join(f".{name}{{--c:var(--{name})}}" for name in names)
    env = ENVIRONMENTS.get(environment, "transparent")
    return (
        f":root{{--env:{env};--on:{TEXT_ON[0]};color-scheme:light;{light}}}"
        f"@media(prefers-color-scheme:dark){{:root:not([data-theme=light]){{"
        f"--on:{TEXT_ON[1]};color-scheme:dark;{dark}}}}}"
        f":root[data-theme=dark]{{--on:{TEXT_ON[1]};color-scheme:dark;{dark}}}{classes}"
    )


def _properties(theme: Theme, colours: list[tuple[str, str]]) -> str:
    return ";".join(f"--{name}:{value}" for name, value in [*theme.items(), *colours])


def contrast(first: str, second: str) -> float:
    """The contrast ratio of two colours, 1 to 21 (WCAG 2.2, relative luminance)."""
    darker, lighter = sorted((_luminance(first), _luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(int(colour[start : start + 2], 16) / 255) for start in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(value: float) -> float:
    return float(value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4)
