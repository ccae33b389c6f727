"""What the doctor says of an engine in its own process."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.cli.doctor.environment import check_local_engine
from bot.core.i18n import Translator

GB = 10**9


@pytest.mark.parametrize(
    ("config", "free", "needed", "fits"),
    [
        ('{"dtype": "bfloat16"}', 5 * GB, "4.0 GB", True),
        ('{"torch_dtype": "float16"}', 3 * GB, "4.0 GB", False),
        ('{"dtype": "float32"}', 3 * GB, "2.0 GB", True),
        ("{}", 1 * GB, "2.0 GB", False),
    ],
)
def test_the_base_model_is_weighed_against_the_free_memory(
    tmp_path: Path, config: str, free: int, needed: str, fits: bool
) -> None:
    (tmp_path / "config.json").write_text(config)
    for part in ("1", "2"):
        with (tmp_path / f"model-{part}.safetensors").open("wb") as weights:
            weights.truncate(GB)
    found = check_local_engine(tmp_path, free, Translator("en"))
    assert f"takes {needed} of memory, {free / GB:.1f} GB are free" in found.facts[0]
    assert found.problems == ()
    assert bool(found.warnings) is not fits
