"""Machines: states, transitions, timers, events and work."""

# ruff: noqa: E501 -- documents stand on one line here

from __future__ import annotations

import pytest

import nimdsl
from nimdsl.base.diagnostics import Severity
from tests.nimdsl.checks.building import ECONOMY, cell, document, finds, leaves_alone, together

WORK = "accepts: {go: {}}\nwork: {read: {returns: {heat: real}}}"

READING = """
    initial: a
    states:
      a: {transitions: [{event: go, to: b}]}
      b:
        enter: [{work: read}]
        transitions: [{event: done, to: a}, {event: failed, to: a}]
"""


def test_an_unreachable_state_is_found() -> None:
    machine = """
        initial: a
        states:
          a: {transitions: [{event: go, to: b}]}
          b: {transitions: [{event: stop, to: a}]}
          §c: {transitions: [{event: stop, to: a}]}
    """
    finds("NIM0401", cell(machine))


def test_states_reached_through_a_timer_or_from_an_ancestor_are_left_alone() -> None:
    machine = """
        initial: a
        any: [{event: stop, to: c}]
        states:
          a: {timers: [{after: 1s, to: b}]}
          b:
            initial: inner
            transitions: [{event: go, to: a}]
            states: {inner: {timers: [{after: 1s, to: second}]}, second: {}}
          c: {final: true}
    """
    leaves_alone(cell(machine))


def test_a_state_without_exit_is_found() -> None:
    machine = """
        initial: a
        states:
          a: {transitions: [{event: go, to: b}, {event: stop, to: a}]}
          §b: {}
    """
    assert "final: true" in finds("NIM0402", cell(machine)).fix


def test_a_final_state_and_one_left_by_any_are_left_alone() -> None:
    leaves_alone(
        cell(
            "initial: a\nstates:\n  a: {transitions: [{event: go, to: b}, {event: stop, to: a}]}\n  b: {final: true}"
        )
    )
    leaves_alone(
        cell("initial: a\nany: [{event: stop, to: a}, {event: go, to: b}]\nstates:\n  a: {}\n  b: {}")
    )


def test_guards_that_can_all_be_false_are_found_with_a_witness() -> None:
    machine = READING.replace(
        "[{event: done, to: a}, ",
        """
          [{event: §done, if: event.heat < 0.2, to: a}, {event: done, if: event.heat > 0.2, to: a}, """,
    )
    assert "event.heat is 0.2" in finds("NIM0403", cell(machine, WORK)).message


def test_guards_that_cover_everything_are_left_alone() -> None:
    machine = READING.replace(
        "[{event: done, to: a}, ",
        """
          [{event: done, if: event.heat < 0.2, to: a}, {event: done, if: event.heat >= 0.2, to: a}, """,
    )
    leaves_alone(cell(machine, WORK))


def test_a_timer_or_an_event_that_comes_again_is_a_way_out() -> None:
    guarded = "[{event: done, if: event.heat < 0.2, to: a}, "
    timed = READING.replace("[{event: done, to: a}, ", guarded) + "        timers: [{after: 1s, to: a}]"
    leaves_alone(cell(timed, WORK))
    again = READING.replace("[{event: done, to: a}, ", guarded + "{event: go, to: a}, ")
    leaves_alone(cell(again, WORK))


def test_competing_transitions_are_found() -> None:
    machine = """
        initial: a
        states:
          a: {transitions: [{event: go, to: b}, {event: §go, to: a}]}
          b: {transitions: [{event: stop, to: a}]}
    """
    finds("NIM0404", cell(machine))


def test_a_guard_that_an_earlier_one_contains_is_found() -> None:
    machine = """
        initial: a
        states:
          a: {transitions: [{event: go, if: count > 1, to: a}, {event: §go, if: count > 3, to: a}, {event: go, to: a}]}
    """
    finds("NIM0404", cell(machine, "data: {count: int}\naccepts: {go: {}}"))


def test_transitions_that_guards_separate_are_left_alone() -> None:
    machine = """
        initial: a
        states:
          a: {transitions: [{event: go, if: count > 3, to: a}, {event: go, if: count > 1, to: a}, {event: go, to: a}]}
    """
    leaves_alone(cell(machine, "data: {count: int}\naccepts: {go: {}}"))


def test_a_transition_of_a_parent_on_the_same_event_is_left_alone() -> None:
    machine = """
        initial: a
        any: [{event: go, to: a}, {event: stop, to: a}]
        states:
          a: {transitions: [{event: go, to: b}]}
          b: {}
    """
    leaves_alone(cell(machine))


def test_a_transition_to_nowhere_is_found_with_the_likely_state() -> None:
    machine = """
        initial: idle
        states:
          idle: {transitions: [{event: go, to: §idel}, {event: stop, to: idle}]}
    """
    assert finds("NIM0405", cell(machine)).fix == "did you mean `idle`?"


def test_an_initial_state_that_is_not_there_is_found() -> None:
    finds(
        "NIM0405",
        cell("initial: §b\nstates:\n  a: {transitions: [{event: go, to: a}, {event: stop, to: a}]}"),
    )


def test_a_path_from_the_top_and_a_name_beside_are_left_alone() -> None:
    machine = """
        initial: x/b
        states:
          x:
            initial: a
            states:
              a: {transitions: [{event: go, to: b}]}
              b: {transitions: [{event: go, to: x/a}, {event: stop, to: x}]}
    """
    leaves_alone(cell(machine.replace("initial: x/b", "initial: x")))


def test_an_event_that_nobody_raises_is_found() -> None:
    machine = "initial: a\nstates:\n  a: {transitions: [{event: go, to: a}, {event: stop, to: a}, {event: §stopp, to: a}]}"
    assert finds("NIM0406", cell(machine)).fix == "did you mean `stop`?"


def test_events_of_work_of_the_cell_itself_and_of_refusals_are_left_alone() -> None:
    machine = """
        initial: a
        states:
          a: {transitions: [{event: go, to: b, cost: 1}, {event: refused, to: a}]}
          b:
            enter: [{work: read}, {raise: noted}]
            transitions: [{event: done, to: a}, {event: failed, to: a}, {event: noted, to: b}]
    """
    leaves_alone(ECONOMY, cell(machine, WORK))


def test_an_event_that_no_state_handles_is_found() -> None:
    machine = "initial: a\nstates:\n  a: {transitions: [{event: go, to: a}]}"
    assert "`stop`" in finds("NIM0407", cell(machine, "accepts: {go: {}, §stop: {}}")).message


def test_an_event_that_one_state_handles_is_left_alone() -> None:
    machine = "initial: a\nstates:\n  a: {transitions: [{event: go, to: b}]}\n  b: {transitions: [{event: stop, to: a}]}"
    leaves_alone(cell(machine))


def test_work_whose_failure_no_state_handles_is_found() -> None:
    wrong = WORK.replace("{read: {returns", "{§read: {returns")
    finds("NIM0408", cell(READING.replace(", {event: failed, to: a}", ""), wrong))


def test_work_whose_failure_has_a_name_of_its_own_is_left_alone() -> None:
    work = WORK.replace("{returns:", "{failed: broken, returns:")
    leaves_alone(cell(READING.replace("failed", "broken"), work))


def test_work_that_may_happen_once_needs_a_handler_for_unknown() -> None:
    once = WORK.replace("{returns:", "{repeat: at-most-once, returns:")
    finds("NIM0409", cell(READING, once.replace("{read: {", "{§read: {")))
    leaves_alone(
        cell(
            READING.replace("{event: failed, to: a}", "{event: failed, to: a}, {event: unknown, to: a}"),
            once,
        )
    )


def test_work_that_no_state_starts_is_found() -> None:
    finds(
        "NIM0407",
        cell(
            "initial: a\nstates:\n  a: {transitions: [{event: go, to: a}]}",
            WORK.replace("{read: {", "{§read: {"),
        ),
    )


def test_a_timer_that_can_be_refused_needs_another_way_out() -> None:
    machine = """
        initial: a
        states:
          a: {transitions: [{event: go, to: b}, {event: stop, to: a}]}
          b: {timers: [§{after: 1s, to: a, cost: 1}]}
    """
    finds("NIM0410", ECONOMY, cell(machine))
    leaves_alone(
        ECONOMY,
        cell(
            machine.replace(
                "§{after: 1s, to: a, cost: 1}", "{after: 1s, to: a, cost: 1}, {after: 2s, to: a}"
            )
        ),
    )
    leaves_alone(ECONOMY, cell(machine.replace("§{after: 1s, to: a, cost: 1}", "{after: 1s, to: a}")))


def test_a_price_on_refused_is_found() -> None:
    machine = """
        initial: a
        states:
          a: {transitions: [{event: go, to: a, cost: 1}, {event: stop, to: a}, {event: refused, to: a, cost: §2}]}
    """
    finds("NIM0411", ECONOMY, cell(machine))
    leaves_alone(ECONOMY, cell(machine.replace(", cost: §2", "")))


def test_an_event_sent_to_a_cell_that_does_not_accept_it_is_found() -> None:
    sender = cell(
        "initial: a\nstates:\n  a: {transitions: [{event: go, to: a, do: [{send: {to: other, event: §halt}}]}, {event: stop, to: a}]}"
    )
    other = cell(
        "initial: a\nstates:\n  a: {transitions: [{event: stop, to: a}, {event: go, to: a}]}", name="other"
    )
    finds("NIM0301", sender, other)
    leaves_alone(sender.replace("§halt", "stop"), other)


def test_a_cell_that_costs_needs_one_who_pays() -> None:
    machine = "initial: a\nstates:\n  a: {transitions: [{event: go, to: a, cost: 1}, {event: stop, to: a}]}"
    scenario = document("Scenario", "{}", "§run")
    finds("NIM0505", cell(machine), scenario)
    leaves_alone(cell(machine), ECONOMY, scenario.replace("§", ""))


def test_nobody_is_asked_for_an_economy_while_the_only_one_is_wrong() -> None:
    machine = "initial: a\nstates:\n  a: {transitions: [{event: go, to: a, cost: 1}, {event: stop, to: a}]}"
    wrong = document("Economy", "{opening: 1, floor: §2}", "purse")
    finds("NIM0506", cell(machine), wrong, document("Scenario", "{}", "run"))


@pytest.mark.parametrize(
    ("guard", "fix"),
    [
        ('state == "drak/deep"', "did you mean `dark/deep`?"),
        ('"dark" != state', "known: `dark/deep`, `dark/deeper`"),
        ('state in ["bright", "gone"]', "known: `bright`, `dark/deep`, `dark/deeper`"),
    ],
)
def test_a_state_that_the_cell_compares_itself_with_is_one_of_its_own(guard: str, fix: str) -> None:
    machine = f"""
    initial: dark
    any: [{{event: go, if: §'{guard}', to: bright}}]
    states:
      dark:
        initial: deep
        states: {{deep: {{}}, deeper: {{timers: [{{after: 1s, to: dark}}]}}}}
        transitions: [{{event: stop, to: dark/deeper}}]
      bright: {{transitions: [{{event: stop, to: dark}}]}}
    """
    assert finds("NIM0405", cell(machine)).fix == fix


DOCKING = """
    initial: away
    states:
      away: {transitions: [{event: dock, to: docked}]}
      docked:
        enter: [{work: plug}]
        initial: queueing
        transitions: [{event: stop, to: paused}, {event: failed, to: away}]
        states:
          queueing: {transitions: [{event: plugged, to: filling}]}
          filling: {upkeep: 0.1, timers: [{after: 1h, to: away}]}
      paused: {transitions: [{event: go, to: docked, history: true}]}
"""


def test_units_are_asked_for_anew_where_a_state_is_come_back_to() -> None:
    """A robot that comes back to filling has no charger."""
    work = "accepts: {dock: {}, stop: {}, go: {}}\nwork: {plug: {acquire: {resource: chargers}, timeout: 1h, done: plugged}}"
    chargers = document("Resource", "{capacity: 1}", "chargers")
    (found,) = nimdsl.check_text(together(chargers, cell(DOCKING, work))).diagnostics
    assert (found.code, found.severity) == ("NIM0417", Severity.WARNING)
    assert found.message.startswith("back in `docked/filling`, `plug` begins anew")
    assert "history: true" in (found.place.excerpt or "")
    taken = DOCKING.replace(
        "{upkeep: 0.1, timers", "{transitions: [{event: plugged, internal: true}], timers"
    )
    leaves_alone(chargers, cell(taken, work))
