"""How much a base model can read and write at once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from inference.engine.errors import ModelNotLoadable

if TYPE_CHECKING:
    from pathlib import Path


def read_context_length(folder: Path, limit: int | None) -> int:
    """Longest prompt and answer together of the model in `folder`, or `limit` if that is less.

    Raises:
        ModelNotLoadable: the folder's config is missing or broken.
    """
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
        own = int(config.get("text_config", config)["max_position_embeddings"])  # multimodal models nest it
    except (OSError, ValueError, KeyError) as error:
        raise ModelNotLoadable(folder=folder, reason=f"config.json is unusable ({error})") from error
    return own if limit is None else min(own, limit)
