"""Reading files: paths in, decoded text out, and one diagnostic for each file that cannot be used.

The law: whatever a path names (a device, a socket, a 50 MB file, a loop of
links, bytes that are no text), reading ends soon, uses bounded memory and
raises nothing; the limits stand below.  Each file is read once, however often
it is named; a folder's files come sorted by their path.  What the text means
is :mod:`nimdsl.text.tree`'s affair.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from nimdsl.base.diagnostics import Diagnostic, Place, error
from nimdsl.base.printable import visible
from nimdsl.base.suggest import did_you_mean
from nimdsl.text.ignoring import rules_around
from nimdsl.text.streams import bytes_from, descriptor_name, descriptor_of

FILE_BYTES_MAX = 4 * 1024 * 1024
TOTAL_BYTES_MAX = 64 * 1024 * 1024
FILE_COUNT_MAX = 5_000
ENTRY_COUNT_MAX = 200_000
"""Folder entries looked at, YAML or not."""
EXCERPT_COLUMNS_MAX = 160

SUFFIXES = (".yaml", ".yml")

_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""The breaks that the parser counts."""


@dataclass(frozen=True)
class Source:
    """One file: ``name`` as it is shown to the user (relative to the working folder when below it).

    ``folder`` is where the paths that it names begin; None: its files, if any, are not within reach.
    ``path`` is the file itself, if there is one; ``roots`` are the folders that the paths it names may
    not leave.  ``below`` is the folder that somebody named and in which it lay; None: it was named itself.
    """

    name: str
    text: str
    folder: Path | None = field(default=None, compare=False, repr=False)
    path: Path | None = field(default=None, compare=False, repr=False)
    roots: tuple[Path, ...] = field(default=(), compare=False, repr=False)
    below: Path | None = field(default=None, compare=False, repr=False)

    @cached_property
    def lines(self) -> list[str]:
        """The lines, without their ends."""
        return _LINE_BREAK.split(self.text)

    def place(self, line: int, column: int, length: int = 1) -> Place:
        """The place at ``line`` and ``column`` (from 1), moved into the file where they lie outside.

        ``length`` 0 reaches to the end of the line.  The excerpt is the line's
        beginning as it is, and empty where the column lies beyond that.
        """
        lines = self.lines
        if not 0 < line <= len(lines):
            line = min(max(line, 1), len(lines))
        text = lines[line - 1]
        if not 0 < column <= len(text):
            column = min(max(column, 1), len(text) + 1)
        rest = len(text) - column + 1
        if not 0 < length <= rest:
            length = max(1, min(length or rest, rest))
        shown = text[:EXCERPT_COLUMNS_MAX] if column <= EXCERPT_COLUMNS_MAX else ""
        return Place(self.name, line, column, length, shown)


def read_sources(
    paths: Sequence[Path], root: Path | None = None
) -> tuple[tuple[Source, ...], tuple[Diagnostic, ...]]:
    """The sources that ``paths`` (files and folders, ``-``) name, and what was wrong with the others.

    ``root`` is the folder of documents that are no files, and holds what others may name besides what
    is in the folders of ``paths``.
    """
    reader = _Reader(paths, root)
    for path in paths:
        reader.read(Path(path))
    return tuple(reader.sources), tuple(reader.diagnostics)


class _FullError(Exception):
    """A limit on everything that is read was reached."""


class _Reader:
    def __init__(self, paths: Sequence[Path], root: Path | None) -> None:
        self.root = root
        self.roots = _roots_of(paths, root)
        self.sources: list[Source] = []
        self.diagnostics: list[Diagnostic] = []
        self.seen: set[tuple[int, int] | str] = set()
        self.total_bytes = 0
        self.entry_count = 0
        self.file_count = 0
        self.full = False

    def read(self, path: Path) -> None:
        """Read a file or a folder that the user named; nothing more once a limit is reached."""
        if self.full:
            return
        descriptor = descriptor_of(path)
        try:
            if descriptor is not None:
                self._read_stream(descriptor)
            elif path.is_dir():
                self._read_folder(path)
            else:
                self._read_file(path)
        except _FullError as reached:
            self.full = True
            fix = "name the files or the folder that you mean"
            self.diagnostics.append(error("NIM0104", str(reached), Place(shown_name(path)), fix))
        except (OSError, ValueError) as problem:
            self.diagnostics.append(_unreachable(path, problem))

    def _read_folder(self, folder: Path) -> None:
        files = sorted(self._files_below(folder), key=lambda path: path.parts)
        if not files and not self.full:
            message = f"no YAML files below the folder `{shown_name(folder)}`"
            fix = (
                "name a folder that holds `*.yaml` or `*.yml` files (hidden and ignored ones are left out)"
            )
            self.diagnostics.append(error("NIM0105", message, Place(shown_name(folder)), fix))
        for path in files:
            try:
                self._read_file(path, folder)
            except OSError as problem:
                self.diagnostics.append(_unreachable(path, problem))

    def _files_below(self, folder: Path) -> Iterator[Path]:
        folders = [(folder, rules_around(folder.absolute()))]
        visited: set[tuple[int, int] | str] = set()
        while folders:
            folder, around = folders.pop()
            try:
                identity = _identity(folder, folder.stat())
                entries = list(self._entries(folder)) if identity not in visited else []
            except OSError as problem:
                self.diagnostics.append(_unreachable(folder, problem))
                continue
            visited.add(identity)
            rules = around.within(folder.absolute())
            for entry in entries:
                path, is_folder = Path(entry.path), _is_folder(entry)
                if not is_folder and not entry.name.lower().endswith(SUFFIXES):
                    continue
                if rules.leave_out(path.absolute(), is_folder):
                    continue
                if is_folder:
                    folders.append((path, rules))
                else:
                    yield path

    def _entries(self, folder: Path) -> Iterator[os.DirEntry[str]]:
        with os.scandir(folder) as entries:
            for entry in entries:
                self.entry_count += 1
                if self.entry_count > ENTRY_COUNT_MAX:
                    raise _FullError(f"more than {ENTRY_COUNT_MAX:,} files and folders to look through")
                if not entry.name.startswith("."):
                    yield entry

    def _read_file(self, path: Path, below: Path | None = None) -> None:
        status = path.stat()
        if self._is_new(_identity(path, status)):
            name = shown_name(path)
            data = _content(path, name, status, FILE_BYTES_MAX)
            self._take(name, data, path.absolute().parent, path.absolute(), below)

    def _read_stream(self, descriptor: int) -> None:
        """What comes through an open descriptor; its path is the descriptor's, whatever is behind it."""
        status, name, path = (
            os.fstat(descriptor),
            descriptor_name(descriptor),
            Path(f"/dev/fd/{descriptor}"),
        )
        if self._is_new(_identity(path, status)):
            data = bytes_from(descriptor, FILE_BYTES_MAX)
            message = f"`{name}` has more than {FILE_BYTES_MAX:,} bytes"
            long = error("NIM0104", message, Place(name), "split it into several files")
            self._take(name, long if len(data) > FILE_BYTES_MAX else data, self.root, path)

    def _is_new(self, identity: tuple[int, int] | str) -> bool:
        """Whether it was not read before; counts it then."""
        if identity in self.seen:
            return False
        self.seen.add(identity)
        self.file_count += 1
        if self.file_count > FILE_COUNT_MAX:
            raise _FullError(f"more than {FILE_COUNT_MAX:,} files to read")
        return True

    def _take(
        self,
        name: str,
        data: bytes | Diagnostic,
        folder: Path | None,
        path: Path,
        below: Path | None = None,
    ) -> None:
        if isinstance(data, Diagnostic):
            self.diagnostics.append(data)
            return
        self.total_bytes += len(data)
        if self.total_bytes > TOTAL_BYTES_MAX:
            raise _FullError(f"more than {TOTAL_BYTES_MAX:,} bytes to read in all")
        source = _decoded(name, data, folder, path)
        if isinstance(source, Source):
            self.sources.append(replace(source, roots=self.roots, below=below))
        else:
            self.diagnostics.append(source)


def read_file(path: Path, name: str, bytes_max: int) -> Source | Diagnostic:
    """The one file at ``path``, to be shown as ``name``, or why it cannot be used."""
    try:
        data = _content(path, name, path.stat(), bytes_max)
    except (OSError, ValueError) as problem:
        return _unreachable(path, problem)
    whole = path.absolute()
    return data if isinstance(data, Diagnostic) else _decoded(name, data, whole.parent, whole)


def _roots_of(paths: Sequence[Path], root: Path | None) -> tuple[Path, ...]:
    """The folders that documents may name files in: those that were named, and of the named files."""
    named = [Path(path) for path in paths if descriptor_of(Path(path)) is None]
    folders = [path if path.is_dir() else path.parent for path in named]
    return tuple(dict.fromkeys([*folders, *([root] if root is not None else [])]))


def is_within(path: Path, roots: Sequence[Path]) -> bool:
    """Whether ``path``, all links followed, is in or below one of ``roots``."""
    real = os.path.realpath(path)
    return any(Path(real).is_relative_to(os.path.realpath(root)) for root in roots)


def _content(path: Path, name: str, status: os.stat_result, bytes_max: int) -> bytes | Diagnostic:
    if not stat.S_ISREG(status.st_mode):
        message = f"`{name}` is {_kind_of(status.st_mode)}, not a file"
        return error("NIM0114", message, Place(name), "name a file or a folder")
    data = b"" if status.st_size > bytes_max else _bytes_of(path, bytes_max)
    size = max(status.st_size, len(data))
    if size > bytes_max:
        message = f"`{name}` has {size:,} bytes; at most {bytes_max:,} are read"
        return error("NIM0104", message, Place(name), "split it into several files")
    return data


def _decoded(name: str, data: bytes, folder: Path | None, path: Path) -> Source | Diagnostic:
    return _why_not_text(name, data) or Source(name, data.decode("utf-8-sig"), folder, path)


def shown_name(path: Path) -> str:
    """``path`` as the user sees it: relative to the working folder when below it, always printable."""
    try:
        name = os.path.relpath(path.absolute())
        name = str(path) if name.startswith("..") else name
    except (OSError, ValueError):
        name = str(path)
    return visible(name)


def _identity(path: Path, status: os.stat_result) -> tuple[int, int] | str:
    """What is the same for two names of one file, also where the system numbers no files."""
    return (status.st_dev, status.st_ino) if status.st_ino else str(path.resolve())


def _bytes_of(path: Path, bytes_max: int) -> bytes:
    with path.open("rb") as file:
        return file.read(bytes_max + 1)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether it is a folder, or a link to one; a link that leads nowhere is none."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _unreachable(path: Path, problem: OSError | ValueError) -> Diagnostic:
    name = shown_name(path)
    if _is_link(path):
        looping = getattr(problem, "errno", None) == errno.ELOOP
        message = f"`{name}` is a link that leads {'to itself' if looping else 'nowhere'}"
        return error("NIM0114", message, Place(name), "remove the link, or let it lead to a file")
    if isinstance(problem, FileNotFoundError | NotADirectoryError | ValueError):
        return error("NIM0101", f"no such file: `{name}`", Place(name), _sibling_phrase(path))
    reason = problem.strerror or type(problem).__name__
    return error(
        "NIM0114", f"`{name}` cannot be read: {reason.lower()}", Place(name), "check its permissions"
    )


def _is_link(path: Path) -> bool:
    try:
        return path.is_symlink() and not path.exists()
    except (OSError, ValueError):
        return False


def _sibling_phrase(path: Path) -> str:
    try:
        with os.scandir(path.parent) as entries:
            names = [entry.name for _, entry in zip(range(2_000), entries, strict=False)]
    except (OSError, ValueError):
        return f"the folder `{shown_name(path.parent)}` does not exist either"
    likely = did_you_mean(path.name, names)
    return f"did you mean `{shown_name(path.parent / likely)}`?" if likely else ""


def _kind_of(mode: int) -> str:
    kinds = {
        stat.S_ISCHR: "a device",
        stat.S_ISBLK: "a device",
        stat.S_ISFIFO: "a pipe",
        stat.S_ISSOCK: "a socket",
        stat.S_ISDIR: "a folder",
    }
    return next((kind for test, kind in kinds.items() if test(mode)), "something special")


_MARKS = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
_SIGNATURES = (
    (b"\x1f\x8b", "gzip data"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"%PDF", "a PDF"),
    (b"\x7fELF", "an executable"),
    (b"SQLite format 3", "an SQLite database"),
)
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\x0c\x1b"))


def _why_not_text(name: str, data: bytes) -> Diagnostic | None:
    """The diagnostic NIM0102 for bytes that are not UTF-8 text; None when they are."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _wrong_encoding(name, data, 0, encoding)
    for signature, kind in _SIGNATURES:
        if data.startswith(signature):
            return _not_text(name, data, 0, kind)
    zero = data.find(b"\0")
    if zero >= 0:
        encoding = _utf_16_without_mark(data)
        return (
            _wrong_encoding(name, data, zero, encoding)
            if encoding
            else _not_text(name, data, zero, "binary data")
        )
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as problem:
        return _not_utf_8(name, data, problem)
    return None


def _not_utf_8(name: str, data: bytes, problem: UnicodeDecodeError) -> Diagnostic:
    offset = problem.start
    if problem.reason == "unexpected end of data":
        message = f"`{name}` ends in the middle of a character, at byte {offset:,}: it was cut off"
        return error("NIM0102", message, _byte_place(name, data, offset), "restore the whole file")
    controls = len(data) - len(data.translate(None, _CONTROLS))
    if controls * 100 > len(data):
        return _not_text(name, data, offset, "binary data")
    windows = any(0x80 <= byte <= 0x9F for byte in data)
    return _wrong_encoding(name, data, offset, "WINDOWS-1252" if windows else "ISO-8859-1")


def _utf_16_without_mark(data: bytes) -> str:
    """UTF-16LE or UTF-16BE when every second byte of the beginning is zero, else nothing."""
    head = data[:512][: len(data[:512]) // 2 * 2]
    half = len(head) // 2
    if half and head[1::2].count(0) * 10 >= half * 9 and not head[::2].count(0):
        return "UTF-16LE"
    if half and head[::2].count(0) * 10 >= half * 9 and not head[1::2].count(0):
        return "UTF-16BE"
    return ""


_ENCODING_NAMES = {"ISO-8859-1": "Latin-1 (ISO-8859-1)", "WINDOWS-1252": "Windows-1252"}


def _wrong_encoding(name: str, data: bytes, offset: int, encoding: str) -> Diagnostic:
    looks = _ENCODING_NAMES.get(encoding, encoding)
    message = f"`{name}` is not UTF-8: it looks like {looks} (byte {offset:,})"
    fix = f"convert it: iconv -f {encoding} -t UTF-8 '{name}' > converted.yaml"
    return error("NIM0102", message, _byte_place(name, data, offset), fix)


def _not_text(name: str, data: bytes, offset: int, kind: str) -> Diagnostic:
    message = f"`{name}` is not text: it looks like {kind} (byte {offset:,})"
    return error("NIM0102", message, _byte_place(name, data, offset), "name a YAML file in UTF-8")


def _byte_place(name: str, data: bytes, offset: int) -> Place:
    before = data[:offset].decode("utf-8", "replace")
    text = before + data[offset : offset + EXCERPT_COLUMNS_MAX].decode("latin-1")
    line = len(_LINE_BREAK.findall(before)) + 1
    column = len(_LINE_BREAK.split(before)[-1]) + 1
    return Source(name, text).place(line, column) if offset else Place(name)
