"""Blocks as chunks: what is found, embedded and cited as one."""

from bot.recall.library.chunk.chunk import Chunk, CountTokens
from bot.recall.library.chunk.cutting import ChunkOptions, chunk_blocks

__all__ = ["Chunk", "ChunkOptions", "CountTokens", "chunk_blocks"]
