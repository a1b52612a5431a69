"""A real nats-server for a test, on loopback: started, killed, and started again on the same port."""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import signal
import subprocess
import sysconfig
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import nats
from nats.aio.client import Client

from gardens.real.patience import Patience
from tests.support.patience import SILENCE_S, cpu_s

BINARY = Path(sysconfig.get_path("scripts")) / "nats-server"
RECONNECT_S = 0.02
_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


class NatsServer:
    """One server with JetStream in ``directory``; its port is picked once and kept when it starts again."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = -1
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where clients connect, the same for as long as this object lives."""
        return f"nats://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it listens."""
        command = [str(BINARY), "-a", "127.0.0.1", "-p", str(self.port), "-js"]
        command += ["-sd", str(self.directory), "--ports_file_dir", str(self.directory)]
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL, preexec_fn=_die_with_parent)
        ports = self.directory / f"nats-server_{self._process.pid}.ports"
        patience = Patience(SILENCE_S)
        while not (listening := _listening(ports)):
            assert self._process.poll() is None, "nats-server did not start"
            assert not patience.is_over(cpu_s(self._process.pid)), "nats-server does not listen"
            time.sleep(0.002)
        self.port = int(listening.rpartition(":")[2])
        os.unlink(ports)

    def freeze(self) -> None:
        """It stays connected, and answers nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    async def restart(self, down_s: float = 0.0) -> None:
        """kill -9, nothing for ``down_s``, and a new one on the same port and directory."""
        self.kill()
        await asyncio.sleep(down_s)
        self.start()

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        """A connection that comes back for ever, and says nothing of its errors."""
        client = await nats.connect(
            self.url, error_cb=_ignored, reconnect_time_wait=RECONNECT_S, max_reconnect_attempts=-1
        )
        try:
            yield client
        finally:
            await client.close()


@contextmanager
def nats_server(directory: Path) -> Iterator[NatsServer]:
    """A running server that is gone at the end."""
    directory.mkdir(parents=True, exist_ok=True)
    server = NatsServer(directory)
    try:
        server.start()
        yield server
    finally:
        server.kill()


def _die_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


async def _ignored(error: Exception) -> None:
    """Interruptions are what these tests are about."""


def _listening(ports: Path) -> str:
    try:
        return str(json.loads(ports.read_text())["nats"][0])
    except (FileNotFoundError, json.JSONDecodeError):
        return ""
