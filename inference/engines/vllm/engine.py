"""The engine over a vLLM server."""

from __future__ import annotations

from typing import ClassVar

from inference.engines.remote.engine import RemoteEngine
from inference.engines.vllm.dialect import VLLMDialect


class VLLMEngine(RemoteEngine):
    """One vLLM server that `deploy/vllm/launch` started."""

    dialect: ClassVar[VLLMDialect] = VLLMDialect()
