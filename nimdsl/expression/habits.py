"""Words of other languages, and what to write instead."""

from __future__ import annotations

import re
from collections.abc import Sequence

_FUNCTIONS = {
    **dict.fromkeys(("append", "push", "add", "insert"), "{} + [{}]"),
    **dict.fromkeys(("len", "length", "count"), "size({})"),
    **dict.fromkeys(("float", "double"), "real({})"),
    "str": "string({})",
    "int": "round({})",
    "includes": "contains({}, {})",
}
"""What to write instead of functions that there are elsewhere, with their arguments."""
NAMES = {
    "lifeforce": "the balance is hidden from cells: a cell hears `refused` when a price cannot be paid",
    "null": "there is no `null`: every field begins with the zero of its type",
    "None": "there is no `null`: every field begins with the zero of its type",
    **dict.fromkeys(
        ("beats", "attention"), "expectations see it where an attention takes part: name it in the scenario"
    ),
    "True": "write `true`",
    "False": "write `false`",
}
"""Of names that there are elsewhere."""
TYPES = {
    "float": "real",
    "double": "real",
    "number": "real",
    "decimal": "real",
    "integer": "int",
    "long": "int",
    "str": "string",
    "text": "string",
    "boolean": "bool",
    "list": "list<int>",
    "array": "list<int>",
    "dict": "record",
    "object": "record",
    "map": "record",
    "time": "duration",
    "percent": "share",
    "byte": "bytes",
    "size": "bytes",
}
"""Of types."""
_SIGNS = re.compile(r"[=!<>&|/]+(?: =(?= |$))?")
_OPERATORS = {
    **dict.fromkeys(("=", "===", "= =", "===="), "=="),
    **dict.fromkeys(("<>", "=!", "=/=", "/=", "!==", "! ="), "!="),
    **dict.fromkeys(("=>", "> ="), ">="),
    **dict.fromkeys(("=<", "< ="), "<="),
    **dict.fromkeys(("&", "&&&"), "&&"),
    **dict.fromkeys(("|", "|||"), "||"),
}
"""Signs that are no operators, and those that are meant."""
WORDS = {"and": "&&", "or": "||", "not": "!", "if": "condition ? value : other"}
"""Words that are operators elsewhere."""
_REMAINDER = re.compile(r"([A-Za-z_][\w.]*)\s*\Z")
_SLICED = re.compile(r"([A-Za-z_][\w.]*)\[([^\[\]]*)\Z")
_UP_TO = re.compile(r":([^\[\]:]*)\]")
_DIVISOR = re.compile(r"%\s*([\w.]+)")


def instead_of(name: str, arguments: Sequence[str]) -> str:
    """What to write instead of the call of a function that there is elsewhere; empty for others."""
    if name in ("pop", "shift") and len(arguments) == 1:
        (items,) = arguments
        return f"the rest of a list is `slice({items}, 1, size({items}))`, its head `{items}[0]`"
    form = _FUNCTIONS.get(name, "")
    return f"write `{form.format(*arguments)}`" if form and form.count("{}") == len(arguments) else ""


def operator(text: str, offset: int) -> tuple[int, str, str]:
    """Where signs begin that are no operator at ``offset``, these signs, and what is meant; else empty."""
    for found in _SIGNS.finditer(text):
        if found.start() <= offset < found.end() and found.group() in _OPERATORS:
            return found.start(), found.group(), _OPERATORS[found.group()]
    return offset, "", ""


def word(text: str, offset: int) -> tuple[int, str, str]:
    """The same for a word, at ``offset`` or before it, that is an operator elsewhere."""
    before = re.search(r"(\w+)\s*\Z", text[:offset])
    here = re.compile(r"\w+").match(text, offset)
    for found, group in ((before, 1), (here, 0)):
        if found is not None and found[group].lower() in WORDS:
            return found.start(group), found[group], WORDS[found[group].lower()]
    return offset, "", ""


def remainder(text: str, offset: int) -> str:
    """What to write instead of the ``%`` at ``offset``."""
    whole, divisor = _REMAINDER.search(text[:offset]), _DIVISOR.match(text, offset)
    n, k = whole[1] if whole else "n", divisor[1] if divisor else "k"
    return f"write `mod({n}, {k})`"


def sliced(text: str, offset: int) -> str:
    """What to write instead of ``q[1:]``, whose ``:`` is at ``offset``; empty for another colon."""
    found = _SLICED.search(text[:offset])
    if found is None:
        return ""
    items, begin = found[1], found[2].strip() or "0"
    end = _UP_TO.match(text, offset)
    until = end[1].strip() if end and end[1].strip() else f"size({items})"
    return f"write `slice({items}, {begin}, {until})`"
