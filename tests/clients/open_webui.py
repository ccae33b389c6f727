"""The real Open WebUI in front of the service: models, chat, stream, and its prompts for titles, tags, follow-ups.

Run it in the environment that Open WebUI is installed in: it starts the server with a folder of its own, which is gone
afterwards, and asks it as its web page does. `OPEN_WEBUI_URL` names one that runs already.

    python tests/clients/open_webui.py
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

PORT = int(os.environ.get("PORT", "18889"))
START_SECONDS = 900
MESSAGES = [{"role": "user", "content": "How do I rest after a long run?"}]
SETTINGS = {
    "WEBUI_AUTH": "False",
    "WEBUI_SECRET_KEY": "none",
    "OFFLINE_MODE": "True",
    "ENABLE_OLLAMA_API": "False",
    "ENABLE_FORWARD_USER_INFO_HEADERS": "True",
    # The models for documents and speech would be downloaded.
    "BYPASS_EMBEDDING_AND_RETRIEVAL": "True",
    "RAG_EMBEDDING_ENGINE": "openai",
    "AUDIO_STT_ENGINE": "openai",
    "OPENAI_API_BASE_URL": os.environ["OPENAI_BASE_URL"],
    "OPENAI_API_KEY": os.environ["OPENAI_API_KEY"],
}


def wait_for(client: httpx.Client, server: subprocess.Popen[bytes], log: Path) -> None:
    """Return when the server answers."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        assert server.poll() is None, log.read_text(errors="replace")[-3000:]
        try:
            if client.get("/health", timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(1)
    raise AssertionError(log.read_text(errors="replace")[-3000:])


def ask(client: httpx.Client) -> None:
    """What its web page asks for in a conversation."""
    signed_in = client.post("/api/v1/auths/signin", json={"email": "", "password": ""})
    signed_in.raise_for_status()
    client.headers["Authorization"] = f"Bearer {signed_in.json()['token']}"
    models = client.get("/api/models").raise_for_status().json()["data"]
    print("models:", sorted(model["id"] for model in models))
    body: dict[str, Any] = {"model": "sport", "messages": MESSAGES, "stream": False}
    done = client.post("/api/chat/completions", json=body).raise_for_status().json()
    print("chat:", done["choices"][0]["finish_reason"], repr(done["choices"][0]["message"]["content"]))
    pieces, usage = [], None
    with client.stream("POST", "/api/chat/completions", json={**body, "stream": True}) as response:
        response.raise_for_status()
        for line in response.iter_lines():
            if line.startswith("data: {"):
                chunk = json.loads(line.removeprefix("data: "))
                pieces += [choice["delta"].get("content") or "" for choice in chunk.get("choices", ())]
                usage = chunk.get("usage") or usage
    print("stream:", len(pieces), "chunks", repr("".join(pieces)))
    assert "".join(pieces)
    answered = [*MESSAGES, {"role": "assistant", "content": "".join(pieces)}]
    for task in ("title", "tags", "follow_up", "queries"):
        body = {"model": "sport", "messages": answered, "type": "web_search"}
        made = client.post(f"/api/v1/tasks/{task}/completions", json=body).raise_for_status().json()
        print(f"{task}:", repr(made["choices"][0]["message"]["content"])[:120])


def serve_and_ask(folder: Path) -> None:
    """Start a server, ask it, and end it."""
    command = [str(Path(sys.executable).with_name("open-webui")), "serve", "--host", "127.0.0.1", "--port", str(PORT)]
    log = folder / "log"
    with log.open("wb") as output:
        environment = {**os.environ, **SETTINGS, "DATA_DIR": str(folder)}
        server = subprocess.Popen(command, env=environment, cwd=folder, stdout=output, stderr=output)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{PORT}", timeout=600) as client:
            wait_for(client, server, log)
            ask(client)
    finally:
        server.terminate()
        server.wait(60)


print("open-webui", importlib.metadata.version("open-webui"))
if url := os.environ.get("OPEN_WEBUI_URL"):
    with httpx.Client(base_url=url, timeout=600) as running:
        ask(running)
else:
    with tempfile.TemporaryDirectory() as name:
        serve_and_ask(Path(name))
