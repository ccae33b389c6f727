"""What a stored document is compared by to see whether it has to be chunked again."""

import pytest

from bot.app.settings import DEMO_MIND
from bot.library.chunk_options import chunking_hash
from bot.minds import load_mind
from bot.minds.schema import CollectionKind


@pytest.mark.parametrize(
    ("collection", "digest"),
    [
        ("articles", "119284eaf17304cb"),
        ("diaries", "f4b7066775257312"),
        ("tables", "ecaa914e835d13b7"),
    ],
)
def test_chunking_hash_is_stable_across_releases(collection: str, digest: str) -> None:
    # Another hash has every stored document read, chunked and embedded again.
    mind = load_mind(DEMO_MIND, require_adapters=False)
    assert chunking_hash(mind.collections[collection], "SmolLM2") == digest


def test_chunking_hash_of_style_examples_is_stable_too() -> None:
    articles = load_mind(DEMO_MIND, require_adapters=False).collections["articles"]
    voice = articles.model_copy(update={"kind": CollectionKind.VOICE, "language": ("en",)})
    assert chunking_hash(voice, "SmolLM2") == "db34db4f1e71b43c"
