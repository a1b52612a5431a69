"""Text of others as a terminal may show it: what cannot be seen is written out.

Payloads, recordings, file names and documents hold whatever somebody put into them: escape codes that
repaint a terminal, marks that turn the order of letters around, characters without a shape.  Each of
these is shown as it is written in Python: ``\\\\x1b``, ``\\\\u202e``.  Files and JSON keep the data itself.
"""

from __future__ import annotations

import re

_SHAPELESS = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""What counts as printable and shows nothing: fillers, joiners, selectors of variants."""
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def is_visible(text: str) -> bool:
    """Whether all of it can be seen."""
    return text.isprintable() and not _SHAPELESS.search(text)


def visible(text: str, keep: str = "") -> str:
    """The text with everything written out that cannot be seen, but for what is in ``keep``.

    >>> print(visible("a\\x1b[2J\\u202eb"))
    a\\x1b[2J\\u202eb
    """
    if is_visible(text):
        return text
    return "".join(char if char in keep or is_visible(char) else written_out(char) for char in text)


def written_out(char: str) -> str:
    """One character by its number."""
    code = ord(char)
    if char in _SHORT:
        return _SHORT[char]
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
