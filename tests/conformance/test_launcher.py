"""Every implementation of the port Launcher keeps its laws."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from gardens.real.conformance.launcher import LauncherSuite, Made
from gardens.real.supervisor.launchers import ProcessLauncher, TaskLauncher
from gardens.real.supervisor.state import StateFolder
from nimdsl.base.errors import NimdslError
from tests.support.gardens import local, scratch
from tests.support.nats import NatsServer, nats_server

Case = Callable[[Any], Coroutine[Any, Any, None]]


class Tasks(Made):
    launcher: TaskLauncher

    async def break_for_good(self, name: str) -> None:
        self.launcher._nodes[name]._fail(NimdslError("broken"))


class Processes(Made):
    launcher: ProcessLauncher

    async def break_for_good(self, name: str) -> None:
        """It may start again no more (the limit is 0)."""
        for child in self.launcher.family.children():
            if child.name == name and child.pid is not None:
                os.kill(child.pid, signal.SIGKILL)


@pytest.fixture(scope="class")
def on_nats(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with nats_server(tmp_path_factory.mktemp("bus")) as server:
        request.cls.server = server
        yield


@pytest.mark.usefixtures("on_nats")
class TestTasks(LauncherSuite):
    server: ClassVar[NatsServer]

    def play(self, case: Case) -> None:
        async def run() -> None:
            launcher = TaskLauncher(self.server.url)
            try:
                await case(Tasks(launcher))
            finally:
                await launcher.stop_all()

        asyncio.run(run())


@pytest.mark.slow
class TestProcesses(LauncherSuite):
    def play(self, case: Case) -> None:
        async def run() -> None:
            with scratch() as folder:
                garden = local(1.0, restart_limit=0)
                launcher = ProcessLauncher(replace(garden), StateFolder(folder / "state"), lambda *_: None)
                try:
                    await case(Processes(launcher))
                finally:
                    await launcher.stop_all()

        asyncio.run(run())
