"""The engine that runs in this process: transformers and PEFT on the CPU, no server needed."""

from inference.engine.local.engine import LocalEngine
from inference.engine.scores import TokenScores

__all__ = ["LocalEngine", "TokenScores"]
