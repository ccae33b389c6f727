"""The real n8n in front of the service: its chat model, agent and OpenAI nodes, and the workflows of deploy/n8n.

It gets a folder of its own, which is gone afterwards, and is asked over HTTP as a chat page, a browser with a form and
Telegram (a stand-in) ask it. Prometheus is a stand-in too: it answers from the service's own metrics. Run it in this
project's environment, from its root; `N8N` is the command.

    N8N=node_modules/.bin/n8n python -m tests.clients.n8n_server

With names of chats, such as `agent-responses`, only these are asked.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import httpx
from aiohttp import web

from tests.clients.n8n_workflows import chat_workflows, credentials, deployed_workflows
from tests.fakes.telegram.server import FakeTelegram

N8N = os.environ.get("N8N", "n8n")
BASE_URL, KEY = os.environ["OPENAI_BASE_URL"], os.environ["OPENAI_API_KEY"]
PORT = int(os.environ.get("PORT", "15678"))
START_SECONDS = 300
END_SECONDS = 900
T = TypeVar("T")
FORM = "author:a-password"
QUESTION = "How do I rest after a long run?"
CALCULATION = "What is 6 times 7?"
DOCUMENT_QUESTION = "How deep is the harbour of Marathon?"
DOCUMENTS = {
    "harbour.md": b"## How deep is the harbour of Marathon?\n\nThe harbour of Marathon is nine fathoms deep.\n",
    "broken.pdf": b"%PDF-1.7 no more",
}
FORM_PATH = "/form/2240b031-d33c-5651-887d-b301429f5584"
TELEGRAM_MESSAGES = [("en", QUESTION), ("ru", "Как мне отдыхать после долгого бега?")]


async def wait_for(look: Callable[[], Awaitable[T | None]]) -> T:
    """What is seen as soon as there is something to see."""
    async with asyncio.timeout(END_SECONDS):
        while True:
            if (seen := await look()) is not None:
                return seen
            await asyncio.sleep(0.5)


class Prometheus:
    """Answers the report's three sums from what the service has counted since its start."""

    async def query(self, request: web.Request) -> web.Response:
        """`GET /api/v1/query`."""
        asked = re.fullmatch(r"sum by \((\w+)\) \(increase\((\w+)\[24h\]\)\)", request.query["query"])
        assert asked, request.query["query"]
        label, metric = asked.groups()
        async with httpx.AsyncClient() as client:
            metrics = (await client.get(BASE_URL.removesuffix("/v1") + "/metrics")).raise_for_status().text
        sums: defaultdict[str, float] = defaultdict(float)
        for labels, value in re.findall(rf"^{metric}{{(.*)}} (\S+)$", metrics, re.MULTILINE):
            [named] = re.findall(rf'\b{label}="([^"]*)"', labels)
            sums[named] += float(value)
        result = [{"metric": {label: name}, "value": [time.time(), str(value)]} for name, value in sums.items()]
        return web.json_response({"status": "success", "data": {"resultType": "vector", "result": result}})

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """The server's URL, as long as this is open."""
        app = web.Application()
        app.router.add_get("/api/v1/query", self.query)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


class N8n:
    """A running server, asked as its own web page asks it."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def rest(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """What its own API gives: `GET`, or `POST` with a body."""
        method = "GET" if body is None else "POST"
        response = await self.client.request(method, f"/rest/{path}", json=body)
        assert response.is_success, f"{path}: {response.text[:2000]}"
        return response.json()["data"]

    async def set_up(self) -> None:
        """Make the owner, who is signed in then."""
        owner = {"email": "anna@example.org", "firstName": "Anna", "lastName": "A", "password": "A-password-of-8"}
        await self.rest("owner/setup", owner)

    async def bring_in(self, flow: dict[str, Any], credentials: dict[str, dict[str, str]]) -> dict[str, Any]:
        """Import a workflow from its file and choose its credentials, which go by their kinds."""
        for node in flow["nodes"]:
            node.get("credentials", {}).update({kind: credentials[kind] for kind in node.get("credentials", {})})
        made: dict[str, Any] = await self.rest("workflows", flow)
        return made

    async def publish(self, flow: dict[str, Any]) -> None:
        """Let a workflow's trigger work."""
        done = await self.rest(f"workflows/{flow['id']}/activate", {"versionId": flow["versionId"]})
        assert done["active"], done
        status = await wait_for(partial(self._publication, flow))
        assert status["status"] == "published", status

    async def _publication(self, flow: dict[str, Any]) -> dict[str, Any] | None:
        status: dict[str, Any] = await self.rest(f"workflows/{flow['id']}/publication-status")
        return None if status["status"] in ("in_progress", "not_published") else status

    async def execute(self, flow: dict[str, Any], trigger: str) -> str:
        """Run a workflow by hand, and wait for its end: what has become of it."""
        started = await self.rest(f"workflows/{flow['id']}/run", {"triggerToStartFrom": {"name": trigger}})
        return await wait_for(partial(self._state, started["executionId"]))

    async def _state(self, execution: str) -> str | None:
        found = await self.rest(f"executions/{execution}")
        return str(found["status"]) if found["stoppedAt"] else None


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[N8n]:
    """Start n8n in a folder of its own."""
    log = folder / "log"
    environment = {
        **os.environ, "N8N_USER_FOLDER": str(folder), "N8N_ENCRYPTION_KEY": "none", "N8N_PORT": str(PORT),
        "N8N_LISTEN_ADDRESS": "127.0.0.1", "N8N_WEBHOOK_URL": f"http://127.0.0.1:{PORT}/",
        "N8N_RUNNERS_BROKER_PORT": str(PORT + 1), "N8N_SECURE_COOKIE": "false", "N8N_DIAGNOSTICS_ENABLED": "false",
        "N8N_VERSION_NOTIFICATIONS_ENABLED": "false", "N8N_TEMPLATES_ENABLED": "false",
    }  # fmt: skip
    with log.open("wb") as output:
        server = await asyncio.create_subprocess_exec(N8N, "start", env=environment, stdout=output, stderr=output)
    try:
        async with asyncio.timeout(START_SECONDS):
            while "Editor is now accessible" not in log.read_text():
                assert server.returncode is None
                await asyncio.sleep(0.5)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{PORT}", timeout=END_SECONDS) as client:
            yield N8n(client)
    except BaseException:
        print(log.read_text()[-6000:])
        raise
    finally:
        server.terminate()
        await asyncio.wait_for(server.wait(), 60)


async def chat(client: httpx.AsyncClient, flow: str, question: str) -> str:
    """What the chat page of a workflow shows."""
    body = {"action": "sendMessage", "sessionId": flow, "chatInput": question}
    response = (await client.post(f"/webhook/{flow}/chat", json=body)).raise_for_status()
    if not flow.endswith("-streamed"):
        return _said(response.json())
    pieces = [json.loads(line) for line in response.text.splitlines()]
    assert {piece["type"] for piece in pieces} == {"begin", "item", "end"}, pieces
    items = [piece["content"] for piece in pieces if piece["type"] == "item"]
    return f"{len(items)} pieces {''.join(items)!r}"


def _said(shown: dict[str, Any]) -> str:
    """The text of what a chain, an agent, or the OpenAI node gives."""
    said = shown.get("output") or shown["text"]
    if isinstance(said, str):
        return repr(said)
    [content] = [content for item in said for content in item["content"]]
    return f"{content['text']!r} {[citation['filename'] for citation in content['annotations']]}"


async def ask(client: httpx.AsyncClient, flow: str) -> None:
    """Chat with one workflow."""
    print(f"{flow}:", await chat(client, flow, QUESTION))
    if flow.startswith("agent"):
        print(f"{flow}, a calculation:", await chat(client, flow, CALCULATION))


async def add_documents(client: httpx.AsyncClient) -> None:
    """Send the form with a document, and with one that nobody can read."""
    user, _, password = FORM.partition(":")
    page = await client.get(FORM_PATH, auth=(user, password))
    assert "field-0" in page.raise_for_status().text, page.text[:1000]
    for name, content in DOCUMENTS.items():
        sent = await client.post(FORM_PATH, files={"field-0": (name, content)}, auth=(user, password))
        waiting = httpx.URL(sent.json()["formWaitingUrl"])
        state = await wait_for(partial(_form_state, client, waiting))
        page = await client.get(waiting)
        seen = re.sub(r"(?s)<(script|style|title).*?</\1>|<[^>]*>", " ", page.text)
        print(f"form, {name}:", state, repr(" ".join(seen.split())))


async def _form_state(client: httpx.AsyncClient, waiting: httpx.URL) -> str | None:
    """What the page of a form that was sent looks for; None as long as it waits."""
    response = await client.get(waiting.copy_with(path=f"{waiting.path}/n8n-execution-status"))
    state = response.text.strip()
    return state if state in ("form-waiting", "success", "error", "null") else None


async def write_in_telegram(telegram: FakeTelegram) -> None:
    """Write to the bot, and wait for its answers."""
    for language, message in TELEGRAM_MESSAGES:
        anna = telegram.users.person("Anna", language=language)
        telegram.users.start(anna)
        telegram.users.say(anna, anna, message)
        await telegram.wait_for(partial(_answered, telegram, anna), END_SECONDS)
        print("telegram:", [answer.text for answer in telegram.users.answers(anna)])


def _answered(telegram: FakeTelegram, person: int) -> bool:
    return len(telegram.users.answers(person)) == 2


async def main(chats: list[str]) -> None:
    """Start everything, ask, and print.

    Args:
        chats: names of the only ones to ask; empty for everything.
    """
    telegram = FakeTelegram()
    with tempfile.TemporaryDirectory() as name:
        async with (
            telegram.serving() as telegram_url,
            Prometheus().serving() as prometheus_url,
            serving(Path(name)) as n8n,
        ):
            await n8n.set_up()
            print("n8n", (await n8n.rest("settings"))["versionCli"])
            known = {}
            for credential in credentials(BASE_URL, KEY, telegram_url, telegram.token, FORM):
                made = await n8n.rest("credentials", credential)
                known[made["type"]] = {"id": made["id"], "name": made["name"]}
            for flow in chat_workflows():
                if not chats or flow["name"] in chats:
                    await n8n.publish(await n8n.bring_in(flow, known))
                    await ask(n8n.client, flow["name"])
            if not chats:
                anna = telegram.users.person("Anna")
                flows = deployed_workflows(BASE_URL, prometheus_url, anna)
                deployed = {path: await n8n.bring_in(flow, known) for path, flow in flows.items()}
                for flow in deployed.values():
                    await n8n.publish(flow)
                await add_documents(n8n.client)
                print("asked about it:", await chat(n8n.client, "chain-responses", DOCUMENT_QUESTION))
                await write_in_telegram(telegram)
                telegram.users.start(anna)
                print("report:", await n8n.execute(deployed["nightly-report"], "Every night"))
                print("report:", repr(telegram.users.answers(anna)[-1].text))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
