"""Characters that nobody sees: blanks that are no spaces, and marks without a width.

YAML takes them for letters, so that what looks like ``event: go`` is a text of one word.
They may stand in prose; where a space, an indentation or a name is meant they are reported.
"""

from __future__ import annotations

import re
import unicodedata

_BLANK = "\xa0\u1680\u2000-\u200a\u202f\u205f\u3000"
_MARK = "\xad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
_ANY = f"[{_BLANK}{_MARK}]"
INVISIBLE = re.compile(_ANY)
_NOT_PROSE = re.compile(rf"^{_ANY}|^-{_ANY}|^[A-Za-z_][\w.-]*:(?={_ANY})|{_ANY}(?=#|$)")
_MARKS = re.compile(f"[{_MARK}]")


def misplaced(text: str) -> int:
    """Where in a plain scalar an invisible character passes for something else; -1 when nowhere."""
    found = _NOT_PROSE.search(text)
    if found is not None:
        visible = INVISIBLE.search(text, found.start())
        return visible.start() if visible else -1
    mark = _MARKS.search(text)
    return mark.start() if mark is not None and _MARKS.sub("", text).isascii() else -1


def message_and_fix(char: str) -> tuple[str, str]:
    """What to say of an invisible character."""
    name = unicodedata.name(char, "an invisible character").lower()
    blank = re.fullmatch(f"[{_BLANK}]", char)
    fix = "write a plain space instead" if blank else "remove it"
    return f"an invisible character stands here: U+{ord(char):04X} ({name})", fix
