"""Recordings: the files of arrivals that scenarios name, read beside the documents.

The law: a recording is a source like any other.  Its name follows from that of
its document and from what the document says, so that documents and recordings
that travel with a journal find each other on any machine; only the files of
documents that were files themselves are looked for.

Not here: what the rows mean (:mod:`nimdsl.compile.arrivals`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath, PureWindowsPath

from nimdsl.base.diagnostics import Diagnostic, error
from nimdsl.compile.documents import Document, Documents
from nimdsl.text.source import Source, read_file
from nimdsl.text.tree import ListNode, MapNode, Scalar

RECORDING_SUFFIX = ".csv"
"""How recordings usually end."""
RECORDING_BYTES_MAX = 64 * 1024 * 1024
RECORDINGS_BYTES_MAX = 256 * 1024 * 1024
"""All of them together."""
_FIXES = {
    "NIM0102": "save it as text in UTF-8",
    "NIM0104": "split it into several recordings",
    "NIM0114": "name a CSV file that can be read",
}


_OUTSIDE_FIX = "put it beside the document, or name a folder that holds both on the command line"


def recording_name(document: Document, file: str) -> str:
    """What the recording ``file`` of a document is called, here and wherever its journal goes.

    Separators may be those of another system.
    """
    name = document.root.source.name
    if PurePosixPath(file).is_absolute() or PureWindowsPath(file).is_absolute():
        return file
    return name[: max(name.rfind("/"), name.rfind("\\")) + 1] + file


def with_recordings(documents: Documents) -> Documents:
    """The documents with the text of each recording, or why it cannot be had; one is read once."""
    recordings = dict(documents.recordings)
    for document in documents.of("Scenario").values():
        for file in _files(document):
            name = recording_name(document, file)
            if name not in recordings:
                read = sum(len(one.text) for one in recordings.values() if isinstance(one, Source))
                recordings[name] = _read(document, file, name, RECORDINGS_BYTES_MAX - read)
    return replace(documents, recordings=recordings)


def _files(document: Document) -> Iterator[str]:
    stimuli = None if document.broken else document.spec.get("stimuli")
    for stimulus in stimuli.items if isinstance(stimuli, ListNode) else ():
        recording = stimulus.get("recording") if isinstance(stimulus, MapNode) else None
        file = recording.get("file") if isinstance(recording, MapNode) else None
        if isinstance(file, Scalar):
            yield str(file.value)


def _read(document: Document, file: str, name: str, bytes_left: int) -> Source | Diagnostic:
    folder = document.root.source.folder
    if folder is None:
        return error("NIM0101", f"no such file: `{name}`")
    if bytes_left < RECORDING_BYTES_MAX and _size(folder / file) > bytes_left:
        message = f"with `{name}` the recordings have more than {RECORDINGS_BYTES_MAX:,} bytes"
        return error("NIM0104", message, fix="leave some of them out")
    if _leaves(document, folder / file):
        return error("NIM0114", f"`{file}` lies outside the folder of its document", fix=_OUTSIDE_FIX)
    found = read_file(folder / file, name, RECORDING_BYTES_MAX)
    if isinstance(found, Diagnostic):
        slashed = file.replace("\\", "/")
        if found.code == "NIM0101" and slashed != file and (folder / slashed).is_file():
            return replace(found, fix=f"divide folders by `/`: `{slashed}`")
        return replace(found, fix=_FIXES.get(found.code, found.fix))
    return found


def _leaves(document: Document, file: Path) -> bool:
    """Whether a file lies neither in the folder of its document nor in the one that somebody named."""
    source = document.root.source
    allowed = [folder.resolve() for folder in (source.folder, source.below) if folder is not None]
    try:
        return not any(file.resolve().is_relative_to(folder) for folder in allowed)
    except (OSError, ValueError, RuntimeError):
        return False


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except (OSError, ValueError):
        return 0
