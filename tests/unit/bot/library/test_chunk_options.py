"""What a stored document is compared by to see whether it has to be chunked again."""

import pytest

from bot.app.settings import DEMO_MIND
from bot.library.chunk_options import chunking_hash
from bot.minds import load_mind


@pytest.mark.parametrize(
    ("collection", "digest"),
    [
        ("articles", "4ca2485b84ad7cb5"),
        ("diaries", "922ac69a0804cf76"),
        ("tables", "91950f26f312649d"),
        ("voice", "38ce1a3034bdeabe"),
    ],
)
def test_chunking_hash_is_stable_across_releases(collection: str, digest: str) -> None:
    # Another hash has every stored document read, chunked and embedded again.
    mind = load_mind(DEMO_MIND, require_adapters=False)
    assert chunking_hash(mind.collections[collection], "SmolLM2") == digest
