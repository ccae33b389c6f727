"""Answers of the local engine that keep to a JSON schema."""

from __future__ import annotations

import json
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from inference.adapters.dtypes import Dtype
from inference.adapters.usage import AdapterRef
from inference.base_model import BaseModelSpec
from inference.engines.errors import SchemaRefused
from inference.engines.port import Finished, FinishReason, GenerationRequest, Message, Sampling, TextDelta
from tests.fakes.adapters import write_adapter

if TYPE_CHECKING:
    from pathlib import Path

    from inference.engines.local import LocalEngine

DIARY = (
    Message("system", "You take notes about training. Answer in JSON."),
    Message("user", 'On Monday I squatted for 2 hours, then slept badly. My coach said: "rest more".'),
)
NOTE = {
    "type": "object",
    "properties": {
        "title": {"type": "string", "maxLength": 24},
        "kind": {"enum": ["sport", "rest", "food"]},
        "hours": {"type": "integer", "minimum": 0, "maximum": 24},
        "tags": {"type": "array", "items": {"type": "string", "maxLength": 10}, "minItems": 1, "maxItems": 3},
        "done": {"type": "boolean"},
    },
    "required": ["title", "kind", "hours", "tags", "done"],
    "additionalProperties": False,
}


def satisfies(value: object, schema: dict[str, Any]) -> bool:
    """JSON schema, as far as these tests use it."""
    if "enum" in schema:
        return value in schema["enum"]
    if "anyOf" in schema:
        return any(satisfies(value, one) for one in schema["anyOf"])
    match schema["type"]:
        case "object":
            properties = schema["properties"]
            return (
                isinstance(value, dict)
                and set(schema["required"]) <= set(value) <= set(properties)
                and all(satisfies(one, properties[name]) for name, one in value.items())
            )
        case "array":
            return (
                isinstance(value, list)
                and schema.get("minItems", 0) <= len(value) <= schema["maxItems"]
                and all(satisfies(one, schema["items"]) for one in value)
            )
        case "string":
            return isinstance(value, str) and schema.get("minLength", 0) <= len(value) <= schema["maxLength"]
        case "integer":
            return type(value) is int and schema["minimum"] <= value <= schema["maximum"]
        case "boolean":
            return isinstance(value, bool)
        case kind:
            return kind == "null" and value is None


async def written(engine: LocalEngine, request: GenerationRequest) -> tuple[list[str], Finished]:
    """Pieces of the answer, and how it ended."""
    *pieces, end = [event async for event in engine.generate(request)]
    assert isinstance(end, Finished)
    return [piece.text for piece in pieces if isinstance(piece, TextDelta)], end


async def answer(engine: LocalEngine, schema: dict[str, Any] | None, **sampling: Any) -> str:
    pieces, _ = await written(engine, GenerationRequest(DIARY, sampling=Sampling(**sampling), schema=schema))
    return "".join(pieces)


@pytest.fixture(scope="session")
def adapter(base_model_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> AdapterRef:
    folder = tmp_path_factory.mktemp("adapter")
    write_adapter(folder, BaseModelSpec.from_config(base_model_dir / "config.json", "base"), dtype=Dtype.F32, size=0.02)
    return AdapterRef(f"schema-{folder.name}", folder)


@pytest.mark.model
@pytest.mark.parametrize("adapted", [False, True], ids=["base", "adapter"])
@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(temperature=0, repetition_penalty=2.0),
        Sampling(temperature=0.7, seed=1),
        Sampling(temperature=1.5, top_p=1.0, repetition_penalty=1.0, seed=2),
    ],
    ids=["greedy", "usual", "hot"],
)
async def test_the_base_model_keeps_to_a_schema(
    sampling: Sampling, adapted: bool, local_engine: LocalEngine, adapter: AdapterRef
) -> None:
    request = GenerationRequest(DIARY, adapter if adapted else None, sampling, NOTE)
    pieces, end = await written(local_engine, request)
    assert end.reason is FinishReason.STOP
    assert len(pieces) > 5
    text = "".join(pieces)
    note = json.loads(text)
    assert satisfies(note, NOTE)
    assert text == json.dumps(note, ensure_ascii=False)


@pytest.mark.model
async def test_the_answer_is_still_about_the_question(local_engine: LocalEngine) -> None:
    schema = {
        "type": "object",
        "properties": {"capital": {"enum": ["Berlin", "Madrid", "Paris", "Rome"]}},
        "required": ["capital"],
        "additionalProperties": False,
    }
    question = Message("user", "What is the capital of France?")
    request = GenerationRequest((question,), sampling=Sampling(temperature=0), schema=schema)
    pieces, _ = await written(local_engine, request)
    assert json.loads("".join(pieces)) == {"capital": "Paris"}


@pytest.mark.model
async def test_free_text_is_not_touched(local_engine: LocalEngine) -> None:
    before = await answer(local_engine, None, max_tokens=15, temperature=0)
    await answer(local_engine, NOTE, max_tokens=15, temperature=0)
    assert await answer(local_engine, None, max_tokens=15, temperature=0) == before
    assert not before.startswith("{")


names = st.text("abcdefgh_é жим", min_size=1, max_size=6)
texts = st.builds(
    lambda shortest, more: {"type": "string", "minLength": shortest, "maxLength": shortest + more},
    st.integers(0, 4),
    st.integers(0, 8),
)
integers = st.builds(
    lambda least, more: {"type": "integer", "minimum": least, "maximum": least + more},
    st.integers(-1000, 1000),
    st.integers(0, 300),
)
choices = st.lists(
    st.one_of(st.text(max_size=5).filter(str.isprintable), st.integers(-99, 99), st.none(), st.just("<|im_end|>")),
    min_size=1,
    max_size=4,
).map(lambda values: {"enum": values})
leaves = st.one_of(texts, integers, choices, st.sampled_from([{"type": "boolean"}, {"type": "null"}]))


def arrays(items: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(
        lambda item, fewest, more: {"type": "array", "items": item, "minItems": fewest, "maxItems": fewest + more},
        items,
        st.integers(0, 2),
        st.integers(0, 2),
    )


@st.composite
def objects(draw: st.DrawFn, properties: st.SearchStrategy[dict[str, Any]]) -> dict[str, Any]:
    fields = draw(st.dictionaries(names, properties, max_size=3))
    required = draw(st.lists(st.sampled_from(sorted(fields)), unique=True)) if fields else []
    return {"type": "object", "properties": fields, "required": required, "additionalProperties": False}


def either(schemas: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.lists(schemas, min_size=1, max_size=2).map(lambda several: {"anyOf": several})


schemas = st.recursive(leaves, lambda inner: st.one_of(arrays(inner), objects(inner), either(inner)), max_leaves=4)


@given(schema=schemas, seed=st.integers(0, 99), temperature=st.sampled_from([0, 0.7, 2.0]))
@example(schema={"enum": ["<|im_end|>"]}, seed=0, temperature=0)
@example(schema={"enum": ["1<|im_start|>я", "<|im_end"]}, seed=3, temperature=2.0)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
async def test_any_bounded_schema_is_kept_to_whatever_the_model_would_say(
    schema: dict[str, Any], seed: int, temperature: float, small_engine: LocalEngine
) -> None:
    """The model is a random one: only the grammar can make it write JSON."""
    sampling = Sampling(max_tokens=2000, temperature=temperature, top_p=1.0, seed=seed)
    pieces, end = await written(small_engine, GenerationRequest(DIARY, sampling=sampling, schema=schema))
    assert end.reason is FinishReason.STOP
    assert satisfies(json.loads("".join(pieces)), schema)


async def test_a_seed_repeats_an_answer(small_engine: LocalEngine) -> None:
    first = await answer(small_engine, NOTE, seed=5)
    assert await answer(small_engine, NOTE, seed=5) == first
    assert await answer(small_engine, NOTE, seed=6) != first


async def test_an_answer_that_does_not_fit_is_cut(small_engine: LocalEngine) -> None:
    request = GenerationRequest(DIARY, sampling=Sampling(max_tokens=6), schema=NOTE)
    pieces, end = await written(small_engine, request)
    assert (end.reason, end.usage.completion_tokens) == (FinishReason.LENGTH, 6)
    assert "".join(pieces).startswith('{"title": "')


async def test_an_answer_that_just_fits_has_ended(small_engine: LocalEngine) -> None:
    whole = '{"a": 1}'
    tokens = len(small_engine.tokenizer.encode(whole))
    schema = {"const": {"a": 1}}
    request = GenerationRequest(DIARY, sampling=Sampling(max_tokens=tokens), schema=schema)
    pieces, end = await written(small_engine, request)
    assert ("".join(pieces), end.reason) == (whole, FinishReason.STOP)
    assert end.usage.completion_tokens == tokens


async def test_a_schema_that_is_refused_costs_nothing(small_engine: LocalEngine, tmp_path: Path) -> None:
    nowhere = AdapterRef("nowhere", tmp_path)
    for schema in ({"type": "nonsense"}, {"type": "array", "uniqueItems": True}):
        with pytest.raises(SchemaRefused):
            _ = [event async for event in small_engine.generate(GenerationRequest(DIARY, nowhere, schema=schema))]
    assert satisfies(json.loads(await answer(small_engine, NOTE, seed=1)), NOTE)


async def test_closing_the_iterator_stops_the_generation(small_engine: LocalEngine) -> None:
    endless = {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 9}, "minItems": 90_000}
    request = GenerationRequest(DIARY, sampling=Sampling(max_tokens=90_000), schema=endless)
    async with aclosing(small_engine.generate(request)) as events:
        await anext(events)
    assert json.loads(await answer(small_engine, {"const": "on"})) == "on"
