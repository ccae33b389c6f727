"""What a person has told: kept, recalled, corrected and forgotten."""

from bot.recall.memory.afterwards import ExtractedMemories, FinishedTurn, TurnRecorder
from bot.recall.memory.notes import render_memory
from bot.recall.memory.personal import PersonalMemory, RecalledMemory, chat_key

__all__ = [
    "ExtractedMemories",
    "FinishedTurn",
    "PersonalMemory",
    "RecalledMemory",
    "TurnRecorder",
    "chat_key",
    "render_memory",
]
