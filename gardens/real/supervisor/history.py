"""A run that is over, or was: what its journal tells of it."""

from __future__ import annotations

from gardens.real.supervisor.plan import Plan
from gardens.stores.memory import MemoryJournal
from runtime.kernel.interpreters import PlainInterpreter
from runtime.ports.journal import Journal
from runtime.run.host import Host
from runtime.run.lines import Noticed, entries_in, latest_ns, processes_in, readable
from runtime.run.run import Incident, Run, Stopped, actors_of, books_of, kernel_of


def run_of(plan: Plan, journal: Journal, run_id: str, epoch: str, stopped: Stopped) -> Run:
    """The run that a journal tells of; it may have ended in the middle of anything."""
    program, scenario = plan.program, plan.scenario
    hosts: dict[str, Host] = {}
    times: dict[str, int] = {}
    for actor in actors_of(program, scenario):
        kernel = kernel_of(actor, PlainInterpreter(actor.table), program, scenario, epoch)
        host = Host(kernel, MemoryJournal())
        entries = list(readable(journal, actor.id))
        host.restore(entries)
        hosts[actor.id] = host
        times[actor.id] = latest_ns(entries)
    books = books_of(program, scenario, epoch, entries_in(journal))
    ended_ns = times[scenario.ends_with] if stopped == "final" else max(times.values(), default=0)
    if stopped == "horizon":
        ended_ns = scenario.horizon_ns
    incidents = tuple(incidents_in(journal))
    rate = plan.garden.rate
    return Run(run_id, hosts, books, ended_ns, stopped, incidents, epoch=epoch, rate=rate)


def incidents_in(journal: Journal) -> list[Incident]:
    """What the processes of a garden noticed, by time."""
    found = [
        Incident(line.time_ns, line.actor, line.what)
        for _, line in processes_in(journal)
        if isinstance(line, Noticed)
    ]
    return sorted(found, key=lambda incident: (incident.time_ns, incident.actor))
