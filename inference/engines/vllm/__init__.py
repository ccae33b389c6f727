"""The engine that is a vLLM server somewhere else."""

from inference.engines.vllm.engine import VLLMEngine

__all__ = ["VLLMEngine"]
