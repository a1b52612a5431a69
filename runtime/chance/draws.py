"""Counter-based draws: a draw is a function of its key, its effect and its index.

The law (SEMANTICS 2.4): nothing is consumed and nothing has state, so that a
draw belongs to its effect, may be asked for in any order and any number of
times, and adding an actor changes no other actor's draws.

A :class:`Key` is 128 bits of SHA-256 over the canonical bytes of (root seed,
replication, actor, purpose).  A draw mixes effect number and index into it with
the finaliser of splitmix64 (G. Steele, D. Lea, C. Flood, "Fast splittable
pseudorandom number generators", OOPSLA 2014; constants by D. Stafford, variant
13).  Different effects of a key never meet in one state: the finaliser is a
bijection.

Not here: distributions (:mod:`runtime.chance.distributions`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from nimdsl.base import canonical

Source = Callable[[int], float]
"""The index-th uniform of one effect."""

KEY_CACHE_COUNT_MAX = 65_536

_MASK = 2**64 - 1
_STEP = 0x9E3779B97F4A7C15


class Key(NamedTuple):
    """Two 64-bit words that stand for (seed, replication, actor, purpose)."""

    first: int
    second: int


@lru_cache(maxsize=KEY_CACHE_COUNT_MAX)
def key_of(seed: int, replication: int, actor: str, purpose: str) -> Key:
    """The key of one actor's draws for one purpose."""
    digest = hashlib.sha256(canonical.encode([seed, replication, actor, purpose])).digest()
    return Key(int.from_bytes(digest[:8], "big"), int.from_bytes(digest[8:16], "big"))


def uniform(key: Key, effect_number: int, index: int = 0) -> float:
    """An odd multiple of 2^-53 in (0, 1): ``1 - u`` is exact and just as likely."""
    state = _mixed(key.first + _STEP * (effect_number + 1))
    state = _mixed((state ^ key.second) + _STEP * (index + 1))
    return (state >> 11 | 1) * 2.0**-53


def source_of(key: Key, effect_number: int) -> Source:
    """The uniforms of one effect, by index."""

    def source(index: int) -> float:
        return uniform(key, effect_number, index)

    return source


def _mixed(word: int) -> int:
    word &= _MASK
    word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    word = (word ^ word >> 27) * 0x94D049BB133111EB & _MASK
    return word ^ word >> 31
