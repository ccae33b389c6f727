"""Vectors without what all texts of one language have in common, so that texts of two languages can be compared.

A multilingual model puts the texts of a language near each other, whatever they are about: beside Russian passages a
Russian question finds its English answer late. Taking off a language's mean is known to mend that (Libovický, Rosa and
Fraser, "On the Language Neutrality of Pre-trained Multilingual Representations", Findings of EMNLP 2020). The means
here are those of a few sentences about everything and nothing. They are the same for every library and person, so that
vectors never have to be made again because a library has grown.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Final

import numpy as np
import structlog
from blake3 import blake3

from consilium.files import atomic_file
from consilium.single_flight import SingleFlight
from inference.embedding.port import E5, LoadableEmbedder, Purpose, default_prefixes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

log = structlog.get_logger(__name__)

_CYRILLIC: Final = re.compile(r"[\u0400-\u052f]")
_LATIN: Final = re.compile(r"[a-z\u00c0-\u024f]", re.IGNORECASE)
_SAMPLE_CHARACTERS: Final = 2000
"""Of a text, from which its language is told."""
_PURPOSES: Final[tuple[Purpose, ...]] = ("passage", "query")

SENTENCES: Final = (
    ("When does the shop on the corner open?", "Когда открывается магазин на углу?"),
    ("The river freezes in December and thaws in April.", "Река замерзает в декабре и вскрывается в апреле."),
    ("How long should the soup be boiled?", "Сколько времени нужно варить суп?"),
    ("My brother has moved to another city for work.", "Мой брат переехал в другой город из-за работы."),
    ("Who wrote this novel and in what year?", "Кто написал этот роман и в каком году?"),
    (
        "The committee put off its decision until the next meeting.",
        "Комитет отложил решение до следующей встречи.",
    ),
    ("Why does iron rust faster in salt water?", "Почему железо быстрее ржавеет в солёной воде?"),
    ("She plays the violin in a small orchestra.", "Она играет на скрипке в небольшом оркестре."),
    ("Which medicine helps against a headache?", "Какое лекарство помогает от головной боли?"),
    ("Prices for flats have risen by a third since spring.", "Цены на квартиры выросли с весны на треть."),
    ("How do I reset the password of my account?", "Как сбросить пароль от моей учётной записи?"),
    ("The cat sleeps on the windowsill all day.", "Кошка весь день спит на подоконнике."),
    ("What did the ancient Greeks think about justice?", "Что древние греки думали о справедливости?"),
    ("A light rain fell over the fields toward evening.", "К вечеру над полями прошёл лёгкий дождь."),
    ("Where can I buy a ticket for the night train?", "Где купить билет на ночной поезд?"),
    ("The engine overheats when the car climbs a hill.", "Двигатель перегревается, когда машина едет в гору."),
    ("How many children were in the group?", "Сколько детей было в группе?"),
    ("He thanked everybody and left the room.", "Он всех поблагодарил и вышел из комнаты."),
    ("What is the difference between a virus and a bacterium?", "Чем вирус отличается от бактерии?"),
    ("The army crossed the border in the early morning.", "Армия перешла границу ранним утром."),
    ("How should I prepare for an exam in mathematics?", "Как готовиться к экзамену по математике?"),
    ("Two thirds of the members voted for the new law.", "Две трети депутатов проголосовали за новый закон."),
    ("Can you recommend a good film for tonight?", "Можешь посоветовать хороший фильм на вечер?"),
    ("The programme reads the file and counts the words in it.", "Программа читает файл и считает в нём слова."),
    ("What does a person need to be happy?", "Что нужно человеку для счастья?"),
    ("The bridge was built of stone in the last century.", "Мост построили из камня в прошлом веке."),
    ("Why am I so tired after lunch?", "Почему я так устаю после обеда?"),
    ("Wheat, barley and potatoes are grown in this region.", "В этом районе выращивают пшеницу, ячмень и картофель."),
    ("Which team won the match yesterday?", "Какая команда вчера выиграла матч?"),
    ("Light travels faster than sound.", "Свет распространяется быстрее звука."),
    ("How can I talk to my son about money?", "Как поговорить с сыном о деньгах?"),
    ("The patient was advised to walk for an hour every day.", "Пациенту посоветовали каждый день гулять по часу."),
    ("What is the capital of this country?", "Какая столица у этой страны?"),
    ("They argued for a long time and parted as friends.", "Они долго спорили и расстались друзьями."),
    ("Is it worth learning a third language?", "Стоит ли учить третий язык?"),
    (
        "The firm closed its office and dismissed most workers.",
        "Компания закрыла офис и уволила почти всех работников.",
    ),
    ("How is bread made without yeast?", "Как пекут хлеб без дрожжей?"),
    ("The moon was hidden behind the clouds.", "Луна скрылась за облаками."),
    ("What happens to the temperature when pressure falls?", "Что происходит с температурой, когда падает давление?"),
    ("I have lost my keys somewhere near the school.", "Я потерял ключи где-то возле школы."),
)
"""The same sentences in English and in Russian."""


def centre_if_needed(embedder: LoadableEmbedder, model: str, cache_dir: Path | None = None) -> LoadableEmbedder:
    """The embedder, centred if its model is one of the E5 family, whose vectors depend much on the language.

    Args:
        cache_dir: where the means are kept between starts; None for nowhere.
    """
    return CentredEmbedder(embedder, cache_dir) if default_prefixes(model) is E5 else embedder


class CentredEmbedder:
    """An `Embedder` that takes the mean of a text's language off another embedder's vectors."""

    def __init__(self, embedder: LoadableEmbedder, cache_dir: Path | None = None) -> None:
        """Set up, without embedding anything.

        Args:
            embedder: closed with this one.
            cache_dir: where the means are kept between starts; None for nowhere.
        """
        self._embedder = embedder
        self._cache_dir = cache_dir
        self._means: Vectors | None = None
        self._flight: SingleFlight[str, Vectors] = SingleFlight()
        self._version = blake3(repr(SENTENCES).encode()).hexdigest()[:6]

    @property
    def name(self) -> str:
        return f"{self._embedder.name}-{self._version}"

    @property
    def dimensions(self) -> int:
        return self._embedder.dimensions

    async def start(self) -> None:
        """Load the model, and compute the means.

        Raises:
            InferenceError: as the embedder does.
        """
        await self._embedder.start()
        await self._get_means()

    async def embed(self, texts: Sequence[str], purpose: Purpose = "passage") -> Vectors:
        """See `Embedder.embed`."""
        english, russian = (await self._get_means())[_PURPOSES.index(purpose)]
        vectors = await self._embedder.embed(texts, purpose)
        shares = np.array([[latin_share(text)] for text in texts], np.float32).reshape(-1, 1)
        return to_unit_length(vectors - (shares * english + (1 - shares) * russian))

    async def close(self) -> None:
        await self._embedder.close()

    async def _get_means(self) -> Vectors:
        if self._means is None:
            self._means = await self._flight.run("means", self._load_means)
        return self._means

    async def _load_means(self) -> Vectors:
        """The means by purpose, then by language (English, Russian): (2, 2, dimensions)."""
        file = self._cache_dir / f"means-{blake3(self.name.encode()).hexdigest(8)}.npy" if self._cache_dir else None
        known = await asyncio.to_thread(_read_means, file) if file else None
        if known is not None and known.shape == (len(_PURPOSES), 2, self.dimensions):
            return known
        texts = [text for language in zip(*SENTENCES, strict=True) for text in language]
        vectors = [await self._embedder.embed(texts, purpose) for purpose in _PURPOSES]
        means = np.stack([[half.mean(axis=0) for half in np.split(made, 2)] for made in vectors])
        if file:
            await asyncio.to_thread(_write_means, file, means)
        return means


def latin_share(text: str) -> float:
    """The share of Latin letters among Latin and Cyrillic ones: 0 to 1; one half for a text without either."""
    sample = text[:_SAMPLE_CHARACTERS]
    latin, cyrillic = len(_LATIN.findall(sample)), len(_CYRILLIC.findall(sample))
    return latin / (latin + cyrillic) if latin + cyrillic else 0.5


def to_unit_length(vectors: Vectors) -> Vectors:
    """The rows scaled to length 1; rows of zeros stay as they are."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Vectors = (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    return unit


def _read_means(file: Path) -> Vectors | None:
    """What an earlier start kept; None if there is nothing, or nothing that can be read."""
    try:
        means: Vectors = np.load(file)
    except (OSError, ValueError, EOFError):
        return None
    return means


def _write_means(file: Path, means: Vectors) -> None:
    """Keep the means for the next start, written beside their place and moved there whole."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(file, durable=False) as stream:
            np.save(stream, means)
    except OSError as error:
        log.warning("embedder.means_not_kept", file=str(file), reason=error)
