"""What a model thinks before it answers, as people see it while it comes."""

from __future__ import annotations

from typing import Final

_SHOWN: Final = 800
"""Characters of the latest thoughts that a message shows: it shows nothing else meanwhile."""


def quote_thought(thought: str) -> str:
    """The end of a thought as a Markdown quotation; empty for an empty thought."""
    text = thought.strip()
    if len(text) > _SHOWN:
        text = f"…{text[-_SHOWN:]}"
    return "\n".join(f"> {line}" for line in f"💭 {text}".splitlines()) if text else ""
