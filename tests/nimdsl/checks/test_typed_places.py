"""NIM0304: a typed place without a value, and a value without a type where a quantity is wanted."""

from __future__ import annotations

import pytest

import nimdsl
from tests.nimdsl.checks.building import finds, leaves_alone
from tests.support.texts import cell

KINDS = {
    "int": "write a whole number, for example `3`",
    "real": "write a number, for example `0.5`",
    "bool": "write `true` or `false`",
    "string": 'write `""`',
    "duration": "write for example `200ms`, `5s` or `1.5min`",
    "share": "write for example `40%`",
    "lifeforce": "write for example `0.4`",
    "bytes": "write for example `64B`, `40GB` or `20GiB`",
    "list<int>": "write `[]`",
    "record": "write `{}`",
    "{k: int}": "write `{}`",
}
HEARING = "{initial: a, states: {a: {transitions: [{event: ping, to: b%s}]}, b: {final: true%s}}}"
PLACES = (
    (HEARING % ("", ", enter: [{set: {x: §}}]"), ""),
    (HEARING % ("", ""), "  initial: {x: §}\n"),
    (HEARING % ("", ""), "  tables: {t: {columns: {x: 'KIND'}, rows: [{x: §}]}}\n"),
    (HEARING % ("", ", enter: [{send: {to: c, event: ping, payload: {x: §}}}]"), ""),
)


def text(machine: str, rest: str, kind: str, accepts: str = "{x: 'KIND'}", stimulus: str = "") -> str:
    whole = f"  data: {{x: 'KIND'}}\n  accepts: {{ping: {accepts}}}\n{rest}"
    return cell(machine, whole, scenario=stimulus).replace("KIND", kind)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("number", range(len(PLACES)))
def test_a_typed_place_without_a_value(kind: str, number: int) -> None:
    machine, rest = PLACES[number]
    wanted = "record" if kind.startswith("{") else kind
    found = finds("NIM0304", text(machine, rest, kind).replace("§", "§null"))
    assert found.message == f"{wanted} wanted here, there is no value"
    empty = finds("NIM0304", text(machine, rest, kind))
    assert (empty.message, empty.fix) == (found.message, KINDS[kind])


def test_in_a_stimulus() -> None:
    stimulus = "  stimuli: [{at: 1s, to: c, event: ping, payload: {x: §null}}]\n"
    found = finds("NIM0304", text(HEARING % ("", ""), "", "int", stimulus=stimulus))
    assert found.message == "int wanted here, there is no value"


def test_a_record_without_declared_fields_may_hold_nothing() -> None:
    leaves_alone(text(HEARING % ("", ", enter: [{set: {x: {k: null}}}]"), "", "record"))


@pytest.mark.parametrize(
    ("kind", "value", "code", "message"),
    [
        ("real", "9007199254740993", "NIM0210", "(-9007199254740992 to 9007199254740992)"),
        ("real", "-9007199254740993", "NIM0210", "(-9007199254740992 to 9007199254740992)"),
        ("duration", "106752d", "NIM0207", "'106752d' is too large"),
        ("duration", "0.5ns", "NIM0207", "'0.5ns' is finer than the grid of 1ns"),
        ("share", "0.00001%", "NIM0207", "'0.00001%' is finer than the grid of 0.0001%"),
        ("lifeforce", "0.0000001", "NIM0207", "'0.0000001' is finer than the grid of 0.000001"),
        ("bytes", "0.1B", "NIM0207", "'0.1B' is finer than the grid of 1B"),
        ("bytes", "9300PB", "NIM0207", "'9300PB' is too large"),
        ("bytes", "20gib", "NIM0207", "a size with its unit wanted here"),
        ("bytes", "20 GIB", "NIM0207", "a size with its unit wanted here"),
        ("bytes", "20KB", "NIM0207", "a size with its unit wanted here"),
        ("bytes", "20Gi", "NIM0207", "a size with its unit wanted here"),
        ("bytes", "20G", "NIM0207", "a size with its unit wanted here"),
        ("bytes", "2048", "NIM0207", "a size with its unit wanted here"),
    ],
)
def test_a_value_out_of_its_range(kind: str, value: str, code: str, message: str) -> None:
    machine, rest = PLACES[1]
    found = finds(code, text(machine, rest, kind).replace("§", "§" + value))
    assert message in found.message
    written = found.fix.split("`")[1]
    leaves_alone(text(machine, rest, kind).replace("§", written))


LOOSE = (
    ("${event.r.secs + 2s}", "duration", "`event.r.secs` has no declared type, and never meets a duration"),
    ("${event.r.price * 50%}", "share", "`event.r.price` has no declared type, and never meets a share"),
    ("${event.r.k > 1s}", "bool", "`event.r.k` has no declared type, and never meets a duration"),
    (
        "${min(1LF, event.r.k)}",
        "lifeforce",
        "`event.r.k` has no declared type, and never meets a lifeforce",
    ),
    (
        "${true ? event.r.k : 1s}",
        "duration",
        "`event.r.k` has no declared type, and never meets a duration",
    ),
    ("${event.r.k}", "duration", "duration wanted here, this has no declared type and never is one"),
)


@pytest.mark.parametrize(("value", "kind", "message"), LOOSE)
def test_a_value_without_a_type_meets_a_quantity(value: str, kind: str, message: str) -> None:
    machine = HEARING % (", do: [{set: {x: VALUE}}]", "")
    report = nimdsl.check_text(
        text(machine.replace("VALUE", f'"{value}"'), "", kind, "{r: record}"), root="."
    )
    (found,) = report.diagnostics
    assert (found.code, found.message) == ("NIM0304", message)
    written = found.fix.split("`")[1]
    mended = text(machine.replace("VALUE", f'"{value}"'), "", kind, f"{{r: '{written}'}}")
    assert nimdsl.check_text(mended, root=".").program is not None
