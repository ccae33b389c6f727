"""Telling the engine's server that compositions are gone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bot.app.components import base_model_folder, make_engine
from bot.app.settings import Settings
from bot.core.errors import BotError
from bot.minds import Mind, load_mind
from consilium.errors import N_
from inference.engines.errors import EngineError

_UNLOAD_TIMEOUT: Final = 5.0
"""A server that is away holds nothing that it could answer with; nobody should wait for it at a prompt."""


class EngineUnloadFailed(BotError):
    """Compositions are removed from the disk, and the engine's server could not be told to let go of them."""

    sentence = N_("These compositions are removed, but the engine has not let go of them: {names}. {reason}")
    remedy = N_("Restart the engine's server, or run for each: consilium adapters compositions --remove NAME")

    def __init__(self, names: str, reason: str) -> None:
        super().__init__(names=names, reason=reason)


def unload_from_engine(settings: Settings, mind_folder: Path, names: Sequence[str]) -> None:
    """Have the engine's server forget compositions whose folders are gone; an engine in a process needs no telling.

    Raises:
        EngineUnloadFailed: the server cannot be reached, or does not do it.
    """
    if settings.engine != "sglang" or not names:
        return
    mind = load_mind(mind_folder)
    base_folder = base_model_folder(settings, mind)
    asyncio.run(_unload(settings.model_copy(update={"engine_patience": _UNLOAD_TIMEOUT}), mind, base_folder, names))


async def _unload(settings: Settings, mind: Mind, base_folder: Path, names: Sequence[str]) -> None:
    engine = await asyncio.to_thread(make_engine, settings, mind, base_folder)
    held = list(names)
    try:
        await engine.start()
        while held:
            await engine.unload_adapter(held[0])
            del held[0]
    except EngineError as error:
        raise EngineUnloadFailed(", ".join(held), str(error)) from error
    finally:
        await engine.close()
