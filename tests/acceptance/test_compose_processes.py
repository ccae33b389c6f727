"""The roles of deploy/compose.yaml as processes: its commands, settings, roles of the database and health checks.

What compose would bring (names of hosts, a folder for the mind, published ports) is put in by hand; SGLang, its router,
Telegram and the embeddings are fakes over real sockets.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.app.settings import DEMO_MIND
from db.infra.cluster import Cluster
from db.infra.programs import PostgresPrograms
from tests.acceptance.conftest import CONSILIUM, DEADLINE
from tests.fakes.embedding_server import EmbeddingServer
from tests.fakes.sglang_router import SGLangRouter
from tests.fakes.sglang_server import SGLangServer
from tests.fakes.telegram.server import FakeTelegram
from tests.fixtures.compose import DEPLOY, environment_of, example_variables, read_compose
from tests.fixtures.deployment import commands_in
from tests.fixtures.fleet import Process
from tests.fixtures.postgres import server_directory

BASE = "SmolLM2-135M-Instruct"
QUESTION = "Tell me a word about lighthouses, please."
ROLES = ("worker", "api", "gateway")


class Machine:
    """Runs what compose.yaml says, without containers."""

    def __init__(
        self, folder: Path, variables: Mapping[str, str], replaced: Mapping[str, str], outside: Mapping[str, str]
    ) -> None:
        """Nothing runs yet.

        Args:
            variables: what `.env` beside compose.yaml says.
            replaced: what is written in compose.yaml, and what stands for it here.
            outside: settings that lead to fakes instead of the internet.
        """
        self._folder = folder
        self._variables = variables
        self._services: dict[str, Any] = read_compose(variables)["services"]
        self._replaced = replaced
        self._outside = outside
        self.processes: dict[str, Process] = {}
        self.ports: dict[str, str] = {}

    def environment(self, name: str, **more: str) -> dict[str, str]:
        """The environment of a service's container, with what its image sets."""
        image = {
            "CONSILIUM_DATA_DIR": str(self._folder / name),
            "CONSILIUM_STATE_DIR": str(self._folder / name / "state"),
            "CONSILIUM_CACHE_DIR": str(self._folder / "cache"),
        }
        own = environment_of(self._services[name], self._variables)
        for written, meant in self._replaced.items():
            own = {variable: value.replace(written, meant) for variable, value in own.items()}
        machine = {variable: value for variable, value in os.environ.items() if not variable.startswith("CONSILIUM_")}
        return {**machine, "PYTHONPATH": str(DEPLOY.parent), "LANG": "C.UTF-8", **image, **own, **self._outside, **more}

    async def run(self, name: str, *words: str) -> None:
        """Run a service's command, or another of the same service, to its end."""
        command = words or tuple(self._services[name]["command"])
        process = await asyncio.create_subprocess_exec(
            CONSILIUM,
            *command,
            env=self.environment(name),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        async with asyncio.timeout(DEADLINE):
            output, _ = await process.communicate()
        assert process.returncode == 0, output.decode()

    def start(self, name: str) -> None:
        """Start a service, on a port of its own."""
        self.ports[name] = str(_free_port())
        environment = self.environment(name, CONSILIUM_HTTP_PORT=self.ports[name], CONSILIUM_HTTP_HOST="127.0.0.1")
        command = [str(CONSILIUM), *self._services[name]["command"]]
        self.processes[name] = Process(name, command, environment, self._folder / f"{name}.log")
        self.processes[name].start()

    async def healthy(self, name: str) -> None:
        """Wait until the service's health check, as compose.yaml has it, succeeds."""
        program, *arguments = self._services[name]["healthcheck"]["test"][1:]
        assert program == "python"
        arguments = [argument.replace(":8080/", f":{self.ports[name]}/") for argument in arguments]
        async with asyncio.timeout(DEADLINE):
            while True:
                running = self.processes[name].running
                assert running is not None
                assert running.poll() is None, self.processes[name].tail
                # A check is a process of its own: it is not tried before anybody listens.
                if await _listens(int(self.ports[name])):
                    check = await asyncio.create_subprocess_exec(
                        sys.executable, *arguments, stderr=asyncio.subprocess.DEVNULL
                    )
                    if await check.wait() == 0:
                        return
                await asyncio.sleep(0.3)

    async def end(self, name: str) -> int:
        """SIGTERM, and the exit code."""
        return await asyncio.to_thread(self.processes.pop(name).end)


@asynccontextmanager
async def machine(
    variables: Mapping[str, str], folder: Path, replaced: Mapping[str, str], outside: Mapping[str, str]
) -> AsyncIterator[Machine]:
    """A machine with Postgres as the service `db` makes it; everything on it is ended afterwards."""
    cluster = Cluster(folder / "db" / "data")
    await asyncio.to_thread(cluster.data.parent.mkdir, parents=True)
    superuser = await asyncio.to_thread(cluster.start, 60.0)
    here = superuser.partition("?")[2]
    machine = Machine(folder, variables, {"@db:5432/consilium": f"@/consilium?{here}", **replaced}, outside)
    try:
        programs = PostgresPrograms.find(cluster.data)
        script = str(DEPLOY / "postgres" / "roles.sql")
        made = await asyncio.create_subprocess_exec(
            str(programs.folder / "psql"),
            *("--no-psqlrc", "-v", "ON_ERROR_STOP=1", "-d", superuser, "-f", script),
            env={**os.environ, **{name: value for name, value in variables.items() if name.startswith("DB_")}},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await made.communicate()
        assert made.returncode == 0, output.decode()
        yield machine
    finally:
        for name in list(machine.processes):
            await machine.end(name)
        await asyncio.to_thread(cluster.stop, 30.0)


@pytest.mark.timeout(2 * DEADLINE)
async def test_processes_of_compose_do_what_compose_would(base_model_dir: Path) -> None:
    keys = example_variables()
    api_key, admin_key = "a-key-for-answers-of-the-server", "a-key-for-adapters-of-the-server"
    # The key for answers is the router's to check here: it does not pass it on.
    server = SGLangServer(base=BASE, admin_key=admin_key)
    telegram, embeddings = FakeTelegram(), EmbeddingServer()
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(server_directory())
        servers = {await stack.enter_async_context(server.serving()): True}
        router = await stack.enter_async_context(SGLangRouter(servers, api_key=api_key).serving())
        embedder = await stack.enter_async_context(embeddings.serving())
        await stack.enter_async_context(telegram.serving())
        variables = keys | {
            "CONSILIUM_SGLANG_API_KEY": api_key,
            "CONSILIUM_SGLANG_ADMIN_KEY": admin_key,
            "CONSILIUM_BASE_MODEL": str(base_model_dir),
            "CONSILIUM_TELEGRAM_TOKEN": telegram.token,
        }
        outside = {
            "CONSILIUM_TELEGRAM_API": telegram.url,
            "CONSILIUM_EMBEDDING_URL": embedder,
            "CONSILIUM_EMBEDDING_MODEL": embeddings.model,
            "CONSILIUM_LIBRARY_AT_START": "false",
        }
        replaced = {"http://router:30100": router, "/mind": str(DEMO_MIND)}
        here = await stack.enter_async_context(machine(variables, folder, replaced, outside))
        await here.run("migrate")
        for role in ROLES:
            here.start(role)
        await asyncio.gather(*(here.healthy(role) for role in ROLES))

        address = f"http://127.0.0.1:{here.ports['api']}"
        async with httpx.AsyncClient(timeout=60) as client:
            answered = await client.post(
                f"{address}/v1/chat/completions",
                headers={"Authorization": f"Bearer {variables['API_KEY']}"},
                json={"model": "core", "messages": [{"role": "user", "content": QUESTION}]},
            )
            assert answered.status_code == 200, answered.text
            assert "Rest and sleep." in answered.json()["choices"][0]["message"]["content"]
            stranger = await client.get(f"{address}/v1/modes")
            assert stranger.status_code == 401
            for role in ROLES:
                metrics = await client.get(f"http://127.0.0.1:{here.ports[role]}/metrics")
                assert "consilium_" in metrics.text

        anna = telegram.users.person("Anna", "anna", "en")
        telegram.users.say(anna, anna, "/mode core")
        telegram.users.say(anna, anna, QUESTION)
        await telegram.wait_for(
            lambda: any("Rest and sleep." in shown.text for shown in telegram.users.answers(anna)), within=60
        )

        backup = folder / "one.backup"
        (words,) = commands_in(read_compose(variables)["services"]["backup"]["command"][0])
        await here.run("backup", words[0], str(backup))
        assert backup.stat().st_size > 1000
        deletions = folder / "consilium.erasures"
        await here.run("erasures", "erasures", "export", str(deletions))
        assert deletions.is_file()

        assert [await here.end(role) for role in ROLES] == [0, 0, 0]
    assert server.offences == []


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
