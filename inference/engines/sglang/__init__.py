"""The engine that is an SGLang server somewhere else."""

from inference.engines.remote.client import Timeouts
from inference.engines.sglang.engine import SGLangEngine

__all__ = ["SGLangEngine", "Timeouts"]
