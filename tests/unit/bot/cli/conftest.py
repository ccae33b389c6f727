"""The composer of the demo mind."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.answering.composer import Composer
from bot.app.settings import DEMO_MIND
from bot.minds import load_mind
from inference.adapters.store import CompositionStore
from tests.fakes.adapters import SMOLLM2


@pytest.fixture
def composer(tmp_path: Path) -> Composer:
    return Composer.open(load_mind(DEMO_MIND), SMOLLM2, CompositionStore(tmp_path / "compositions"))
