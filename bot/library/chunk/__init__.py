"""Documents in chunks: the units of text that are embedded, found and cited."""

from bot.library.chunk.chunk import Chunk, CountTokens
from bot.library.chunk.chunker import ChunkOptions, chunk_blocks

__all__ = ["Chunk", "ChunkOptions", "CountTokens", "chunk_blocks"]
