"""That something is refused, without a test runner."""

from __future__ import annotations

import re
from collections.abc import Callable


def refused(kind: type[Exception], words: str, act: Callable[..., object], *arguments: object) -> None:
    """Asserts that ``act`` raises ``kind``, and says ``words``, a regular expression."""
    caught = None
    try:
        act(*arguments)
    except kind as problem:
        caught = problem
    assert caught is not None, f"{kind.__name__} was not raised"
    assert re.search(words, str(caught)), f"{words!r} is not in {str(caught)!r}"
