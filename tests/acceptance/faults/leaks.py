"""What the service shows to others than the people in its chats, and whether anything private is in it."""

from __future__ import annotations

import asyncio
import random
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.fixtures.fleet import CONSILIUM

PAUSE = 1.0
"""Seconds between two requests."""
COMMANDS = (("doctor",), ("turns", "list", "--state", "dead"), ("turns", "list"))
"""What an operator runs."""


@dataclass
class Onlooker:
    """Somebody without any right who asks every process for what it shows, and an operator at its console."""

    addresses: Mapping[str, str]
    """By the process's name."""
    webhook: str | None
    bait: str
    """What their own requests say: it must not be in a log either."""
    chance: random.Random
    seen: dict[str, list[str]] = field(default_factory=dict)
    """Bodies of responses and outputs of commands, by what was asked for."""

    async def look_on(self) -> None:
        """Ask until cancelled."""
        async with httpx.AsyncClient(timeout=5) as client:
            while True:
                name, address = self.chance.choice(sorted(self.addresses.items()))
                requests = [("GET", f"{address}/{path}") for path in ("metrics", "readyz", "healthz")]
                requests.append(("POST", f"{address}/v1/chat/completions?key={self.bait}"))
                if self.webhook is not None:
                    requests.append(("POST", self.webhook))
                for method, url in requests:
                    await self._ask(client, name, method, url)
                await asyncio.sleep(PAUSE)

    async def _ask(self, client: httpx.AsyncClient, name: str, method: str, url: str) -> None:
        headers = {"Authorization": f"Bearer {self.bait}", "X-Telegram-Bot-Api-Secret-Token": self.bait}
        body = f'{{"model": "{self.bait}", "messages": "{self.bait}"' if method == "POST" else None
        try:
            response = await client.request(method, url, headers=headers, content=body)
        except httpx.HTTPError:
            return  # killed just now
        self._keep(f"{name}: {method} {url.partition('?')[0].rsplit('/', 1)[-1]}", response.text)

    def run_commands(self, environment: Mapping[str, str]) -> None:
        """Run what an operator runs, on the database as it is now."""
        for command in COMMANDS:
            done = subprocess.run(
                [str(CONSILIUM), *command],
                env=dict(environment),
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            assert done.stdout, f"consilium {' '.join(command)} says nothing: {done.stderr}"
            self._keep(f"consilium {' '.join(command)}", done.stdout + done.stderr)

    def read(self, where: Path) -> None:
        """Keep the content of a log, or of all logs in a folder and below it."""
        for path in [where] if where.is_file() else where.rglob("*.log*"):
            self._keep(path.name, path.read_text("utf-8", "replace"))

    def find(self, planted: Iterable[str]) -> list[str]:
        """Where something private can be seen: what, and with the text around it."""
        found = []
        texts = {where: "\n".join(parts).casefold() for where, parts in self.seen.items()}
        for secret in planted:
            for where, text in texts.items():
                if (at := text.find(secret.casefold())) >= 0:
                    found.append(f"{secret} in {where}: …{text[max(0, at - 200) : at + 100]}…")
        return found

    def _keep(self, where: str, text: str) -> None:
        parts = self.seen.setdefault(where, [])
        if text not in parts:
            parts.append(text)
