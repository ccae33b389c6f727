"""A LiteLLM proxy in front of the service, asked by the official client: chat, stream, responses, embeddings."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
from openai import OpenAI

PORT = 14000
CONFIG = """
model_list:
  - model_name: coach
    litellm_params: {model: openai/sport+core, api_base: os.environ/OPENAI_BASE_URL, api_key: os.environ/OPENAI_API_KEY}
  - model_name: embedder
    litellm_params: {model: openai/embedder, api_base: os.environ/OPENAI_BASE_URL, api_key: os.environ/OPENAI_API_KEY}
litellm_settings: {telemetry: false}
general_settings: {master_key: sk-proxy}
"""

with tempfile.TemporaryDirectory() as folder:
    config = Path(folder) / "config.yaml"
    config.write_text(CONFIG)
    command = [str(Path(sys.executable).with_name("litellm")), "--config", str(config), "--port", str(PORT)]
    proxy = subprocess.Popen(command, env=dict(os.environ), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(180):
            try:
                httpx.get(f"http://127.0.0.1:{PORT}/health/liveliness").raise_for_status()
                break
            except httpx.HTTPError:
                time.sleep(1)
        client = OpenAI(base_url=f"http://127.0.0.1:{PORT}/v1", api_key="sk-proxy", max_retries=0, timeout=300)
        messages = [{"role": "user", "content": "How do I rest after a long run?"}]
        done = client.chat.completions.create(model="coach", max_tokens=40, messages=messages)
        print("chat:", done.choices[0].finish_reason, repr(done.choices[0].message.content))
        stream = client.chat.completions.create(model="coach", max_tokens=20, messages=messages, stream=True)
        print("stream:", len(list(stream)), "chunks")
        answered = client.responses.create(model="coach", input="My knee hurts.", max_output_tokens=40)
        print("response:", answered.status, repr(answered.output_text))
        made = client.embeddings.create(model="embedder", input=["How do I rest?"], encoding_format="float")
        print("embeddings:", len(made.data[0].embedding), "dimensions")
    finally:
        proxy.terminate()
        proxy.wait(30)
