"""Recordings: the files of arrivals that scenarios name, read beside the documents.

The law: a recording is a source like any other.  Its name follows from that of
its document and from what the document says, so that documents and recordings
that travel with a journal find each other on any machine; a file is looked
for in the folder of its document, and none is read that lies outside the folders that were named
(``Source.roots``): a document may be somebody else's.

Not here: what the rows mean (:mod:`nimdsl.compile.arrivals`).
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath, PureWindowsPath

from nimdsl.base.diagnostics import Diagnostic, error
from nimdsl.compile.documents import Document, Documents
from nimdsl.text.source import Source, is_within, read_file, shown_name
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
    source = document.root.source
    folder = source.folder
    if folder is None:
        message = f"`{name}` cannot be found: its document is no file, so it has no folder"
        return error("NIM0101", message, fix="name the folder: `--root DIR`, in Python `root=DIR`")
    try:
        outside = not is_within(folder / file, source.roots)
    except (OSError, ValueError):
        outside = False  # reading it says why
    if outside:
        message = f"`{name}` is not read: it lies outside the folder of its document"
        fix = f"move it there, or allow its folder: {_allowing(folder / file)}"
        return error("NIM0114", message, fix=fix)
    if bytes_left < RECORDING_BYTES_MAX and _size(folder / file) > bytes_left:
        message = f"with `{name}` the recordings have more than {RECORDINGS_BYTES_MAX:,} bytes"
        return error("NIM0104", message, fix="leave some of them out")
    found = read_file(folder / file, name, RECORDING_BYTES_MAX)
    if isinstance(found, Diagnostic):
        slashed = file.replace("\\", "/")
        if found.code == "NIM0101" and slashed != file and (folder / slashed).is_file():
            return replace(found, fix=f"divide folders by `/`: `{slashed}`")
        return replace(found, fix=_FIXES.get(found.code, found.fix))
    return found


def _allowing(path: Path) -> str:
    folder = shown_name(Path(os.path.realpath(path)).parent)
    return f"`--root {shlex.quote(folder)}`, in Python `root={folder!r}`"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except (OSError, ValueError):
        return 0
