"""Reads a well-formed expression by recursive descent, many times as fast as the grammar does.

``grammar.lark`` is the law: whatever this reader does not take (a mistake, or very many parentheses) it
leaves to the grammar, which explains it.  That both read the same is a property test.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_TOKEN = re.compile(
    r"""[ \t\f\r\n]*(?:
      (?P<QUANTITY>[0-9]+(?:\.[0-9]+)?(?:ns|us|ms|s|min|h|d|LF|%|[kMGTP]?B|[KMGTP]iB)(?![A-Za-z0-9_]))
    | (?P<REAL>[0-9]+\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+)
    | (?P<INT>[0-9]+)
    | (?P<NAME>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<STRING>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
    | (?P<SIGN>\|\||&&|==|!=|<=|>=|[-+*/!<>?:.,\[\](){}])
    )""",
    re.VERBOSE,
)
_BLANK = re.compile(r"[ \t\f\r\n]*")
_COMPARE = ("==", "!=", "<=", ">=", "<", ">", "in")
_OPEN_MAX = 30
"""Conditionals in one another: more are left to the grammar, whose parser does not recurse."""


class Untaken(Exception):  # noqa: N818
    """The grammar must read this text."""


class Token(NamedTuple):
    """A word of the text: a leaf of the tree, or a sign."""

    type: str
    text: str
    start: int
    end: int


class Tree(NamedTuple):
    """A rule of the grammar and what it found, parentheses left out; where it begins and ends."""

    rule: str
    children: tuple[Tree | Token, ...]
    start: int
    end: int


class _Part(NamedTuple):
    """A tree, and where it begins and ends with the parentheses around it."""

    item: Tree | Token
    start: int
    end: int


def read(text: str) -> Tree | Token:
    """The tree of ``text``.  Raises Untaken."""
    reader = _Reader(_tokens(text))
    part = reader.conditional()
    if reader.type != "END":
        raise Untaken
    return part.item


def _tokens(text: str) -> list[Token]:
    found, position = [], 0
    while match := _TOKEN.match(text, position):
        kind = str(match.lastgroup)
        word = match[kind]
        position = match.end()
        if kind == "SIGN" or word == "in":
            kind = word
        found.append(Token(kind, word, position - len(word), position))
    blank = _BLANK.match(text, position)
    if blank is None or blank.end() != len(text):
        raise Untaken
    return [*found, Token("END", "", len(text), len(text))]


class _Reader:
    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.position = 0
        self.type = tokens[0].type
        """Of the next token."""
        self.open = 0

    def take(self, wanted: str = "") -> Token:
        token = self.tokens[self.position]
        if (wanted and token.type != wanted) or token.type == "END":
            raise Untaken
        self.position += 1
        self.type = self.tokens[self.position].type
        return token

    def conditional(self) -> _Part:
        self.open += 1
        if self.open > _OPEN_MAX:
            raise Untaken
        part = self._chain(0)
        if self.type == "?":
            self.take()
            yes = self._chain(0)
            self.take(":")
            no = self.conditional()
            part = _spanning("conditional", part.start, no.end, part.item, yes.item, no.item)
        self.open -= 1
        return part

    def _chain(self, level: int) -> _Part:
        """Operators of one level, from left to right; of comparisons there is one."""
        if level == len(_LEVELS):
            return self._unary()
        left = self._chain(level + 1)
        operators = _LEVELS[level]
        while self.type in operators:
            sign = self.take()
            right = self._chain(level + 1)
            operator = Token("OPERATOR", sign.text, sign.start, sign.end)
            left = _spanning("binary", left.start, right.end, left.item, operator, right.item)
            if operators is _COMPARE:
                break
        return left

    def _unary(self) -> _Part:
        signs: list[Token] = []
        while self.type in ("-", "!"):
            signs.append(self.take())
        part = self._postfix()
        for sign in reversed(signs):
            operator = Token("OPERATOR", sign.text, sign.start, sign.end)
            part = _spanning("unary", sign.start, part.end, operator, part.item)
        return part

    def _postfix(self) -> _Part:
        part = self._atom()
        while self.type in (".", "["):
            if self.take().text == "[":
                index = self.conditional()
                part = _spanning("index", part.start, self.take("]").end, part.item, index.item)
                continue
            name = self.take("NAME")
            if self.type == "(":
                arguments, end = self._arguments(")")
                part = _spanning("method", part.start, end, part.item, name, *arguments)
            else:
                part = _spanning("field", part.start, name.end, part.item, name)
        return part

    def _arguments(self, closing: str) -> tuple[list[Tree | Token], int]:
        """What stands between brackets, of which the opening one is next; and where they end."""
        self.take()
        found: list[Tree | Token] = []
        while self.type != closing:
            if found:
                self.take(",")
            found.append(self.conditional().item)
        return found, self.take().end

    def _atom(self) -> _Part:
        token = self.tokens[self.position]
        if token.type == "[":
            items, end = self._arguments("]")
            return _spanning("list", token.start, end, *items)
        if token.type == "{":
            return self._record()
        self.take()
        if token.type == "(":
            inner = self.conditional()
            end = self.take(")").end
            return inner if isinstance(inner.item, Token) else _Part(inner.item, token.start, end)
        if token.type == "NAME" and self.type == "(":
            arguments, end = self._arguments(")")
            return _spanning("call", token.start, end, token, *arguments)
        if token.type not in _LEAVES:
            raise Untaken
        return _Part(token, token.start, token.end)

    def _record(self) -> _Part:
        start, fields = self.take().start, list[Tree | Token]()
        while self.type != "}":
            if fields:
                self.take(",")
            fields.append(self.take("STRING"))
            self.take(":")
            fields.append(self.conditional().item)
        return _spanning("record", start, self.take().end, *fields)


_LEVELS = (("||",), ("&&",), _COMPARE, ("+", "-"), ("*", "/"))
_LEAVES = ("QUANTITY", "REAL", "INT", "STRING", "NAME")


def _spanning(rule: str, start: int, end: int, *children: Tree | Token) -> _Part:
    return _Part(Tree(rule, children, start, end), start, end)
