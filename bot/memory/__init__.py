"""A person's memory: facts, episodes, summaries and documents; saved, recalled, corrected and forgotten."""

from bot.memory.personal import PersonalMemory, RecalledMemory, RecallSources, chat_key
from bot.memory.recorder import ExtractedMemories, FinishedTurn, TurnRecorder
from bot.memory.rendering import render_memory

__all__ = [
    "ExtractedMemories",
    "FinishedTurn",
    "PersonalMemory",
    "RecallSources",
    "RecalledMemory",
    "TurnRecorder",
    "chat_key",
    "render_memory",
]
