"""Blocks as chunks: what is found, embedded and cited as one."""

from bot.recall.library.chunk.chunk import Chunk, TokenCounter
from bot.recall.library.chunk.cutting import Cutting, cut

__all__ = ["Chunk", "Cutting", "TokenCounter", "cut"]
