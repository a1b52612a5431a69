"""The page of a run of cells: states, data, waiting times, use of time, families; and all of it as CSV."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

import pytest

import nimdsl
from gardens.report import palette
from gardens.report.html.actors import LEGEND_COUNT_MAX
from gardens.report.html.downloads import csv_text
from gardens.report.html.page import page
from gardens.report.observe.density import Density
from gardens.report.observe.doings import Doings, families
from gardens.report.observe.slices import SLICE_COUNT_MAX, Slice, Track
from gardens.report.observe.tracks import STATES
from gardens.report.observe.view import View
from gardens.report.observe.watch import FOLLOWED_COUNT_MAX, Watch, view_of
from nimdsl.program import Program
from simulate import run
from tests.gardens.report.test_page import SUMMARY, Reader

GARDEN = """
apiVersion: nimdsl.dev/v1
kind: Economy
metadata: {name: sun}
spec: {opening: 10, incomes: {sun: 0.1}}
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: "robot-${k}"}
spec:
  for: {k: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]}
  data: {count: int, spent: lifeforce}
  machine:
    initial: waiting
    states:
      waiting: {timers: [{after: 1s, to: walking}]}
      walking:
        enter: [{work: step}]
        transitions:
          - {event: stepped, to: resting, do: [{set: {count: "${count + 1}", spent: "${spent + 0.5LF}"}}]}
          - {event: failed, to: resting}
      resting: {timers: [{after: 1s, to: walking}]}
  work:
    step: {returns: {}, done: stepped, virtual: {latency: {constant: 500ms}}}
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: "lamp-${room}"}
spec:
  for: {room: [hall, house]}
  data: {}
  machine:
    initial: dark
    states:
      dark: {timers: [{after: 3s, to: lit}]}
      lit: {timers: [{after: 1s, to: dark}]}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: long}
spec: {horizon: 4min}
"""


@pytest.fixture(scope="module")
def program() -> Program:
    return nimdsl.load_text(GARDEN)


@pytest.fixture(scope="module")
def view(program: Program) -> View:
    result = run(program, "long")
    return view_of(result.program, result.scenario, result.run)


@pytest.fixture(scope="module")
def text(view: View) -> str:
    return page(view, {**SUMMARY, "duration_s": 240.0})


def saved(text: str, name: str) -> list[dict[str, str]]:
    """The rows of a CSV on the page."""
    found = re.search(rf'download="{name}\.csv" href="data:text/csv;charset=utf-8,([^"]*)"', text)
    assert found, name
    return list(csv.DictReader(io.StringIO(unquote(found[1]))))


def section(text: str, anchor: str) -> str:
    start = text.index(f'<section id="{anchor}"')
    return text[start : text.index("</section>", start)]


def test_the_page_is_whole(text: str) -> None:
    read = Reader(text)
    assert not read.wrong
    assert not read.open
    assert not read.unnamed
    assert all(one.startswith(("#", "data:")) for one in read.addresses)


def test_a_large_family_is_one_row_and_its_members_are_folded_in_their_order(text: str) -> None:
    drawn = section(text, "actors")
    whole, folded = drawn.split("<details>")
    assert "robot-*, all 13 together: resting " in whole
    assert "robot-1<" not in whole
    assert "lamp-hall<" in whole
    names = re.findall(r"<b>(robot-\d+)</b>", folded)
    assert names == [f"robot-{n}" for n in range(1, 14)]
    for anchor in ("data", "waiting", "usage"):
        assert section(text, anchor).count("<details>") == 1


def test_families_are_those_of_documents(view: View) -> None:
    assert {one.family for one in view.doings} == {"lamp-*", "robot-*"}


@pytest.mark.parametrize(
    ("names", "pattern"),
    [
        (["robot-1", "robot-10", "robot-11"], "robot-*"),
        (["robot-10", "robot-20"], "robot-*"),
        (["lamp-hall", "lamp-house"], "lamp-*"),
        (["lamp-hall-left", "lamp-attic-left"], "lamp-*-left"),
        (["wheel1", "wheel12"], "wheel*"),
    ],
)
def test_a_family_is_called_as_its_names_are_in_whole_parts(names: list[str], pattern: str) -> None:
    lamp = nimdsl.load_text(GARDEN).cells["lamp-hall"]
    members = [replace(lamp, name=name) for name in names]
    assert families(members) == {f"cell/{name}": pattern for name in names}
    assert families(members[:1]) == {}


def test_many_stays_are_drawn_to_the_end(view: View, text: str) -> None:
    robot = next(one for one in view.doings if one.name == "robot-2")
    (track,) = robot.tracks
    assert not track.slices
    assert sum(time_ns for time_ns, _ in track.totals.values()) == view.time_ns
    found = re.search(r'id="stays">(.*?)</script>', text)
    assert found
    for row in json.loads(found[1])["rows"]:
        last = max(map(int, row["columns"]))
        assert (last + 1) * row["width"] >= row["end"] == 240


def test_the_legend_names_each_state_but_the_first_ones(text: str) -> None:
    legend = Reader(section(text, "actors").split("</ul>")[0]).text
    assert legend.startswith("Who did what lit resting walking blank: in its first state")
    assert "failed" not in legend


def test_more_states_than_colours_have_deeper_ones() -> None:
    names = [f"state {n:02d}" for n in range(LEGEND_COUNT_MAX + 3)]
    slices = tuple(Slice(n, n + 1, name) for n, name in enumerate(names))
    track = Track(
        "cell/a", STATES, "", slices, Density(1, {n: {one: (1, 1)} for n, one in enumerate(names)})
    )
    read = Reader(page(View(time_ns=99, doings=(Doings("cell/a", "", (track,)),)), SUMMARY))
    assert "and 3 states in the same colours" in read.text
    assert len(set(palette.SLICES)) == len(palette.SLICES) == LEGEND_COUNT_MAX // 2


def test_the_busiest_cells_are_below_three_megabytes() -> None:
    """As many as are followed, each with as many stays as are kept one by one."""
    names = [f"state {n}" for n in range(4)]
    slices = tuple(Slice(n, n + 1, names[n % 4]) for n in range(SLICE_COUNT_MAX))
    bins = Density(1, {piece.from_ns: {piece.name: (1, 1)} for piece in slices})
    doings = [
        Doings(f"cell/robot-{n}", "robot-*", (Track(f"cell/robot-{n}", STATES, "off", slices, bins),))
        for n in range(FOLLOWED_COUNT_MAX)
    ]
    text = page(View(time_ns=SLICE_COUNT_MAX, doings=tuple(doings)), SUMMARY)
    assert len(text.encode()) < 3_000_000
    assert text.count("<svg") == FOLLOWED_COUNT_MAX + 1


def test_time_of_states_in_the_file_is_that_of_the_run(text: str) -> None:
    times: dict[tuple[str, str], float] = {}
    for row in saved(text, "states"):
        key = row["actor"], row["state"]
        times[key] = times.get(key, 0) + float(row["time_s"])
    used = {(row["actor"], row["state"]): float(row["time_s"]) for row in saved(text, "use-of-time")}
    for key, time_s in times.items():
        assert time_s == pytest.approx(used[key])
    assert sum(time_s for (actor, _), time_s in times.items() if actor == "cell/robot-1") == pytest.approx(
        240
    )
    assert used["cell/robot-1", "work under way"] == pytest.approx(used["cell/robot-1", "walking"])


def test_waiting_times_are_of_the_work(text: str) -> None:
    rows = saved(text, "waiting")
    assert len(rows) == 13
    for row in rows:
        assert (row["kind"], row["name"], row["given_up"]) == ("work", "step", "0")
        assert int(row["count"]) + int(row["under_way"]) == int(row["begun"]) == 160
        assert {row[one] for one in ("mean_s", "p50_s", "p95_s", "max_s")} == {"0.5"}


def test_curves_have_units_and_end_as_the_cell_did(program: Program, text: str) -> None:
    spent = saved(text, "robot-3-spent")
    assert list(spent[0]) == ["time_s", "spent (LF)"]
    ended: Any = run(program, "long").cells["robot-3"]
    assert float(spent[-1]["spent (LF)"]) == ended["data"]["spent"]
    assert "robot-3, count: from 0 to " in text
    assert "lamp-hall ·" not in text


def test_looking_on_is_the_same_as_afterwards(program: Program, view: View) -> None:
    watches = []

    def look(known: Program, found: Any) -> Watch:
        watches.append(Watch(known, found))
        return watches[0]

    result = run(program, "long", look=look, keep=False)
    assert watches[0].close(result.run) == view


def test_holds_are_drawn_beside_the_pool() -> None:
    result = run(nimdsl.load(), "spark")
    seen = view_of(result.program, result.scenario, result.run)
    text = page(seen, result.summary)
    assert "dotted: reserved in holds" in text
    rows = saved(text, "balance")
    assert {row["account"] for row in rows} == {"pool", "holds"}
    assert max(float(row["LF"]) for row in rows if row["account"] == "holds") > 0


def test_what_a_spreadsheet_would_compute_is_text_and_what_cannot_be_seen_is_written_out() -> None:
    written = csv_text(("a", "b"), [('=HYPERLINK("x")', -1.5), ("a,\u202eb\n", None), ("-x", 2)])
    assert written == 'a,b\n"\'=HYPERLINK(""x"")",-1.5\n"a,\\u202eb\n",\n\'-x,2\n'


def test_names_of_states_are_no_markup(view: View) -> None:
    evil = "</script><b title='y'>\u202e"
    track = Track("cell/a", STATES, "", (), Density(10**9, {0: {evil: (5, 1)}}))
    seen = replace(view, doings=(Doings("cell/a", evil, (track,)),), lifeforce=None)
    text = page(seen, SUMMARY)
    assert not Reader(text).wrong
    assert "<b title='y'" not in text
    assert "\u202e" not in text
