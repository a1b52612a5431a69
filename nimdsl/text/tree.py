"""The tree: YAML text as nodes that know their place, one root for each document.

The law: YAML 1.2 core, strictly (:mod:`nimdsl.text.scalars`), without duplicate
keys, merge keys, tags, or keys that are not text; nothing that a user can
write makes the parser recurse, hang or raise.  Depth, nodes (aliases counted
as if written out), documents and diagnostics of a file are bounded; where a
bound is met the rest of the file is left unread, and the documents before it
are returned.  Files are read in :mod:`nimdsl.text.source`; what a document may
hold is the schemas' affair.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from nimdsl.base.diagnostics import Diagnostic, Place, Severity, error
from nimdsl.text import strictness
from nimdsl.text.flow_text import negated
from nimdsl.text.invisible import message_and_fix, misplaced
from nimdsl.text.scalars import NUMBER_STARTS, WORDS, Value, read_plain, shortened
from nimdsl.text.source import Source
from nimdsl.text.yaml_errors import explain

DEPTH_MAX = 64
NODE_COUNT_MAX = 100_000
"""Nodes of one document, keys included, aliases counted as if written out."""
DOCUMENT_COUNT_MAX = 10_000
DIAGNOSTIC_COUNT_MAX = 100

_TAG_DIRECTIVE = re.compile("(?:^|[\n\r\x85\u2028\u2029])%TAG")
_LOADER: Any = getattr(yaml, "CLoader", yaml.Loader)


class Node:
    """A value in a document; ``line`` and ``column`` count from 1.

    ``damaged``, on a root, says that something of the document was left out or
    is not what was written; the diagnostics say what.  An alias is the node of
    its anchor itself: a node can stand in several places, and is never changed.
    """

    __slots__ = ("column", "damaged", "line", "source")

    def __init__(self, source: Source, line: int, column: int) -> None:
        self.source = source
        self.line = line
        self.column = column
        self.damaged = False

    @property
    def place(self) -> Place:
        """Where the value begins."""
        return self.source.place(self.line, self.column)

    def plain(self) -> Any:
        """The value as plain data: None, bool, int, float, str, list, dict."""
        raise NotImplementedError

    def as_written(self) -> Any:
        """The same with the templates that constants were filled into."""
        return self.plain()


class Scalar(Node):
    """A single value; ``text`` is what was written (without quotes), ``quoted`` also for block scalars.

    One that constants made has its ``template``; ``quantity`` is the type of such a one and its value in
    base units: it keeps its unit also where nothing says which is wanted.
    """

    __slots__ = ("length", "quantity", "quoted", "template", "text", "value")

    def __init__(
        self, source: Source, line: int, column: int, value: Value, text: str, quoted: bool, length: int
    ) -> None:
        self.source = source
        self.line = line
        self.column = column
        self.damaged = False
        self.value = value
        self.text = text
        self.quoted = quoted
        self.length = length
        self.quantity: tuple[str, int] | None = None
        self.template = ""

    @property
    def place(self) -> Place:
        """The scalar as it stands on its first line, quotes included."""
        return self.source.place(self.line, self.column, self.length)

    def plain(self) -> Value:
        """The value."""
        return self.value

    def as_written(self) -> Value:
        """Its template, if it has one; else the value."""
        return self.template or self.value


class LostScalar(Scalar):
    """What an alias without an anchor stands for, or text with a tag: a diagnostic says so already."""

    __slots__ = ()


class ListNode(Node):
    """A list of nodes; ``templated`` says whether some text in it may hold a ``${``."""

    __slots__ = ("items", "templated")

    def __init__(self, source: Source, line: int, column: int) -> None:
        super().__init__(source, line, column)
        self.templated = True
        self.items: list[Node] = []

    def plain(self) -> list[Any]:
        """The items as plain data."""
        return [item.plain() for item in self.items]

    def as_written(self) -> list[Any]:
        """The items as they were written."""
        return [item.as_written() for item in self.items]


class MapNode(Node):
    """A map in document order: ``entries`` by key, and ``keys``, the scalar that each key is.

    ``variables`` are those of the ``for`` that made it an item of its list; ``templated`` is as in lists.
    """

    __slots__ = ("entries", "keys", "templated", "variables")

    def __init__(self, source: Source, line: int, column: int) -> None:
        super().__init__(source, line, column)
        self.templated = True
        self.entries: dict[str, Node] = {}
        self.keys: dict[str, Scalar] = {}
        self.variables: Mapping[str, Any] = {}

    def get(self, key: str) -> Node | None:
        """The value of ``key``, or None."""
        return self.entries.get(key)

    def key_place(self, key: str) -> Place:
        """Where ``key`` is written; the map's own place when it has no such key."""
        found = self.keys.get(key)
        return self.place if found is None else found.place

    def plain(self) -> dict[str, Any]:
        """The entries as plain data."""
        return {key: value.plain() for key, value in self.entries.items()}

    def as_written(self) -> dict[str, Any]:
        """The entries as they were written."""
        return {key: value.as_written() for key, value in self.entries.items()}


def parse(source: Source) -> tuple[tuple[Node, ...], tuple[Diagnostic, ...]]:
    """The documents of ``source`` (empty ones left out) and everything that is wrong with its YAML."""
    builder = _Builder(source)
    builder.build()
    return tuple(builder.roots), tuple(builder.diagnostics)


class _CutError(Exception):
    """The rest of the file is left unread; the diagnostic is written."""


class _Frame:
    """A list or map that is not yet closed."""

    __slots__ = ("anchor", "before", "flow", "height", "key", "node", "templated")

    def __init__(self, node: ListNode | MapNode, anchor: str | None, before: int, flow: bool) -> None:
        self.node = node
        self.anchor = anchor
        self.before = before
        self.flow = flow
        self.height = 1
        self.key: Node | None = None
        self.templated = False


class _Anchored:
    """A node that aliases can name, with what it counts written out; ``node`` is None while it is open."""

    __slots__ = ("count", "height", "line", "node")

    def __init__(self, node: Node | None, line: int, count: int = 1, height: int = 0) -> None:
        self.node = node
        self.line = line
        self.count = count
        self.height = height


class _Builder:
    """Builds the documents of one file from the parser's events, on a stack of its own."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.roots: list[Node] = []
        self.diagnostics: list[Diagnostic] = []
        self.hidden_count = 0
        self.document_count = 0
        self.has_stand_ins = False
        self.reset()

    def build(self) -> None:
        """Fill ``roots`` and ``diagnostics``."""
        try:
            self.refuse_tag_directives()
            self.consume()
        except _CutError:
            pass
        except (yaml.YAMLError, UnicodeError) as problem:
            found = explain(problem, self.source)
            if found not in self.diagnostics:
                self.add(found)
        if self.hidden_count:
            last = self.diagnostics[-1]
            message = f"{self.hidden_count:,} more problems of this file are not shown"
            self.diagnostics.append(Diagnostic(last.code, Severity.NOTE, message, last.place))
        elif not self.roots and not self.diagnostics:
            self.report(
                "NIM0103", "the file holds no document", Place(self.source.name), "begin with `kind:`"
            )

    def consume(self) -> None:
        """Take the parser's events to their end."""
        handlers = {
            yaml.MappingStartEvent: self.open_map,
            yaml.SequenceStartEvent: self.open_list,
            yaml.MappingEndEvent: self.close,
            yaml.SequenceEndEvent: self.close,
            yaml.AliasEvent: self.alias,
            yaml.DocumentStartEvent: self.begin_document,
            yaml.DocumentEndEvent: self.end_document,
        }
        text = strictness.with_stand_ins(self.source.text)
        self.has_stand_ins = text != self.source.text
        self.is_suspect = strictness.is_suspect(text)
        next_event = _LOADER(text).get_event
        scalar_event, scalar = yaml.ScalarEvent, self.scalar
        event = next_event()
        while (kind := type(event)) is not yaml.StreamEndEvent:
            if kind is scalar_event:
                scalar(event)
            elif handler := handlers.get(kind):
                handler(event)
            event = next_event()

    def refuse_tag_directives(self) -> None:
        """Without this, thousands of ``%TAG`` lines keep the parser busy for minutes."""
        text = self.source.text
        found = _TAG_DIRECTIVE.search(text) if "%TAG" in text else None
        if found is not None:
            line = len(Source("", text[: found.end()]).lines)
            self.report(
                "NIM0112", "tags are not part of the language", self.source.place(line, 1, 4), "remove it"
            )
            raise _CutError

    def begin_document(self, event: Any) -> None:
        self.document_count += 1
        if self.document_count > DOCUMENT_COUNT_MAX:
            message = f"more than {DOCUMENT_COUNT_MAX:,} documents in one file"
            self.cut("NIM0104", message, event, "split it into several files")
        self.reset()

    def reset(self) -> None:
        """Forget the document before: anchors and counts are a document's own."""
        self.frames: list[_Frame] = []
        self.root: Node | None = None
        self.anchors: dict[str, _Anchored] = {}
        self.node_count = 0
        self.damaged = False

    def end_document(self, _: Any) -> None:
        root = self.root
        empty = isinstance(root, Scalar) and not root.text and not root.quoted
        if root is not None and not empty:
            root.damaged = self.damaged
            self.roots.append(root)

    def scalar(self, event: Any) -> None:
        start, end = event.start_mark, event.end_mark
        line, column = start.line, start.column
        length = end.column - column if end.line == line else 0
        text = event.value
        quoted = bool(event.style)
        if self.has_stand_ins:
            text = strictness.joined(text) if event.style == '"' else strictness.restored(text)
        node = Scalar(self.source, line + 1, column + 1, text, text, quoted, length)
        if not quoted:
            if text in WORDS or text[:1] in NUMBER_STARTS:
                self.read(node)
            if not text.isascii():
                self.refuse_invisible(node)
        if self.is_suspect and (quoted or self.in_flow):
            self.refuse_oddities(node, event)
        if "${" in text and self.frames:
            self.frames[-1].templated = True
        if event.tag is not None:
            self.refuse_tag(event)
            node = LostScalar(self.source, line + 1, column + 1, text, text, quoted, length)
        if event.anchor is not None:
            self.anchors[event.anchor] = _Anchored(node, line + 1)
        self.node_count += 1
        if self.node_count > NODE_COUNT_MAX:
            self.count(0, event)
        self.attach(node)

    def read(self, node: Scalar) -> None:
        """Give a plain scalar that is more than text its value."""
        reading = read_plain(node.text)
        node.value = reading.value
        is_key = self.expects_key()
        if reading.code and not (is_key and node.text == "<<"):
            fix = f'quote it: "{shortened(node.text)}"' if is_key else reading.fix
            self.report(reading.code, reading.message, node.place, fix)

    @property
    def in_flow(self) -> bool:
        """Whether what comes stands inside brackets."""
        return bool(self.frames) and self.frames[-1].flow

    def refuse_invisible(self, node: Scalar) -> None:
        offset = misplaced(node.text)
        if offset >= 0:
            message, fix = message_and_fix(node.text[offset])
            last = self.source.lines[node.line - 1].find(node.text[offset], node.column - 1)
            place = self.source.place(node.line, last + 1) if last >= 0 else node.place
            self.report("NIM0106", message, place, fix)

    def refuse_oddities(self, node: Scalar, event: Any) -> None:
        """Report what the parser takes around a scalar although YAML does not."""
        lines, start, end = self.source.lines, event.start_mark, event.end_mark
        if event.style in ("|", ">"):
            self.refuse(start.line, strictness.of_block(lines[start.line], start.column))
        elif end.line < len(lines):  # nothing stands at the end of an unfinished text
            if self.in_flow:
                oddity = strictness.of_flow_scalar(lines[start.line], start.column, node.text, node.quoted)
                self.refuse(start.line, oddity)
            self.refuse(end.line, strictness.of_end(lines[end.line], end.column, self.in_flow))

    def refuse(self, line: int, oddity: strictness.Oddity | None) -> None:
        if oddity is not None:
            place = self.source.place(line + 1, oddity.column + 1)
            self.report("NIM0106", oddity.message, place, oddity.fix)

    def open_map(self, event: Any) -> None:
        mark = event.start_mark
        self.open(MapNode(self.source, mark.line + 1, mark.column + 1), event)

    def open_list(self, event: Any) -> None:
        mark = event.start_mark
        self.open(ListNode(self.source, mark.line + 1, mark.column + 1), event)

    def open(self, node: ListNode | MapNode, event: Any) -> None:
        if event.tag is not None:
            self.refuse_tag(event)
        if event.anchor is not None:
            self.anchors[event.anchor] = _Anchored(None, node.line)
        self.frames.append(
            _Frame(node, event.anchor, self.node_count, bool(event.flow_style) or self.in_flow)
        )
        if self.is_suspect and event.flow_style and event.anchor is None:
            self.refuse(
                node.line - 1, strictness.of_start(self.source.lines[node.line - 1], node.column - 1)
            )
        if len(self.frames) > DEPTH_MAX:
            self.cut_deep(event)
        self.node_count += 1
        if self.node_count > NODE_COUNT_MAX:
            self.count(0, event)

    def close(self, event: Any) -> None:
        frame = self.frames.pop()
        if self.is_suspect and frame.flow:
            end = event.end_mark
            self.refuse(end.line, strictness.of_end(self.source.lines[end.line], end.column, self.in_flow))
        node = frame.node
        if frame.anchor is not None:
            count = self.node_count - frame.before
            self.anchors[frame.anchor] = _Anchored(node, node.line, count, frame.height)
        node.templated = frame.templated
        if self.frames:
            around = self.frames[-1]
            around.templated = around.templated or frame.templated
            if around.height <= frame.height:
                around.height = frame.height + 1
        self.attach(node)

    def alias(self, event: Any) -> None:
        mark = event.start_mark
        found = self.anchors.get(event.anchor)
        place = self.source.place(mark.line + 1, mark.column + 1, len(event.anchor) + 1)
        name = shortened(event.anchor)
        if found is None or found.node is None:
            message = f"no anchor `&{name}` stands before this alias"
            if found is not None:
                message = f"the alias `*{name}` stands inside its own anchor (line {found.line})"
            self.report("NIM0108", message, place, f'write the value out, or quote the text: "*{name}"')
            self.count(1, event)
            length = len(name) + 1
            self.attach(LostScalar(self.source, mark.line + 1, mark.column + 1, None, "", False, length))
            return
        self.count(found.count, event)
        if len(self.frames) + found.height > DEPTH_MAX:
            self.cut_deep(event)
        if self.frames:
            self.frames[-1].templated = True
            if self.frames[-1].height <= found.height:
                self.frames[-1].height = found.height + 1
        self.attach(found.node)

    def expects_key(self) -> bool:
        return bool(self.frames) and self.frames[-1].key is None and type(self.frames[-1].node) is MapNode

    def attach(self, node: Node) -> None:
        if not self.frames:
            self.root = node
            return
        frame = self.frames[-1]
        holder = frame.node
        if isinstance(holder, ListNode):
            holder.items.append(node)
        elif frame.key is None:
            frame.key = node
        else:
            self.enter(holder, frame.key, node)
            frame.key = None

    def enter(self, holder: MapNode, key: Node, value: Node) -> None:
        if not isinstance(key, Scalar):
            self.report("NIM0115", "a list or map cannot be a key", key.place, "write a name")
            return
        name = key.text
        if not isinstance(key.value, str) or name == "<<":
            self.check_key(key)
            if name == "<<" and not key.quoted:
                return
        if name in holder.entries:
            lines = f"line {holder.keys[name].line} and again on line {key.line}"
            message = f"the key `{shortened(name)}` stands on {lines}"
            self.report("NIM0109", message, key.place, "keep one of them, or rename one")
            return
        holder.entries[name] = value
        holder.keys[name] = key

    def check_key(self, key: Scalar) -> None:
        """Report a merge key, and a key that is not text (unless its text was refused already)."""
        if key.text == "<<" and not key.quoted:
            message = "merge keys (`<<`) are not part of the language"
            self.report("NIM0111", message, key.place, 'write the entries out, or quote it: "<<"')
        elif not isinstance(key.value, str) and not read_plain(key.text).code:
            shown = f"`{shortened(key.text)}`" if key.text else "an empty key"
            fix = f'quote it: "{shortened(key.text)}"'
            self.report("NIM0115", f"{shown} is not text, and a key must be", key.place, fix)

    def refuse_tag(self, event: Any) -> None:
        mark = event.start_mark
        guess = negated(self.source.lines[mark.line], mark.column, self.in_flow)
        place = self.source.place(mark.line + 1, mark.column + 1, guess.length if guess else 1)
        tag = shortened(event.tag.replace("tag:yaml.org,2002:", "!!"))
        message = f"tags are not part of the language, found `{tag}`"
        fix = "remove the tag; quote the value where it is text"
        self.report("NIM0112", *((guess.message, place, guess.fix) if guess else (message, place, fix)))

    def count(self, nodes: int, event: Any) -> None:
        self.node_count += nodes
        if self.node_count > NODE_COUNT_MAX:
            what = "its aliases written out, " if self.anchors else ""
            message = f"{what}the document has more than {NODE_COUNT_MAX:,} values"
            self.cut("NIM0108", message, event, "split it, or use fewer aliases")

    def cut_deep(self, event: Any) -> None:
        message = f"lists and maps are nested more than {DEPTH_MAX} deep"
        self.cut("NIM0107", message, event, "name the inner parts and give them documents of their own")

    def cut(self, code: str, message: str, event: Any, fix: str) -> None:
        """Report and leave the rest of the file unread."""
        mark = event.start_mark
        self.report(code, message, self.source.place(mark.line + 1, mark.column + 1), fix)
        raise _CutError

    def report(self, code: str, message: str, place: Place, fix: str) -> None:
        self.damaged = True
        self.add(error(code, message, place, fix))

    def add(self, diagnostic: Diagnostic) -> None:
        if len(self.diagnostics) < DIAGNOSTIC_COUNT_MAX:
            self.diagnostics.append(diagnostic)
        else:
            self.hidden_count += 1
