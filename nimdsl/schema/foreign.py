"""Files of other tools: what lies in a folder beside documents, and is none of ours."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from nimdsl.base.diagnostics import Diagnostic, Place, Severity
from nimdsl.base.suggest import did_you_mean
from nimdsl.kinds import kind_names
from nimdsl.kinds.schemas import API_VERSION
from nimdsl.text.tree import MapNode, Node, Scalar

OWNER = API_VERSION.partition("/")[0]
SHOWN_MAX = 5


def is_foreign(root: Node) -> bool:
    """Whether a document is another tool's: neither its `apiVersion` nor, without one, its kind is ours."""
    if not isinstance(root, MapNode):
        return True
    texts = {key: node.text for key, node in root.entries.items() if isinstance(node, Scalar)}
    if any(OWNER in text for text in texts.values()):
        return False
    version = texts.get("apiVersion")
    if version is not None:
        return did_you_mean(version, [API_VERSION]) is None
    return texts.get("kind") not in kind_names()


@cache
def _ours() -> re.Pattern[str]:
    return re.compile(rf"{re.escape(OWNER)}|^kind:\s*['\"]?({'|'.join(kind_names())})\b", re.MULTILINE)


def mentions_ours(text: str) -> bool:
    """Whether a text that cannot be read to its end seems to hold a document of ours."""
    return _ours().search(text) is not None


def left_out(names: Sequence[str]) -> Diagnostic:
    """The note that files were left out."""
    shown = ", ".join(f"`{name}`" for name in names[:SHOWN_MAX])
    more = f" and {len(names) - SHOWN_MAX:,} more" if len(names) > SHOWN_MAX else ""
    message = f"left out, since nothing in them is of {OWNER}: {shown}{more}"
    fix = "name a file that is meant; `.nimdslignore` keeps others quiet"
    return Diagnostic("NIM0201", Severity.NOTE, message, Place(names[0]), fix)
