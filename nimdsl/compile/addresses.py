"""Compiles addresses: a name, the members of a family, or whoever sent the event at hand.

Whom an address can reach is known before anything runs, so each of them is checked for what it is sent.
How an address fits the name of a family is in :mod:`nimdsl.compile.families`.
"""

from __future__ import annotations

from dataclasses import dataclass

from nimdsl.base.suggest import phrase
from nimdsl.compile.documents import Document
from nimdsl.compile.families import Fixed, Match, families_of, is_open, matches
from nimdsl.compile.reader import Reader
from nimdsl.compile.syntax_mistakes import said_of_syntax
from nimdsl.expression.check import Scope
from nimdsl.expression.syntax import Name, SyntaxMistake
from nimdsl.expression.template import parse_template
from nimdsl.expression.types import accepts
from nimdsl.program.address import EVERY, Address, FamilyAddress, Member, OriginAddress
from nimdsl.program.expression import Expression

ORIGIN = "origin"
"""The name that stands for who sent the event at hand."""
_NOTHING = Scope({})


@dataclass(frozen=True)
class Addressed:
    """An address, and the documents that it can reach (none for ``origin``)."""

    address: Address
    reached: tuple[Document, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the documents that it can reach."""
        return tuple(one.name for one in self.reached)


def compile_address(reader: Reader, key: str, kind: str, scope: Scope = _NOTHING) -> Addressed | None:
    """The address at ``key``; None, and reported, where it is wrong.

    Without a ``scope`` nothing can be computed: names and ``*`` are all that there is.
    """
    text = reader.text(key)
    if not is_open(text):
        return _named(reader, key, kind)
    if ORIGIN in scope.names and _is_origin(text):
        return Addressed(OriginAddress(), ())
    match = _match(reader, key, kind, text)
    holes = _holes(reader, key, match, scope) if match else None
    if match is None or holes is None:
        return None
    open_ = [number for number, one in enumerate(match.holes) if not isinstance(one, Fixed)]
    prefix = kind.lower()
    members = tuple(
        Member(f"{prefix}/{one.document.name}", tuple(one.values[number] for number in open_))
        for one in match.instances
    )
    reached = tuple(one.document for one in match.instances)
    _poison(reader, reached)
    return Addressed(FamilyAddress(f"{prefix}/{_pattern(match)}", holes, members), reached)


def _is_origin(text: str) -> bool:
    try:
        return parse_template(text) == Name(ORIGIN)
    except SyntaxMistake:
        return False


def _named(reader: Reader, key: str, kind: str) -> Addressed | None:
    """A name that is written out; that of a family alone names nobody."""
    name, documents = reader.text(key), reader.findings.documents
    if name not in documents.of(kind) and not documents.damaged:
        for family in families_of(documents, kind):
            if family.literals[0].rstrip("-_.") == name:
                star = EVERY.join(family.literals)
                message = f"`{name}` is a family: `{family.name}` has {len(family.instances)} members"
                fix = f"write one of them, `{family.instances[0].document.name}` for example, or `{star}`"
                reader.findings.report("NIM0301", message, reader.place(key), fix)
                return None
    found = reader.reference(key, kind)
    document = documents.get(kind, found) if found else None
    return Addressed(f"{kind.lower()}/{name}", (document,)) if document else None


def _match(reader: Reader, key: str, kind: str, text: str) -> Match | None:
    documents, place = reader.findings.documents, reader.place(key)
    families = families_of(documents, kind)
    try:
        found = matches(families, text)
    except SyntaxMistake as mistake:
        node = reader.scalar(key)
        said = (mistake.message, place, mistake.fix) if node is None else said_of_syntax(node, mistake)
        reader.findings.report("NIM0302", *said)
        return None
    if len(found) == 1:
        return found[0]
    if found:
        both = " and ".join(f"`{name}`" for name in dict.fromkeys(one.family.name for one in found[:2]))
        message = (
            f"`{text}` fits {both}"
            if found[0].family is not found[1].family
            else (f"`{text}` fits {both} in two ways")
        )
        reader.findings.report("NIM0308", message, place, "give one of them another name")
    elif documents.damaged:
        reader.findings.poisoned = True
    else:
        known = [EVERY.join(family.literals) for family in families]
        names = {one.name for one in documents.of(kind).values() if not one.variables}
        fix = phrase(text, known) if known else phrase(text, names) or f"no {kind} has a `for`"
        message = f"`{text}` fits the name of no family of {kind} documents"
        reader.findings.report("NIM0308", message, place, fix)
    return None


def _holes(reader: Reader, key: str, match: Match, scope: Scope) -> tuple[Expression | str, ...] | None:
    """What stands in the open holes; None, and reported, where an expression is wrong."""
    holes: list[Expression | str] = []
    wrong = False
    for filled, wanted in zip(match.holes, match.family.types, strict=True):
        if isinstance(filled, Fixed):
            continue
        if isinstance(filled, str):
            holes.append(filled)
            continue
        found = reader.checked(key, filled, scope)
        if found is not None and not accepts(wanted, found.type):
            message = f"{wanted} stands in this place of `{match.family.name}`, this is {found.type}"
            reader.findings.report("NIM0304", message, reader.place(key))
            wrong = True
        wrong = wrong or found is None
        holes += [] if found is None else [found]
    return None if wrong else tuple(holes)


def _pattern(match: Match) -> str:
    """The name with a NUL in each open hole."""
    parts = [match.family.literals[0]]
    for filled, literal in zip(match.holes, match.family.literals[1:], strict=True):
        parts += [filled.text if isinstance(filled, Fixed) else "\0", literal]
    return "".join(parts)


def _poison(reader: Reader, reached: tuple[Document, ...]) -> None:
    if any(one.broken for one in reached):
        reader.findings.poisoned = True


def expanded(reader: Reader, key: str, kind: str) -> list[str]:
    """The names in the list at ``key``, in which ``*`` stands for every member of a family."""
    found: list[str] = []
    for item in reader.scalars(key):
        addressed = compile_address(item, key, kind)
        found += addressed.names if addressed else ()
    return list(dict.fromkeys(found))
