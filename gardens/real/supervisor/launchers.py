"""How the processes of a garden are started: as processes, or as tasks of this one for experiments."""

from __future__ import annotations

import asyncio
import pickle
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from gardens.real.clock import Origin
from gardens.real.process.job import Job
from gardens.real.process.node import GardenNode, framed
from gardens.real.supervisor.processes import Child, Family, ProcessCommand, Restart
from gardens.real.supervisor.server import Server
from gardens.real.supervisor.state import StateFolder
from nimdsl.base.canonical import Plain
from nimdsl.base.errors import TemporaryPortError
from nimdsl.base.units import SECOND_NS
from nimdsl.program import Garden, Group

EMBEDDED = "embedded"


class ProcessLauncher:
    """Children of this process, which die with it; ``told`` hears what becomes of them."""

    def __init__(self, garden: Garden, state: StateFolder, told: Callable[[str, str], None]) -> None:
        real = garden.real
        assert real is not None
        self._real = real
        self._state = state
        restart = Restart(
            delay_s=real.restart_delay_ns / SECOND_NS,
            delay_max_s=real.restart_delay_max_ns / SECOND_NS,
            limit=real.restart_limit,
        )
        self.family = Family(restart, lambda child, what: told(child.name, what))
        self._program: bytes | None = None
        self.origin: Callable[[], Origin | None] = lambda: None
        self.paused: Callable[[], bool] = lambda: False

    async def server(self) -> str:
        """See :class:`gardens.real.supervisor.plan.Launcher`."""
        if self._real.server != EMBEDDED:
            return self._real.server
        server = Server(self._state.store, self._real.port)
        await self.family.start(server.command(), server.ready)
        return server.url

    async def start(self, job: Job, ready: Callable[[], Any]) -> None:
        """See :class:`gardens.real.supervisor.plan.Launcher`."""
        if self._program is None:
            self._program = pickle.dumps(replace(job.program, documents=None))
        program = self._program

        def told(start: int) -> bytes:
            return framed(program) + framed(
                replace(job, start=start - 1, origin=self.origin()).without_program()
            )

        command = (sys.executable, "-m", "gardens.real.process.node")
        log = self._state.logs / f"{job.name}.log"
        await self.family.start(ProcessCommand(job.name, command, {}, told, log), ready)

    async def run(self, group: Group, environment: Mapping[str, str], ready: Callable[[], Any]) -> None:
        """See :class:`gardens.real.supervisor.plan.Launcher`."""
        log = self._state.logs / f"{group.name}.log"
        await self.family.start(ProcessCommand(group.name, group.command, environment, b"", log), ready)

    async def stop(self, name: str) -> None:
        """See :class:`gardens.real.supervisor.plan.Launcher`."""
        if any(
            child.name == name and child.state in ("running", "waiting") for child in self.family.children()
        ):
            await self.family.stop(name)

    async def stop_all(self) -> None:
        """See :class:`gardens.real.supervisor.plan.Launcher`."""
        await self.family.stop_all()

    async def given_up(self) -> str:
        """See :class:`gardens.real.supervisor.plan.Launcher`."""
        child: Child = await self.family.given_up()
        log = self._state.logs / f"{child.name}.log"
        return f"{child.name} was given up after {child.starts} starts; its log is {log}"

    def seen(self) -> list[dict[str, Plain]]:
        """See :class:`gardens.real.supervisor.plan.Launcher`."""
        return [
            {"name": child.name, "pid": child.pid, "state": child.state, "starts": child.starts}
            for child in self.family.children()
        ]


class TaskLauncher:
    """Tasks of this event loop, each with connections of its own, on a server that runs already."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.origin: Callable[[], Origin | None] = lambda: None
        self.paused: Callable[[], bool] = lambda: False
        self._jobs: dict[str, Job] = {}
        self._nodes: dict[str, GardenNode] = {}

    async def server(self) -> str:
        """See :class:`gardens.real.supervisor.plan.Launcher`."""
        return self._url

    async def start(self, job: Job, ready: Callable[[], Any]) -> None:
        """See :class:`gardens.real.supervisor.plan.Launcher`."""
        self._jobs[job.name] = job
        self._nodes[job.name] = node = GardenNode(job)
        await node.start()
        await ready()

    async def run(self, group: Group, environment: Mapping[str, str], ready: Callable[[], Any]) -> None:  # noqa: ARG002
        """Programs need processes."""
        raise TemporaryPortError(f"the group {group.name} is a program of its own: it needs processes")

    async def crash(self, name: str) -> None:
        """Ends a node without a word, and starts it again from its journal."""
        await self._nodes.pop(name).vanish()
        again = self._jobs[name].start + 1
        job = replace(self._jobs[name], start=again, origin=self.origin(), paused=self.paused())
        self._jobs[name] = job
        self._nodes[name] = node = GardenNode(job)
        await node.start()

    async def stop(self, name: str) -> None:
        """See :class:`gardens.real.supervisor.plan.Launcher`."""
        node = self._nodes.pop(name, None)
        if node is not None:
            await node.finish()

    async def stop_all(self) -> None:
        """See :class:`gardens.real.supervisor.plan.Launcher`."""
        for name in list(self._nodes):
            await self.stop(name)

    async def given_up(self) -> str:
        """See :class:`gardens.real.supervisor.plan.Launcher`."""
        while True:
            for name, node in self._nodes.items():
                if node.problem is not None:
                    return f"{name}: {node.problem}"
            await asyncio.sleep(0.05)

    def seen(self) -> list[dict[str, Plain]]:
        """See :class:`gardens.real.supervisor.plan.Launcher`."""
        return [
            {"name": name, "pid": None, "state": "running", "starts": job.start + 1}
            for name, job in self._jobs.items()
        ]
