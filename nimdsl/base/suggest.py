"""Suggestions: the name that was probably meant.

The law: the answer depends on the word and on the set of candidates, not on
their order, and costs a bounded time whatever a user typed.  Which names are
candidates is the caller's affair.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

WORD_LENGTH_MAX = 64
CANDIDATE_COUNT_MAX = 2_000
LISTED_COUNT_MAX = 8
LIKENESS_MIN = 0.6


def did_you_mean(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate most like ``word``, whatever its case; None when nothing is like it."""
    if len(word) > WORD_LENGTH_MAX:
        return None
    names = [name for name in sorted(set(candidates)) if len(name) <= WORD_LENGTH_MAX]
    if not names:
        return None
    folded = {name.casefold(): name for name in reversed(names[:CANDIDATE_COUNT_MAX])}
    close = difflib.get_close_matches(word.casefold(), folded, n=1, cutoff=LIKENESS_MIN)
    return folded[close[0]] if close else None


def misspelt(words: Iterable[str], known: Iterable[str]) -> set[str]:
    """The known names that are missing among the words, where one that is not known is meant to be them."""
    words, names = {*words}, {*known}
    return {name for word in words - names if (name := did_you_mean(word, names - words))}


def phrase(word: str, candidates: Iterable[str], count_max: int = LISTED_COUNT_MAX) -> str:
    """What to say after an unknown name: the likely one, else the known ones (eight or so), else nothing.

    >>> phrase("mesuring", ["idle", "measuring"])
    'did you mean `measuring`?'
    >>> phrase("x", ["idle", "measuring"])
    'known: `idle`, `measuring`'
    """
    names = sorted(set(candidates))
    likely = did_you_mean(word, names)
    if likely is not None:
        return f"did you mean `{likely}`?"
    if not names:
        return ""
    shown = len(names) if len(names) == count_max + 1 else count_max
    listed = ", ".join(f"`{name}`" for name in names[:shown])
    more = len(names) - shown
    return f"known: {listed}" + (f" and {more} more" if more > 0 else "")
