"""What a person has told: kept, recalled, corrected and forgotten."""

from bot.recall.memory.afterwards import FinishedTurn, Remembered, Rememberer
from bot.recall.memory.notes import as_note
from bot.recall.memory.personal import PersonalMemory, Recalled, chat_key

__all__ = ["FinishedTurn", "PersonalMemory", "Recalled", "Remembered", "Rememberer", "as_note", "chat_key"]
