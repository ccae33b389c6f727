"""What the doctor notes about a local engine."""

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
def test_base_model_is_compared_with_free_memory(
    tmp_path: Path, config: str, free: int, needed: str, fits: bool
) -> None:
    (tmp_path / "config.json").write_text(config)
    for part in ("1", "2"):
        with (tmp_path / f"model-{part}.safetensors").open("wb") as weights:
            weights.truncate(GB)
    finding = check_local_engine(tmp_path, free, Translator("en"))
    assert f"takes {needed} of memory, {free / GB:.1f} GB are free" in finding.facts[0]
    assert finding.problems == ()
    assert bool(finding.warnings) is not fits
