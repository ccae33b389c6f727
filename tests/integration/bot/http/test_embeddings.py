"""Embeddings as OpenAI's official client receives them."""

from __future__ import annotations

import numpy as np
import openai
import pytest

from tests.integration.bot.http.conftest import Served


async def test_vectors_in_both_formats(served: Served) -> None:
    create = served.client().embeddings.create
    texts = ["How do I rest?", "Как мне отдыхать?", "The price of copper."]
    floats = await create(model="any", input=texts, encoding_format="float")
    packed = await create(model="any", input=texts)  # the client asks for base64 and unpacks it
    assert [each.index for each in floats.data] == [0, 1, 2]
    vectors = np.array([each.embedding for each in floats.data])
    assert vectors.shape == (3, 384)
    assert np.allclose(vectors, np.array([each.embedding for each in packed.data]), atol=1e-6)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
    assert floats.usage.total_tokens > 5
    assert "e5" in floats.model
    single = await create(model="any", input="How do I rest?", dimensions=384)
    assert np.allclose(single.data[0].embedding, vectors[0], atol=1e-3)


@pytest.mark.parametrize(
    ("more", "param"),
    [({"dimensions": 5}, "dimensions"), ({"input": []}, "input"), ({"input": [1, 2]}, "input"),
     ({"input": [""]}, "input"), ({"input": ["x"] * 2049}, "input"), ({"encoding_format": "int8"}, "encoding_format"),
     ({"input": ["x" * 300_000] * 2}, "input")],
)  # fmt: skip
async def test_invalid_embeddings(served: Served, more: dict[str, object], param: str) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        await served.client().embeddings.create(**{"model": "any", "input": "x", "encoding_format": "float", **more})  # type: ignore[arg-type]
    assert str(refused.value.param).startswith(param)


async def test_tokens_are_charged_to_the_key(served: Served) -> None:
    for limit in ("tokens_per_minute", "tokens_per_day"):
        async with served.with_key(await served.make_key(**{limit: 10})) as http:
            wrong = await http.post("/v1/embeddings", json={"model": "any", "input": "word " * 50, "dimensions": 5})
            assert wrong.status_code == 400, "what is refused costs nothing"
            first = await http.post("/v1/embeddings", json={"model": "any", "input": "word " * 50})
            assert first.json()["usage"]["total_tokens"] > 10
            second = await http.post("/v1/embeddings", json={"model": "any", "input": "word"})
            assert (second.status_code, second.json()["error"]["code"]) == (429, "rate_limit_exceeded")
