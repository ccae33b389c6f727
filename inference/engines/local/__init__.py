"""The engine that runs in this process: transformers and PEFT, no server needed."""

from inference.engines.local.engine import LocalEngine
from inference.engines.port import TokenScores

__all__ = ["LocalEngine", "TokenScores"]
