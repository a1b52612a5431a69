"""A watchman who cannot pay any more after two beats of ten seconds."""

from __future__ import annotations

ENVELOPE = "apiVersion: nimdsl.dev/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec:\n"
STARVING = "---\n".join(
    (
        ENVELOPE.format(kind="Economy", name="purse")
        + "  opening: 10\n  floor: 1\n  upkeep: {rent: 0.1}\n  window: 10s\n",
        ENVELOPE.format(kind="Attention", name="watchman")
        + """  beat: 10s
  levels:
    - {name: alarm, take: all, leftover: carry, max_per_beat: 5, cost: {per_item: 1}}
    - {name: look, take: rest, baseline: 4s, cost: {fixed: 2}}
""",
        ENVELOPE.format(kind="Scenario", name="night")
        + """  attention: watchman
  economy: purse
  horizon: 400s
  stimuli:
    - {at: 2s, level: alarm, item: noise, takes: 1s}
    - {at: 32s, every: 100s, times: 3, level: alarm, item: noise, takes: 1s}
""",
    )
)
