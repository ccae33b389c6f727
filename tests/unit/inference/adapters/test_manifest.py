"""The manifest beside the weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inference.adapters.compatibility import check_compatible
from inference.adapters.compose import compose
from inference.adapters.dtypes import Dtype
from inference.adapters.errors import DigestMismatch, DocumentInvalid, PackageUnreadable, WrongBaseModel
from inference.adapters.manifest import AdapterKind, AdapterManifest, find_manifest, read_manifest, write_manifest
from inference.adapters.package import AdapterPackage
from inference.adapters.parts import Part
from tests.fakes.adapters import TINY, tensor_name, write_adapter, write_config, write_tensors


def manifest_for(package: AdapterPackage, **changes: Any) -> AdapterManifest:
    fields = {"name": "sport", "kind": AdapterKind.TOPIC, "base_model": "tiny", "digest": package.digest}
    return AdapterManifest(**(fields | changes))


@pytest.fixture
def package(tmp_path: Path) -> AdapterPackage:
    return AdapterPackage.open(write_adapter(tmp_path / "in").folder)


def test_is_written_and_read_again(package: AdapterPackage) -> None:
    manifest = manifest_for(package, trained_on="0" * 64, recipe={"rank": 8, "seed": 1}, figures={"loss": 1.25})
    write_manifest(package.folder, manifest)
    assert read_manifest(package.folder) == manifest
    assert [path.name for path in package.folder.iterdir() if path.name.startswith(".")] == []
    opened = AdapterPackage.open(package.folder)
    assert opened.manifest == manifest
    check_compatible(opened, TINY)


def test_names_are_of_any_script(package: AdapterPackage) -> None:
    assert manifest_for(package, name="спорт-2").name == "спорт-2"


def test_an_adapter_trained_elsewhere_has_none(package: AdapterPackage) -> None:
    assert package.manifest is None
    assert find_manifest(package.folder) is None
    with pytest.raises(PackageUnreadable):
        read_manifest(package.folder)


def test_other_weights_than_the_manifest_says_are_noticed(package: AdapterPackage, tmp_path: Path) -> None:
    write_manifest(package.folder, manifest_for(package))
    write_adapter(package.folder, seed=5)
    with pytest.raises(DigestMismatch):
        check_compatible(AdapterPackage.open(package.folder), TINY)
    with pytest.raises(DigestMismatch):
        compose([Part(AdapterPackage.open(package.folder))], TINY, tmp_path / "out")


def test_the_manifest_knows_the_base_better_than_the_configuration(package: AdapterPackage) -> None:
    write_manifest(package.folder, manifest_for(package, base_model="SmolLM2-135M-Instruct"))
    with pytest.raises(WrongBaseModel, match="SmolLM2-135M-Instruct"):
        check_compatible(AdapterPackage.open(package.folder), TINY)


@pytest.mark.parametrize(
    ("change", "line", "said"),
    [
        ({"kind": "subject"}, 4, "kind"),
        ({"name": "../core"}, 3, "name"),
        ({"name": "a/b"}, 3, "name"),
        ({"name": ""}, 3, "name"),
        ({"digest": "abc"}, 6, "digest"),
        ({"base_model": None}, 5, "base_model"),
        ({"figures": {"loss": "low"}}, 7, "figures.loss"),
        ({"format": 2}, 2, "format"),
        ({"colour": "blue"}, 8, "colour"),
    ],
)
def test_a_mistake_is_found_by_line(package: AdapterPackage, change: dict[str, Any], line: int, said: str) -> None:
    fields = {
        "format": 1,
        "name": "sport",
        "kind": "topic",
        "base_model": "tiny",
        "digest": package.digest,
        "figures": {},
    }
    text = "{\n" + ",\n".join(f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in (fields | change).items()) + "\n}"
    (package.folder / "manifest.json").write_text(text)
    with pytest.raises(DocumentInvalid, match=rf"manifest\.json, line {line}: “{said}”"):
        AdapterPackage.open(package.folder)


def test_half_a_manifest_is_found_by_line(package: AdapterPackage) -> None:
    (package.folder / "manifest.json").write_text('{\n  "format": 1,\n  "name": \n')
    with pytest.raises(DocumentInvalid, match="line 4"):
        AdapterPackage.open(package.folder)


def test_the_digest_is_of_what_the_adapter_does(tmp_path: Path) -> None:
    """Equal deltas by equal factors have equal digests; a change of scale, format or one number has another."""
    digests = [
        AdapterPackage.open(write_adapter(tmp_path / str(number), **settings).folder).digest
        for number, settings in enumerate(
            [
                {},
                {"base_model_name_or_path": "elsewhere/tiny"},
                {"alpha": 9},
                {"use_rslora": True},
                {"dtype": Dtype.F32},
                {"seed": 1},
                {"alphas": {"q_proj": 2}},
                {"layers": range(11)},
            ]
        )
    ]
    assert digests[0] == digests[1]
    assert len(set(digests[1:])) == len(digests) - 1


def test_the_digest_never_changes(tmp_path: Path) -> None:
    """Manifests in the world hold digests: another way to compute them would disown every adapter trained so far."""
    folder = tmp_path / "in"
    folder.mkdir()
    ramp = {name: np.arange(24, dtype=np.float32).reshape(shape) for name, shape in (("A", (2, 12)), ("B", (12, 2)))}
    tensors = {tensor_name(3, "q_proj", name): (values, Dtype.BF16) for name, values in ramp.items()}
    tensors |= {tensor_name(12, "q_proj", name): (-values, Dtype.F32) for name, values in ramp.items()}
    write_tensors(folder / "adapter_model.safetensors", tensors)
    write_config(folder, r=2, lora_alpha=3, target_modules=["q_proj"])
    assert AdapterPackage.open(folder).digest == "bf68cbaa7e3c75085f9d3e995473bfd3036a5dfc197ce6d6c62d802a480882eb"
