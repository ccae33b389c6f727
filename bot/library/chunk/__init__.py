"""Blocks as chunks: what is found, embedded and cited as one."""

from bot.library.chunk.chunk import Chunk, CountTokens
from bot.library.chunk.chunker import ChunkOptions, chunk_blocks

__all__ = ["Chunk", "ChunkOptions", "CountTokens", "chunk_blocks"]
