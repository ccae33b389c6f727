"""What SillyTavern 1.19.0 sends to a custom OpenAI endpoint, by its server's source: models, a role play with all its
samplers, the rest of an answer ("continue"), the probabilities of tokens, and a stream that is closed.

The requests are those of `src/endpoints/backends/chat-completions.js`; SillyTavern itself is not started.
"""

from __future__ import annotations

import json
import os
from typing import Any

import httpx

BASE_URL = os.environ["OPENAI_BASE_URL"]
HEADERS = {"Authorization": f"Bearer {os.environ['OPENAI_API_KEY']}"}
MESSAGES = [
    {"role": "system", "content": "Write Coach's next reply in a fictional chat between Coach and User."},
    {"role": "system", "content": "[Start a new Chat]"},
    {"role": "assistant", "content": "Good morning. What is it today?"},
    {"role": "user", "content": "How do I rest after a long run?"},
]
SAMPLERS = {
    "model": "coach", "temperature": 1, "max_tokens": 40, "presence_penalty": 0, "frequency_penalty": 0, "top_p": 1,
    "stop": ["\nUser:", "\nCoach:"], "logit_bias": {},
}  # fmt: skip


def stream(client: httpx.Client, body: dict[str, Any]) -> str:
    """The text of a streamed answer."""
    pieces = []
    with client.stream("POST", "/chat/completions", json={**SAMPLERS, **body, "stream": True}) as response:
        assert response.status_code == 200, response.read()
        for line in response.iter_lines():
            if line.startswith("data: {"):
                chunk = json.loads(line.removeprefix("data: "))
                pieces += [choice["delta"].get("content") or "" for choice in chunk["choices"]]
    return "".join(pieces)


with httpx.Client(base_url=BASE_URL, headers=HEADERS, timeout=900) as client:
    print("models:", [model["id"] for model in client.get("/models").raise_for_status().json()["data"]])
    said = stream(client, {"messages": MESSAGES})
    print("stream:", repr(said))
    assert said
    begun = {"role": "assistant", "content": said[: len(said) // 2]}
    print("continue:", repr(stream(client, {"messages": [*MESSAGES, begun]})))
    body = {**SAMPLERS, "messages": MESSAGES, "stream": False, "n": 1, "logprobs": True, "top_logprobs": 5}
    done = client.post("/chat/completions", json=body)
    print("logprobs:", done.status_code, done.json()["choices"][0]["logprobs"])
    done.raise_for_status()
    with client.stream(
        "POST", "/chat/completions", json={**SAMPLERS, "messages": MESSAGES, "stream": True}
    ) as response:
        print("closed:", next(response.iter_lines())[:24])
    assert client.get("/models").status_code == 200
