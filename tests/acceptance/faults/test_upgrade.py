"""An upgrade without downtime: the version before and this one work side by side on one database, under load.

The schema is migrated while the old version works, a worker of the old version dies and starts again on the new schema,
then each process is replaced. CONSILIUM_LONG=1 also goes back and forth five times, and kills workers of both.
"""

from __future__ import annotations

import asyncio
import os
import random
import secrets
from dataclasses import dataclass
from pathlib import Path

import pytest

from db.infra.embedded_server import EmbeddedServer
from db.infra.migrate import current_version, migrate
from tests.acceptance.faults.crowd import Crowd
from tests.acceptance.faults.database_faults import DatabaseFaults
from tests.acceptance.faults.telegram_chats import TelegramChats
from tests.acceptance.faults.test_faults import SETTLE_TIMEOUT, settle
from tests.fakes.embedding_server import EmbeddingServer
from tests.fakes.telegram.limits import Limits
from tests.fakes.telegram.server import FakeTelegram
from tests.fixtures.fleet import Fleet, Process, environment_of
from tests.fixtures.old_version import COMMITS, OldVersion
from tests.fixtures.servers import free_port

LONG = bool(os.environ.get("CONSILIUM_LONG"))
BASE = "SmolLM2-135M-Instruct"
RETURNS = 5 if LONG else 0
"""How often the gateway goes back to the old version and forth again, while workers of both versions are killed."""
PEOPLE = 16 if LONG else 6


@dataclass
class Upgrade:
    """The processes of both versions, and the people that they serve."""

    fleet: Fleet
    crowd: Crowd
    chance: random.Random

    async def answers(self, more: int, of: Process | None = None) -> None:
        """Wait for so many more answers, of all processes or of one."""
        target = self.count(of) + more
        async with asyncio.timeout(SETTLE_TIMEOUT):
            while self.count(of) < target:  # noqa: ASYNC110  # other processes' state
                await asyncio.sleep(0.1)

    def count(self, of: Process | None = None) -> int:
        """Questions answered so far, of all processes or by one."""
        if of is None:
            return sum(len(person.asked) for person in self.crowd.people) - self.crowd.unanswered()
        return _count(of, '"turn.ended"')

    async def replace(self, old: str, new: str) -> None:
        """End a gateway, as its supervisor does, and start another in its place, which receives from then on."""
        gateway = self.fleet.processes[new]
        await asyncio.to_thread(self.fleet.processes[old].end)
        connected = _count(gateway, '"telegram.connected"')
        gateway.start()
        async with asyncio.timeout(SETTLE_TIMEOUT):
            while _count(gateway, '"telegram.connected"') == connected:  # noqa: ASYNC110  # another process's state
                await asyncio.sleep(0.1)

    async def kill(self, name: str) -> None:
        """Kill a process and start it again; it has to be able to."""
        process = self.fleet.processes[name]
        process.kill()
        await asyncio.sleep(self.chance.uniform(0, 1))
        process.start()
        await self.answers(1, process)


def _count(process: Process, event: str) -> int:
    return process.log.read_text(errors="replace").count(event) if process.log.exists() else 0


@pytest.mark.long
@pytest.mark.parametrize("revision", list(COMMITS) if LONG else ["0013"])
@pytest.mark.timeout(1800 if LONG else 300)
async def test_two_versions_side_by_side_lose_and_double_nothing(
    base_model_dir: Path, server_folder: Path, tmp_path: Path, revision: str
) -> None:
    old_version = OldVersion.unpack(tmp_path / "old", revision)
    seed = int(os.environ.get("CONSILIUM_FAULT_SEED") or secrets.randbits(32))
    telegram, embeddings = FakeTelegram(limits=Limits.off()), EmbeddingServer()
    async with (
        await EmbeddedServer.open(server_folder) as server,
        telegram.serving() as api,
        embeddings.serving() as embedder,
    ):
        assert await old_version.migrate(server.dsn)
        own = {"CONSILIUM_EMBEDDING_URL": embedder, "CONSILIUM_EMBEDDING_MODEL": embeddings.model}
        port = free_port()
        environment = environment_of(
            tmp_path, server.dsn, api, port, base_model_dir.parent, CONSILIUM_TURN_ATTEMPTS="50", **own
        )
        fleet = Fleet(tmp_path, environment, server.cluster)
        engine = fleet.engine(port, BASE, 0.01)
        old_gateway = old_version.serve(fleet, "old-gateway", "gateway")
        old_worker = old_version.serve(fleet, "old-worker", "worker")
        fleet.serve("gateway", "gateway")
        new_worker = fleet.serve("worker", "worker")
        # The old version has faults of its own with documents.
        crowd = Crowd([TelegramChats(telegram)], PEOPLE, seed, with_documents=False)
        upgrade = Upgrade(fleet, crowd, random.Random(seed))
        stop_asking = asyncio.Event()
        try:
            for process in (engine, old_gateway, old_worker):
                process.start()
            asking = asyncio.create_task(upgrade.crowd.ask_on((0.5, 2.0), stop_asking))
            await upgrade.answers(PEOPLE)

            await migrate(server.dsn)
            assert (await current_version(server.dsn)).mark == revision
            new_worker.start()
            await asyncio.gather(upgrade.answers(2, old_worker), upgrade.answers(2, new_worker))
            await upgrade.kill("old-worker")
            await upgrade.replace("old-gateway", "gateway")
            await upgrade.answers(PEOPLE)
            for _ in range(RETURNS):
                await upgrade.replace("gateway", "old-gateway")
                await upgrade.kill("worker")
                await upgrade.kill("old-worker")
                await upgrade.replace("old-gateway", "gateway")
                await upgrade.answers(PEOPLE)
            await asyncio.to_thread(old_worker.end)
            await upgrade.answers(PEOPLE)

            stop_asking.set()
            await asking
            await settle(upgrade.crowd, SETTLE_TIMEOUT)
            verdict = upgrade.crowd.verdict(await DatabaseFaults(server.dsn, upgrade.chance).questions())
            summary = (
                f"seed {seed}, beside the version of {revision}: {verdict.asked} asked, {verdict.answered} answered; "
                "turns ended by the old version: "
                f"{upgrade.count(old_worker)}, by this one: {upgrade.count(new_worker)}; "
                f"{old_worker.kills + new_worker.kills} kills, {len(verdict.unfinished)} empty placeholders left"
            )
            print(summary)
            assert verdict.clean, f"{summary}\n{verdict}\n{fleet.tails()}"
            assert not verdict.failed, f"{summary}\n{verdict}\n{fleet.tails()}"
            assert '"neighbour.appeared"' in new_worker.log.read_text()
        except TimeoutError:
            pytest.fail(f"seed {seed}: it stands still\n{fleet.tails()}")
        finally:
            stop_asking.set()
            fleet.end()
