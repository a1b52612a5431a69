"""What an entry must be by its own fields: which way each cause moves lifeforce, and what it may say.

For entries that are read.  What balances allow is the ledger's own check
(:class:`runtime.ledger.accounts.LedgerBroken`).
"""

from __future__ import annotations

from typing import Final

from runtime.ledger.accounts import OPENING, OVERFLOW, POOL, SAID, Cause, Entry

_HOLD, _COST, _REWARD, _INCOME = "hold:", "cost:", "reward:", "income:"
_WAYS: Final[dict[Cause, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "opening": ((OPENING,), (POOL,)),
    "reserve": ((POOL,), (_HOLD,)),
    "charge": ((POOL,), (_COST,)),
    "settle": ((_HOLD,), (_COST,)),
    "release": ((_HOLD,), (POOL,)),
    "reward": ((_REWARD,), (POOL,)),
    "penalty": ((POOL,), (_COST,)),
    "overflow": ((_REWARD, _INCOME), (OVERFLOW,)),
    "income": ((_INCOME,), (POOL,)),
    "upkeep": ((POOL, _INCOME), (_COST,)),
    "allowance": ((POOL, _INCOME), (_COST, POOL)),
    **dict.fromkeys(SAID, ((POOL,), ("",))),
}
"""By cause: from where, and where to; a name that ends in a colon stands for all that begin with it."""


def problem_of(entry: Entry) -> str:
    """Why no ledger wrote this entry; empty when one can have."""
    if entry.kind == "mismatch":
        return "" if entry.claimed is not None else "a mismatch says nothing of what was claimed"
    if entry.amount < 0:
        return f"a {entry.kind} of {entry.amount} micro-LF"
    sources, targets = _WAYS[entry.cause]
    if not (_is_one_of(entry.source, sources) and _is_one_of(entry.target, targets)):
        return f"{entry.cause} does not go from {entry.source} to {entry.target}"
    said = entry.kind in SAID
    if entry.kind != entry.cause if said else entry.cause in SAID:
        return f"a {entry.kind} does not come of {entry.cause}"
    if entry.kind == "rate" and entry.cause not in ("income", "upkeep"):
        return f"{entry.cause} is no rate"
    if (entry.balance is None) == (said or entry.kind == "refused") or entry.claimed is not None:
        return f"a {entry.kind} has no such balance or claim"
    return ""


def _is_one_of(account: str, names: tuple[str, ...]) -> bool:
    return any(account.startswith(name) if name.endswith(":") else account == name for name in names)
