"""Packages from strangers: each malformation is refused with its own error and a sentence, and nothing crashes."""

from __future__ import annotations

import json
import pickle
import struct
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inference.adapters.compatibility import check_compatible
from inference.adapters.dtypes import Dtype
from inference.adapters.errors import (
    AdapterError,
    AdapterUnsupported,
    DocumentInvalid,
    PackageChanged,
    PackageUnreadable,
    PathOutsideFolder,
    PickledWeights,
    RankMismatch,
    TensorUnexpected,
    TensorUnpaired,
    WeightsDamaged,
    WeightsNotFinite,
    WrongBaseModel,
)
from inference.adapters.package import AdapterPackage
from tests.fakes.adapters import TINY, tensor_name, write_adapter
from tests.fakes.hostile.edits import (
    CONFIG,
    DEEP,
    Q_A,
    Q_B,
    WEIGHTS,
    Break,
    add_tensors,
    bfloat16_nan,
    cut,
    in_turn,
    link_out,
    nested,
    put,
    remove,
    rename,
    replace_with_pipe,
    rewrite_config,
    rewrite_header,
    set_entry,
    swap_offsets,
    swap_offsets_of_all,
    twice,
    write,
)

MALFORMATIONS: dict[str, tuple[Break, type[AdapterError]]] = {
    # files
    "no weights": (remove(WEIGHTS), PackageUnreadable),
    "no configuration": (remove(CONFIG), PackageUnreadable),
    "a pipe for weights": (replace_with_pipe, PackageUnreadable),
    "a folder for weights": (in_turn(remove(WEIGHTS), lambda f: (f / WEIGHTS).mkdir()), PackageUnreadable),
    "a link to nothing": (in_turn(remove(WEIGHTS), lambda f: (f / WEIGHTS).symlink_to("gone")), PackageUnreadable),
    "a link to itself": (in_turn(remove(WEIGHTS), lambda f: (f / WEIGHTS).symlink_to(WEIGHTS)), PackageUnreadable),
    "weights linked from outside": (link_out(WEIGHTS), PathOutsideFolder),
    "configuration linked from outside": (link_out(CONFIG), PathOutsideFolder),
    "a pickle": (in_turn(remove(WEIGHTS), write("adapter_model.bin", b"PK\3\4")), PickledWeights),
    "a .pt file": (in_turn(remove(WEIGHTS), write("adapter_model.pt", b"PK\3\4")), PickledWeights),
    "a pickle under another name": (write(WEIGHTS, pickle.dumps({"a": 1}, 4)), PickledWeights),
    "a zipped pickle under another name": (write(WEIGHTS, b"PK\3\4" + bytes(100)), PickledWeights),
    # the file of weights
    "empty": (cut(WEIGHTS, 0), WeightsDamaged),
    "seven bytes": (cut(WEIGHTS, 7), WeightsDamaged),
    "length only": (cut(WEIGHTS, 8), WeightsDamaged),
    "cut off in the header": (cut(WEIGHTS, 100), WeightsDamaged),
    "cut off by a byte": (cut(WEIGHTS, -1), WeightsDamaged),
    "cut off in the numbers": (cut(WEIGHTS, -1000), WeightsDamaged),
    "bytes to spare": (lambda f: (f / WEIGHTS).open("ab").write(b"more") and None, WeightsDamaged),
    "a header of 2^63 bytes": (write(WEIGHTS, struct.pack("<Q", 1 << 63) + b"{}"), WeightsDamaged),
    "a header of 17 MB": (write(WEIGHTS, struct.pack("<Q", 17 << 20) + bytes(18 << 20)), WeightsDamaged),
    "an error page": (write(WEIGHTS, b"<!doctype html><title>404</title>" * 9), WeightsDamaged),
    "a header that is no JSON": (rewrite_header(lambda _: b"{nonsense"), WeightsDamaged),
    "a header that is no text": (rewrite_header(lambda _: b"{\xff\xfe}"), WeightsDamaged),
    "a header behind a blank": (rewrite_header(lambda h: " " + json.dumps(h)), WeightsDamaged),
    "a header of five megabytes": (rewrite_header(lambda h: json.dumps(h) + " " * (5 << 20)), WeightsDamaged),
    "a header that is a list": (rewrite_header(lambda _: "[]"), WeightsDamaged),
    "a header too deep": (rewrite_header(lambda _: DEEP), WeightsDamaged),
    "a header with a number too long": (rewrite_header(lambda _: '{"a":' + "9" * 9000 + "}"), WeightsDamaged),
    "no tensors": (rewrite_header(lambda _: "{}", lambda _: b""), WeightsDamaged),
    "a name twice": (rewrite_header(twice), WeightsDamaged),
    "metadata of numbers": (rewrite_header(lambda h: h.update(__metadata__={"format": 1})), WeightsDamaged),
    "an entry that is a list": (rewrite_header(lambda h: h.update({Q_A: []})), WeightsDamaged),
    "an entry without offsets": (rewrite_header(lambda h: h[Q_A].pop("data_offsets") and None), WeightsDamaged),
    "an entry with a stranger": (set_entry(Q_A, strides=[1, 2]), WeightsDamaged),
    "an unknown format": (set_entry(Q_A, dtype="F8_E4M3"), WeightsDamaged),
    "doubles": (set_entry(Q_A, dtype="F64"), WeightsDamaged),
    "a format that is a number": (set_entry(Q_A, dtype=16), WeightsDamaged),
    "one dimension": (set_entry(Q_A, shape=[96]), WeightsDamaged),
    "three dimensions": (set_entry(Q_A, shape=[4, 24, 1]), WeightsDamaged),
    "a dimension of zero": (set_entry(Q_A, shape=[0, 24], data_offsets=[0, 0]), WeightsDamaged),
    "a negative dimension": (set_entry(Q_A, shape=[-4, -24]), WeightsDamaged),
    "a dimension of truth": (set_entry(Q_A, shape=[True, 96]), WeightsDamaged),
    "a fractional dimension": (set_entry(Q_A, shape=[4.0, 24.0]), WeightsDamaged),
    "dimensions past all numbers": (set_entry(Q_A, shape=[10**4000, 10**4000]), WeightsDamaged),
    "a shape without end": (rewrite_header(lambda h: nested(h, "shape")), WeightsDamaged),
    "a format without end": (rewrite_header(lambda h: nested(h, "dtype")), WeightsDamaged),
    "a negative offset": (set_entry(Q_A, data_offsets=[-192, 0]), WeightsDamaged),
    "offsets back to front": (set_entry(Q_A, data_offsets=[192, 0]), WeightsDamaged),
    "offsets past the end": (set_entry(Q_A, data_offsets=[1 << 40, (1 << 40) + 192]), WeightsDamaged),
    "offsets past all numbers": (set_entry(Q_A, data_offsets=[10**4000, 10**4000 + 192]), WeightsDamaged),
    "bytes that do not fit the shape": (set_entry(Q_A, shape=[4, 25]), WeightsDamaged),
    "overlapping tensors": (rewrite_header(swap_offsets), WeightsDamaged),
    "a hole": (rewrite_header(lambda h: h.pop(Q_A) and None), WeightsDamaged),
    # tensors
    "A without B": (add_tensors([tensor_name(0, "down_proj", "A")]), TensorUnpaired),
    "B without A": (add_tensors([tensor_name(0, "down_proj", "B")]), TensorUnpaired),
    "an embedding": (add_tensors(["base_model.model.model.embed_tokens.lora_embedding_A"]), TensorUnexpected),
    "a whole module": (add_tensors(["base_model.model.lm_head.weight"]), TensorUnexpected),
    "a bias": (add_tensors([Q_A.replace("lora_A.weight", "bias")]), TensorUnexpected),
    "a magnitude": (add_tensors([Q_A.replace("lora_A.weight", "lora_magnitude_vector")]), TensorUnexpected),
    "an expert": (rename(Q_A, "base_model.model.model.layers.0.mlp.experts.3.up_proj.lora_A.weight"), TensorUnexpected),
    "a module nobody knows": (rename(Q_A, Q_A.replace("q_proj", "wqkv")), TensorUnexpected),
    "a module in the wrong place": (rename(Q_A, Q_A.replace("self_attn", "mlp")), TensorUnexpected),
    "a layer with a leading zero": (rename(Q_A, Q_A.replace("layers.0", "layers.00")), TensorUnexpected),
    "a layer in other digits": (rename(Q_A, Q_A.replace("layers.0", "layers.٠")), TensorUnexpected),
    "a layer past all layers": (rename(Q_A, Q_A.replace("layers.0", "layers.99999")), TensorUnexpected),
    "a name that climbs": (rename(Q_A, "../../etc/passwd"), TensorUnexpected),
    "an empty name": (rename(Q_A, ""), TensorUnexpected),
    "a very long name": (rename(Q_A, "x" * 100_000), TensorUnexpected),
    "a line break at the end of a name": (rename(Q_A, Q_A + "\n"), TensorUnexpected),
    "another adapter's name inside": (rename(Q_A, Q_A.replace("weight", "default.weight")), TensorUnexpected),
    "two models in one": (rename(Q_A, Q_A.replace("model.layers", "model.vision.layers")), TensorUnexpected),
    "a module not adapted": (rewrite_config(target_modules=["k_proj"]), TensorUnexpected),
    "a module excluded": (rewrite_config(exclude_modules=["q_proj"]), TensorUnexpected),
    "a layer not adapted": (rewrite_config(layers_to_transform=[1, 2]), TensorUnexpected),
    "another rank": (rewrite_config(r=8), RankMismatch),
    "another rank by pattern": (rewrite_config(rank_pattern={"q_proj": 2}), RankMismatch),
    "factors of unequal rank": (set_entry(Q_B, shape=[16, 8]), RankMismatch),
    # the configuration
    "configuration that is no JSON": (write(CONFIG, b"{'r': 8}"), DocumentInvalid),
    "configuration that is no text": (write(CONFIG, b"\xff\xfe\x00"), DocumentInvalid),
    "configuration that is a list": (write(CONFIG, b"[]"), DocumentInvalid),
    "configuration too deep": (write(CONFIG, DEEP.encode()), DocumentInvalid),
    "configuration too large": (write(CONFIG, b" " * (1 << 21)), DocumentInvalid),
    "a setting twice": (write(CONFIG, b'{"r": 4, "lora_alpha": 4, "r": 4}'), DocumentInvalid),
    "a constant that is no JSON": (rewrite_config(lora_dropout=float("nan")), DocumentInvalid),
    "no rank": (write(CONFIG, b'{"lora_alpha": 8}'), DocumentInvalid),
    "a rank of zero": (rewrite_config(r=0), DocumentInvalid),
    "a rank of a million": (rewrite_config(r=10**6), DocumentInvalid),
    "a rank that is text": (rewrite_config(r="4"), DocumentInvalid),
    "an infinite alpha": (rewrite_config(lora_alpha=float("inf")), DocumentInvalid),
    "a negative alpha": (rewrite_config(lora_alpha=-8), DocumentInvalid),
    "a pattern of text": (rewrite_config(rank_pattern={"q_proj": "4"}), DocumentInvalid),
    "layers that are text": (rewrite_config(layers_to_transform=["0"]), DocumentInvalid),
    "another method": (rewrite_config(peft_type="IA3"), AdapterUnsupported),
    "DoRA": (rewrite_config(use_dora=True), AdapterUnsupported),
    "modules to save": (rewrite_config(modules_to_save=["lm_head"]), AdapterUnsupported),
    "added tokens": (rewrite_config(trainable_token_indices=[49152]), AdapterUnsupported),
    "biases": (rewrite_config(bias="all"), AdapterUnsupported),
    "a bias in the product": (rewrite_config(lora_bias=True), AdapterUnsupported),
    "transposed layers": (rewrite_config(fan_in_fan_out=True), AdapterUnsupported),
    "repeated layers": (rewrite_config(layer_replication=[[0, 4], [2, 5]]), AdapterUnsupported),
    "bare parameters": (rewrite_config(target_parameters=["experts.w1"]), AdapterUnsupported),
    "a changed base": (rewrite_config(init_lora_weights="pissa_niter_4"), AdapterUnsupported),
    "a pattern that takes for ever": (rewrite_config(rank_pattern={"(a+)+$": 4}), AdapterUnsupported),
    "a pattern of many stars": (rewrite_config(alpha_pattern={".*.*.*.*.*x": 4}), AdapterUnsupported),
    "a pattern of many alternatives": (rewrite_config(rank_pattern={"(.|.)" * 30 + "x": 4}), AdapterUnsupported),
    "a pattern of many options": (rewrite_config(alpha_pattern={".?" * 40 + "x": 4}), AdapterUnsupported),
    "a pattern that looks around": (rewrite_config(alpha_pattern={"(?=.*.*)q": 4}), AdapterUnsupported),
    "very many patterns": (rewrite_config(alpha_pattern={f"a{n}": 4 for n in range(20_000)}), AdapterUnsupported),
    "many patterns of choices": (rewrite_config(alpha_pattern={f".*.*{n}": 4 for n in range(200)}), AdapterUnsupported),
    "a pattern that is broken": (rewrite_config(alpha_pattern={"q_proj(": 4}), AdapterUnsupported),
    "a pattern with flags inside": (rewrite_config(alpha_pattern={"(?i)Q_PROJ": 4}), AdapterUnsupported),
    "a pattern too long": (rewrite_config(alpha_pattern={"q" * 300: 4}), AdapterUnsupported),
    # the numbers
    "infinity": (put(float("inf"), Dtype.F32), WeightsNotFinite),
    "minus infinity first": (put(float("-inf"), Dtype.F32, 0), WeightsNotFinite),
    "not a number": (put(float("nan"), Dtype.F32), WeightsNotFinite),
    "not a number in halves": (put(float("nan"), Dtype.F16), WeightsNotFinite),
    "minus infinity in halves": (put(float("-inf"), Dtype.F16), WeightsNotFinite),
    "infinity in bfloat16": (put(float("inf"), Dtype.BF16), WeightsNotFinite),
    "minus infinity in bfloat16": (put(float("-inf"), Dtype.BF16), WeightsNotFinite),
    "not a number in bfloat16": (bfloat16_nan, WeightsNotFinite),
    # the base
    "too many layers": (
        in_turn(rename(Q_A, Q_A.replace(".0.", ".77.")), rename(Q_B, Q_B.replace(".0.", ".77."))),
        WrongBaseModel,
    ),
    "another width": (in_turn(set_entry(Q_A, shape=[3, 32]), rewrite_config(r=3)), RankMismatch),
    "another model's layers": (
        rewrite_header(lambda h: {n.replace("model.layers", "decoder.layers"): e for n, e in h.items()}),
        WrongBaseModel,
    ),
    "another base by name": (rewrite_config(base_model_name_or_path="Qwen/Qwen3-0.6B"), WrongBaseModel),
}


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return write_adapter(tmp_path / "good", modules=["q_proj"], layers=[0, 1, 2]).folder


def test_the_package_they_all_start_from_is_good(good: Path) -> None:
    check_compatible(AdapterPackage.open(good), TINY)


@pytest.mark.parametrize("malformation", MALFORMATIONS)
def test_is_refused_with_a_sentence(good: Path, malformation: str) -> None:
    damage, error = MALFORMATIONS[malformation]
    damage(good)
    with pytest.raises(AdapterError) as refused:
        check_compatible(AdapterPackage.open(good), TINY)
    assert type(refused.value) is error, str(refused.value)
    assert 20 < len(str(refused.value)) < 1500
    assert str(good) in str(refused.value)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(PackageUnreadable, match="nowhere"):
        AdapterPackage.open(tmp_path / "nowhere")


def test_a_pickle_is_refused_with_the_command_that_converts_it(good: Path, tmp_path: Path) -> None:
    """The command is the remedy, so it has to work as it stands, also for a folder with a quote in its name."""
    import subprocess
    import sys

    torch = pytest.importorskip("torch")
    folder = tmp_path / "it's $HOME"
    good.rename(folder)
    from safetensors.torch import load_file

    tensors = load_file(folder / WEIGHTS)
    (folder / WEIGHTS).unlink()
    torch.save(tensors, folder / "adapter_model.bin")
    with pytest.raises(PickledWeights) as refused:
        AdapterPackage.open(folder)
    command = str(refused.value.details["command"]).replace("python", sys.executable, 1)
    subprocess.run(command, shell=True, check=True)
    check_compatible(AdapterPackage.open(folder), TINY)


def test_weights_replaced_after_opening_are_noticed(good: Path, tmp_path: Path) -> None:
    package = AdapterPackage.open(good)
    other = write_adapter(tmp_path / "other", seed=9, modules=["q_proj"], layers=[0, 1, 2])
    (other.folder / WEIGHTS).replace(good / WEIGHTS)
    with pytest.raises(PackageChanged):
        package.verify()


def test_a_damaged_header_says_what_and_where(good: Path) -> None:
    set_entry(Q_A, shape=[4, 25])(good)
    with pytest.raises(WeightsDamaged, match=r"q_proj\.lora_A\.weight” has 192 bytes where its shape needs 200"):
        AdapterPackage.open(good)


def test_a_mistake_in_the_configuration_is_found_by_line(good: Path) -> None:
    (good / CONFIG).write_text('{\n  "lora_alpha": 8,\n  "r": "four"\n}')
    with pytest.raises(DocumentInvalid, match=r"adapter_config\.json, line 3: “r”"):
        AdapterPackage.open(good)


def test_both_bases_are_named(good: Path) -> None:
    rewrite_config(base_model_name_or_path="Qwen/Qwen3-0.6B")(good)
    with pytest.raises(WrongBaseModel, match=r"“Qwen/Qwen3-0\.6B”, not for “tiny”"):
        check_compatible(AdapterPackage.open(good), TINY)


@pytest.mark.parametrize(
    "name", ["tiny", "someone/Tiny", "/home/x/checkpoints/7", "./local", "~/models/y", "C:\\models", "a/b/c", ""]
)
def test_the_same_base_under_another_owner_or_path_is_no_other_base(good: Path, name: str) -> None:
    rewrite_config(base_model_name_or_path=name)(good)
    check_compatible(AdapterPackage.open(good), TINY)


def test_a_link_inside_the_folder_is_fine(good: Path) -> None:
    (good / WEIGHTS).rename(good / "weights-1.safetensors")
    (good / WEIGHTS).symlink_to("weights-1.safetensors")
    check_compatible(AdapterPackage.open(good), TINY)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_flipped_bytes_are_refused_or_harmless(good: Path, data: st.DataObject) -> None:
    """Damage anywhere in the head of the file ends in our own errors, whatever it hits."""
    original = (good / WEIGHTS).read_bytes()
    damaged = bytearray(original)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, 1400))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del damaged[data.draw(st.integers(0, len(damaged))) :]
    (good / WEIGHTS).write_bytes(damaged)
    try:
        with suppress(AdapterError):
            check_compatible(AdapterPackage.open(good), TINY)
    finally:
        (good / WEIGHTS).write_bytes(original)


@pytest.mark.parametrize(
    "pattern",
    ["q_proj", r"layers\.\d+\.self_attn\.(q|k)_proj", ".*q_proj", "model.layers.0.self_attn.q_proj", "(?:q|k)_proj"],
)
def test_patterns_people_write_are_taken(good: Path, pattern: str) -> None:
    rewrite_config(alpha_pattern={pattern: 2})(good)
    assert AdapterPackage.open(good).layers[0]["q_proj"].scale == 0.5


HOSTILE_NAME = "\x1b[2J\x1b]0;owned\x07\nall is well\u202e" + "x" * 500_000


@pytest.mark.parametrize(
    "damage",
    [
        rename(Q_A, HOSTILE_NAME),
        in_turn(rename(Q_A, HOSTILE_NAME), rewrite_header(swap_offsets_of_all)),
        set_entry(Q_A, dtype=HOSTILE_NAME),
        set_entry(Q_A, shape=[HOSTILE_NAME]),
        rename(Q_A, f"base_model.model.{'a.' * 100_000}layers.0.self_attn.q_proj.lora_A.weight"),
        rewrite_config(base_model_name_or_path=HOSTILE_NAME),
        rewrite_config(peft_type=HOSTILE_NAME),
        rewrite_config(rank_pattern={HOSTILE_NAME: 4}),
        rewrite_config(rank_pattern={HOSTILE_NAME: "4"}),
        rewrite_config(init_lora_weights=f"pissa{HOSTILE_NAME}"),
        write("manifest.json", json.dumps({HOSTILE_NAME: 1}).encode()),
    ],
)
def test_what_strangers_wrote_is_shown_short_and_harmless(good: Path, damage: Break) -> None:
    damage(good)
    with pytest.raises(AdapterError) as refused:
        check_compatible(AdapterPackage.open(good), TINY)
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 6000


def test_a_folder_of_a_hostile_name_is_shown_harmless(good: Path, tmp_path: Path) -> None:
    folder = tmp_path / "\x1b[2J\n"
    good.rename(folder)
    (folder / CONFIG).unlink()
    with pytest.raises(PackageUnreadable, match=r"\\x1b\[2J\\n") as refused:
        AdapterPackage.open(folder)
    assert str(refused.value).isprintable()
