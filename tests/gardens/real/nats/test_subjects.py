"""Subjects: every address has one, it names its address, and what is not ours stays what it is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gardens.real.nats import subjects as module
from gardens.real.nats.subjects import Subjects, word
from nimdsl.compile.garden import LOCAL_GARDEN
from nimdsl.program import Garden, RealGarden

RUN = "3f2a9c01d6e5"
TEMPLATES = [
    "{environment}.{garden}.{run}.{kind}.{name}",
    "{environment}.{run}.{name}.{kind}",
    "{environment}.{kind}.{run}.x-1.{name}.end",
    "{environment}.NAME.KIND.{run}.{kind}.{name}",
]


def subjects(template: str = TEMPLATES[0], name: str = "local") -> Subjects:
    garden = replace(LOCAL_GARDEN, name=name, real=RealGarden(actors=template))
    return Subjects(garden, RUN)


NAME = st.from_regex(r"[A-Za-z][A-Za-z0-9_.-]{0,8}", fullmatch=True) | st.sampled_from(
    ["KIND", "NAME", "a.b"]
)
KIND = st.sampled_from(["cell", "protocol", "economy", "asker", "control"])
THREAD = st.none() | st.integers(0, 10**15)


@given(st.sampled_from(TEMPLATES), NAME, st.lists(st.tuples(KIND, NAME, THREAD), min_size=1, max_size=8))
def test_a_subject_names_its_address(
    template: str, garden: str, actors: list[tuple[str, str, int | None]]
) -> None:
    ours, theirs = subjects(template, garden), subjects(template, garden)
    addresses = [f"{kind}/{name}" + ("" if t is None else f"/{t}") for kind, name, t in actors]
    known = [ours.subject(address) for address in addresses]
    assert [ours.address(subject) for subject in known] == addresses
    assert [theirs.address(subject) for subject in known] == addresses
    assert [theirs.subject(address) for address in addresses] == known
    assert len(set(known)) == len(set(addresses))


def test_the_shipped_template_reads_like_a_path() -> None:
    ours = subjects()
    assert ours.subject("cell/eye") == "dev.local.3f2a9c01.cell.eye"
    assert ours.subject("cell/e.y.e/17") == "dev.local.3f2a9c01.cell.e~y~e.17"
    assert ours.stream("cells") == "dev-local-3f2a9c01-cells"
    assert ours.journal("cells") == "dev.local.3f2a9c01.journal.cells"
    assert word("a.b.c") == "a~b~c"


@given(st.text("ab._~$*>-", min_size=1, max_size=12))
def test_what_is_none_of_this_run_stays_a_subject(text: str) -> None:
    ours = subjects()
    assert ours.address(text) == f"subject/{text}"
    assert ours.subject(f"subject/{text}") == text


@pytest.mark.parametrize(
    "subject",
    [
        "dev.local.3f2a9c02.cell.eye",
        "dev.local.3f2a9c01.cell",
        "dev.local.3f2a9c01.cell.eye.1.2",
        "dev.local.3f2a9c01.cell.eye.",
        "devxlocal.3f2a9c01.cell.eye",
        "x.dev.local.3f2a9c01.cell.eye",
    ],
)
def test_what_is_nearly_ours_is_not(subject: str) -> None:
    ours = subjects()
    assert ours.address(subject) == f"subject/{subject}"
    ours.subject("cell/eye")
    assert ours.address(subject) == f"subject/{subject}"


@pytest.mark.parametrize("address", ["", "cell"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="unpack"):
        subjects().subject(address)


def test_what_is_remembered_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KNOWN_COUNT_MAX", 10)
    ours = subjects()
    for number in range(1_000):
        assert ours.address(ours.subject(f"cell/{number}")) == f"cell/{number}"
        assert ours.address(ours.subject(f"cell/eye/{number}")) == f"cell/eye/{number}"
        assert ours.subject(f"subject/_INBOX.{number}") == f"_INBOX.{number}"
        assert len(ours._by_address) <= 10
        assert len(ours._by_subject) <= 10


def test_waves_go_by_layer_domain_and_signal() -> None:
    garden = Garden("g.1", LOCAL_GARDEN.epoch, LOCAL_GARDEN.bus, {}, real=RealGarden())
    ours = Subjects(garden, RUN)
    assert ours.wave("wave/sight.near", "cell/eye.left") == "dev.g~1.3f2a9c01.cell.sight~near.eye~left"
    assert ours.wave("wave/none", "") == "dev.g~1.3f2a9c01.none.none.none"
    assert ours.waves() == "dev.g~1.3f2a9c01.*.*.*"
