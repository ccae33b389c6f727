"""What a person has told: kept, recalled, corrected and forgotten."""

from bot.recall.memory.personal import PersonalMemory, Recalled, chat_key

__all__ = ["PersonalMemory", "Recalled", "chat_key"]
