"""What a person has told: kept, recalled, corrected and forgotten."""

from bot.recall.memory.personal import PersonalMemory, Recalled

__all__ = ["PersonalMemory", "Recalled"]
