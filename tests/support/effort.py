"""How hard the properties try: ``NIMDSL_EFFORT=20`` is twenty times as many examples, new ones."""

from __future__ import annotations

import os

EFFORT = int(os.environ.get("NIMDSL_EFFORT", "1"))


def examples(count: int) -> int:
    """How many examples to try where ``count`` do for every day."""
    return count * EFFORT
