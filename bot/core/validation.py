"""What a pydantic error says in a log: which rule was broken where, and nothing of what was given."""

from __future__ import annotations

from pydantic import ValidationError


def describe_validation_error(error: ValidationError) -> str:
    """The places and the broken rules. The error's own text quotes its input, which may be somebody's words."""
    # Names in a location may come from the input too, as the keys of a mapping; the model's fields are identifiers.
    return "; ".join(
        f"{'.'.join(_describe_step(step) for step in found['loc']) or 'the whole'}: {found['type']}"
        for found in error.errors(include_url=False, include_context=False, include_input=False)
    )


def _describe_step(step: str | int) -> str:
    text = str(step)
    return text if text.isascii() and text.replace("_", "").isalnum() and len(text) <= 40 else "…"
