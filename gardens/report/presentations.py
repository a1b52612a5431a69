"""The presentations of this project's kinds.

Beats, phases and levels are drawn from what :mod:`gardens.report.observe` remembers of the whole run.
"""

from __future__ import annotations

from gardens.report.observe.gates import GateWatch, gates_text
from gardens.report.observe.nerves import NerveWatch, nerves_text
from gardens.report.observe.racks import RackWatch, racks_text
from gardens.report.presentation import Presentation
from gardens.report.terminal.narration import (
    of_a_gate,
    of_a_nerve,
    of_a_rack,
    of_an_actor,
    of_an_attention,
)

CELL = Presentation(line=of_an_actor)
PROTOCOL = Presentation(line=of_an_actor)
GATE = Presentation(line=of_a_gate, observe=GateWatch, text=gates_text)
NERVE = Presentation(line=of_a_nerve, observe=NerveWatch, text=nerves_text)
RACK = Presentation(line=of_a_rack, observe=RackWatch, text=racks_text)
ATTENTION = Presentation(line=of_an_attention)
