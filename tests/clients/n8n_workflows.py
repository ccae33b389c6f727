"""The workflows that the real n8n runs: chats of its own nodes, and those of deploy/n8n with this machine's addresses.

Nodes have the settings that they have when they are put on the canvas. Only the model's name, the address and whether
the responses API is used are set.
"""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

DEPLOY = Path(__file__).resolve().parents[2] / "deploy" / "n8n"
NODES = "@n8n/n8n-nodes-langchain"
MODEL = {"__rl": True, "mode": "id", "value": "sport+core"}
CREDENTIALS = {
    "openAiApi": "OpenAI",
    "httpHeaderAuth": "Consilium API key",
    "httpBasicAuth": "Consilium form",
    "telegramApi": "Telegram bot",
}
"""Names of the credentials, by kind."""


def credentials(base_url: str, key: str, telegram_url: str, telegram_token: str, form: str) -> list[dict[str, Any]]:
    """What the workflows ask with.

    Args:
        base_url: of the service, up to `/v1`.
        form: user and password of the form for documents, with a colon between.
    """
    user, _, password = form.partition(":")
    data = {
        "openAiApi": {"apiKey": key, "url": base_url, "header": False},
        "httpHeaderAuth": {"name": "Authorization", "value": f"Bearer {key}"},
        "httpBasicAuth": {"user": user, "password": password},
        "telegramApi": {"accessToken": telegram_token, "baseUrl": telegram_url},
    }
    return [{"name": name, "type": kind, "data": data[kind]} for kind, name in CREDENTIALS.items()]


def chat_workflows() -> list[dict[str, Any]]:
    """Chats with each node that asks a model, by the responses API, the default, and by chat completions."""
    flows = [_workflow("openai", [("Ask", "main")], [_openai_node()], {})]
    for form, settings in (("responses", {}), ("completions", {"responsesApiEnabled": False})):
        model = _node("lmChatOpenAi", 1.3, {"model": MODEL, **settings, "options": {}}, "Model", openai=True)
        chain = _node("chainLlm", 1.9, {}, "Ask")
        agent = _node("agent", 3.1, {"options": {}}, "Ask")
        memory, tool = _node("memoryBufferWindow", 1.4, {}, "Memory"), _node("toolCalculator", 1, {}, "Calculator")
        joined = [("Model", "ai_languageModel"), ("Memory", "ai_memory"), ("Calculator", "ai_tool")]
        flows.append(_workflow(f"chain-{form}", joined[:1], [model, chain], {}))
        flows.append(_workflow(f"agent-{form}", joined, [model, agent, memory, tool], {}))
        streams = {"responseMode": "streaming"}
        flows.append(_workflow(f"agent-{form}-streamed", joined, [model, agent, memory, tool], streams))
    return flows


def deployed_workflows(base_url: str, prometheus_url: str, chat: int) -> dict[str, dict[str, Any]]:
    """The workflows of deploy/n8n by their names: as a person makes them theirs, with the chat of the report."""
    flows = {}
    for path in sorted(DEPLOY.glob("*.json")):
        text = path.read_text("utf-8").replace("http://api:8080/v1", base_url)
        flow = json.loads(text.replace("http://prometheus:9090", prometheus_url).replace("123456", str(chat)))
        for node in flow["nodes"]:
            for kind, credential in node.get("credentials", {}).items():
                assert credential["name"] == CREDENTIALS[kind], node["name"]
        flows[path.stem] = flow
    return flows


def _openai_node() -> dict[str, Any]:
    message = {"values": [{"content": "={{ $json.chatInput }}"}]}
    return _node("openAi", 2.3, {"modelId": MODEL, "responses": message, "options": {}}, "Ask", openai=True)


def _node(
    kind: str, version: float, parameters: dict[str, Any], name: str, *, openai: bool = False, **more: Any
) -> dict[str, Any]:
    node = {"name": name, "type": f"{NODES}.{kind}", "typeVersion": version, "parameters": parameters, **more}
    if openai:
        node["credentials"] = {"openAiApi": {}}
    return {"id": str(uuid.uuid4()), "position": [0, 0], **node}


def _workflow(
    name: str, joined: list[tuple[str, str]], nodes: list[dict[str, Any]], options: dict[str, Any]
) -> dict[str, Any]:
    trigger = _node("chatTrigger", 1.5, {"public": True, "options": options}, "Chat", webhookId=name)
    edges = {node: kind for node, kind in joined if node != "Ask"} | {"Chat": "main"}
    connections = {start: {kind: [[{"node": "Ask", "type": kind, "index": 0}]]} for start, kind in edges.items()}
    return {
        "name": name, "nodes": [trigger, *nodes], "connections": connections, "active": False,
        "settings": {"executionOrder": "v1"},
    }  # fmt: skip
