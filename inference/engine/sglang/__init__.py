"""The engine that is an SGLang server somewhere else."""

from inference.engine.sglang.deadlines import Timeouts
from inference.engine.sglang.engine import SGLangEngine

__all__ = ["SGLangEngine", "Timeouts"]
