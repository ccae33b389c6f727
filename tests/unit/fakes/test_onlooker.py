"""The onlooker of the fault campaign finds what is planted, wherever it is, and so its silence proves something."""

from __future__ import annotations

import random
from pathlib import Path

from tests.acceptance.faults.leaks import Onlooker


def test_planted_texts_are_found_in_every_log(tmp_path: Path) -> None:
    onlooker = Onlooker({}, None, "bait", random.Random(0))
    (tmp_path / "state").mkdir()
    (tmp_path / "worker-1.log").write_text('{"event": "turn.failed", "reason": "of SECRET-one"}\n')
    (tmp_path / "state" / "consilium.log.1").write_text("бумага secret-two")
    (tmp_path / "harmless.txt").write_text("secret-three")
    onlooker.read(tmp_path)
    found = onlooker.find(["secret-one", "Secret-Two", "secret-three", "secret-four"])
    assert [line.partition(":")[0] for line in found] == ["secret-one in worker-1.log", "Secret-Two in consilium.log.1"]
