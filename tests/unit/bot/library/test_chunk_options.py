"""What a stored document is compared by to see whether it has to be chunked again."""

import pytest

from bot.app.settings import DEMO_MIND
from bot.library.chunk_options import chunking_hash
from bot.minds import load_mind


@pytest.mark.parametrize(
    ("collection", "digest"),
    [
        ("articles", "d8c3f192f4508cdb"),
        ("diaries", "394a6827fb9cd6f7"),
        ("tables", "7715ef7fa5f4fb00"),
        ("voice", "1c3d5a6f9e13f56d"),
    ],
)
def test_chunking_hash_is_stable_across_releases(collection: str, digest: str) -> None:
    # Another hash has every stored document read, chunked and embedded again.
    mind = load_mind(DEMO_MIND, require_adapters=False)
    assert chunking_hash(mind.collections[collection], "SmolLM2") == digest
