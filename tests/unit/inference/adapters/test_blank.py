"""The adapter that changes nothing."""

from __future__ import annotations

import json
from pathlib import Path

from inference.adapters.blank import is_blank, write_blank_adapter
from inference.adapters.compatibility import check_compatible
from inference.adapters.manifest import AdapterKind, read_manifest
from inference.adapters.package import AdapterPackage
from inference.base_model import BaseModelSpec
from tests.fixtures.tiny_base import QWEN3_30B_A3B


def base_in(folder: Path) -> BaseModelSpec:
    (folder / "config.json").write_text(json.dumps(QWEN3_30B_A3B))
    return BaseModelSpec.from_config(folder / "config.json", "qwen")


def test_a_blank_adapter_is_fit_and_changes_nothing(tmp_path: Path) -> None:
    base, folder = base_in(tmp_path), tmp_path / "core"
    assert not is_blank(folder)
    write_blank_adapter(base, folder, name="core", kind=AdapterKind.CORE)
    package = AdapterPackage.open(folder)
    check_compatible(package, base)
    assert read_manifest(folder).digest == package.digest
    assert is_blank(folder)
    write_blank_adapter(base, folder, name="core", kind=AdapterKind.CORE)
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["core"]


def test_an_adapter_with_a_broken_manifest_is_not_blank(tmp_path: Path) -> None:
    folder = tmp_path / "core"
    write_blank_adapter(base_in(tmp_path), folder, name="core", kind=AdapterKind.CORE)
    (folder / "manifest.json").write_text("{")
    assert not is_blank(folder)
