"""nimdsl: event-driven agents under hard budgets, declared in YAML.

``load`` and ``check`` turn documents into a :class:`Program`; ``simulate.run``
runs it.  See README.md and docs/ of the project.

Names are loaded when they are first used, so that ``nimdsl --help`` need not
wait for the compiler.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nimdsl.assembly import Report
    from nimdsl.base.diagnostics import Diagnostic, Place, Severity
    from nimdsl.base.errors import (
        InternalError,
        NimdslError,
        PermanentPortError,
        PortError,
        SpecError,
        TemporaryPortError,
    )
    from nimdsl.loading import check, check_text, load, load_text, shipped_specs
    from nimdsl.program import Program

__version__ = "0.1.0"

__all__ = [
    "Diagnostic",
    "InternalError",
    "NimdslError",
    "PermanentPortError",
    "Place",
    "PortError",
    "Program",
    "Report",
    "Severity",
    "SpecError",
    "TemporaryPortError",
    "check",
    "check_text",
    "load",
    "load_text",
    "shipped_specs",
]

_HOMES = {
    "nimdsl.assembly": ("Report",),
    "nimdsl.base.diagnostics": ("Diagnostic", "Place", "Severity"),
    "nimdsl.base.errors": tuple(name for name in __all__ if name.endswith("Error")),
    "nimdsl.loading": ("check", "check_text", "load", "load_text", "shipped_specs"),
    "nimdsl.program": ("Program",),
}


def __getattr__(name: str) -> object:
    for module, names in _HOMES.items():
        if name in names:
            value = getattr(importlib.import_module(module), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
