"""The one tree of errors.

::

    NimdslError
      SpecError       the user's documents are wrong; carries every diagnostic
      PortError       a port (bus, store, model) failed
        TemporaryPortError    worth another try
        PermanentPortError    not worth one
      PackageError    a package beside nimdsl brings what cannot be used
      InternalError   a bug in nimdsl itself (exit 70)

Outcomes that a user can expect at run time (refused, timeout, ignored) are
values, never exceptions.  How diagnostics look is in :mod:`nimdsl.base.diagnostics`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nimdsl.base.diagnostics import Diagnostic


class NimdslError(Exception):
    """Anything that nimdsl raises on purpose."""


class SpecError(NimdslError):
    """The documents cannot be used; ``diagnostics`` says everything that is wrong with them."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        self.diagnostics = diagnostics
        super().__init__("\n".join(_with_fix(diagnostic) for diagnostic in diagnostics))


def _with_fix(diagnostic: Diagnostic) -> str:
    return f"{diagnostic}; fix: {diagnostic.fix}" if diagnostic.fix else str(diagnostic)


class PortError(NimdslError):
    """A port could not do what it was asked."""


class TemporaryPortError(PortError):
    """The same call may succeed later."""


class PermanentPortError(PortError):
    """The same call will fail again."""


class PackageError(NimdslError):
    """A package beside nimdsl brings what cannot be used."""


class InternalError(NimdslError):
    """A promise that nimdsl made to itself was broken: a bug, never the user's mistake."""
