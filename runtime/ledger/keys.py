"""The keys of a ledger's transfers: what has happened already, and how long that is remembered.

A key that counts, ``<sender>/<number>``, may end in the place of an item of a bill
(``<sender>/<number>#<place>``); the items of one bill are remembered, and forgotten, one by one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from runtime.ledger.accounts import Cause, LedgerConflict

COUNTED_KEYS_MAX = 1_024
"""How many keys of a sender that counts are remembered."""
_DIGIT_COUNT_MAX = 18
_COUNTED = ("reserve", "charge", "settle")


class Done(NamedTuple):
    """What is remembered of a key: its transfer, and the pool after it."""

    source: str
    target: str
    amount: int
    balance: int
    entry: int


class Keys:
    """What was done under each key, as long as somebody may still ask for it again."""

    def __init__(self) -> None:
        self._done: dict[str, Done] = {}
        self._payers: dict[str, list[str]] = {}
        """By sender: the latest of its keys that count, of reserves and charges, oldest first."""
        self._settlers: dict[str, list[str]] = {}
        """The same for settlements."""
        self._kept: dict[str, list[str]] = {}
        """By hold: settlements that are remembered only because it still contains something."""
        self._forgotten: dict[str, int] = {}
        """By sender: the highest number of a reserve or a charge that is not remembered any more."""

    def __contains__(self, key: str) -> bool:
        return key in self._done

    def __getitem__(self, key: str) -> Done:
        return self._done[key]

    def get(self, key: str) -> Done | None:
        """What was done under a key; None for nothing, or nothing that is remembered."""
        return self._done.get(key)

    def change(self, key: str, amount: int) -> None:
        """What was done is seen to have been more than its own transfer."""
        whole = self._done.get(key)
        if whole:
            self._done[key] = whole._replace(amount=whole.amount + amount)

    def add(self, cause: Cause, key: str, done: Done, full_holds: Iterable[str]) -> None:
        """Remembers one more; the oldest of its sender, if that makes too many, is forgotten."""
        self._done[key] = done
        sender, number = counting(key)
        if number < 0 or cause not in _COUNTED:
            return
        keys = (self._settlers if cause == "settle" else self._payers).setdefault(sender, [])
        keys.append(key)
        if len(keys) <= COUNTED_KEYS_MAX:
            return
        oldest = keys.pop(0)
        hold = self._done[oldest].source
        if cause != "settle":
            del self._done[oldest]
            self._forgotten[sender] = max(counting(oldest)[1], self._forgotten.get(sender, -1))
        elif hold in full_holds:
            self._kept.setdefault(hold, []).append(oldest)
        else:
            del self._done[oldest]

    def emptied(self, hold: str) -> None:
        """Nothing is left of a hold: its old settlements need not be remembered."""
        for key in self._kept.pop(hold, ()):
            del self._done[key]

    def refuse_forgotten(self, key: str) -> None:
        """Raises LedgerConflict for a key that is too old to be remembered."""
        sender, number = counting(key)
        if 0 <= number <= self._forgotten.get(sender, -1):
            raise LedgerConflict(
                f"{key}: of {sender} the last {COUNTED_KEYS_MAX} keys are remembered, and this one is older"
            )


def counting(key: str) -> tuple[str, int]:
    """The sender and the number of a key that counts; -1 for one that does not."""
    sender, _, number = key.partition("#")[0].rpartition("/")
    counts = sender and number.isascii() and number.isdigit() and len(number) <= _DIGIT_COUNT_MAX
    return sender, int(number) if counts else -1
