"""Grammars of JSON schemas, and what they do to the scores of a step."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from inference.engines.errors import GenerationFailed, ModelNotLoadable, SchemaRefused
from inference.engines.local.grammar import Grammar, GrammarCompiler
from inference.engines.local.sampling import GrammarMask, GrammarStoppingCriteria

if TYPE_CHECKING:
    from pathlib import Path

END = 0
PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 8}, "age": {"type": "integer", "minimum": 1, "maximum": 99}},
    "required": ["name", "age"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tokenizer of single bytes, some pairs of letters, and an end mark; it cuts texts to four tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=270, special_tokens=["<|end|>"], initial_alphabet=alphabet)
    tokenizer.train_from_iterator(["running resting rain iron tin"] * 5, trainer)
    tokenizer.enable_truncation(4)
    folder = tmp_path_factory.mktemp("tokenizer")
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


@pytest.fixture(scope="module")
def tokenizer(folder: Path) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    return tokenizer


@pytest.fixture(scope="module")
def grammars(folder: Path) -> GrammarCompiler:
    return GrammarCompiler(folder, [END])


def ids(tokenizer: Tokenizer, text: str) -> list[int]:
    encoded: list[int] = tokenizer.encode(text).ids
    return encoded


def follows(grammar: Grammar, tokens: list[int]) -> bool:
    """Whether the grammar allows these tokens, one after the other."""
    for token in tokens:
        if not grammar.allowed_tokens()[token]:
            return False
        grammar.consume(token)
    return True


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ('{"name": "iron", "age": 7}', True),
        ('{"name": "\\"", "age": 99}', True),
        ('{"name": "жим", "age": 12}', True),
        ('{"name": "", "age": 1}', True),
        ('{"name":"iron","age":7}', False),
        ('{ "name": "iron", "age": 7}', False),
        (' {"name": "iron", "age": 7}', False),
        ('{"age": 7, "name": "iron"}', False),
        ('{"name": "iron", "age": 100}', False),
        ('{"name": "iron", "age": 7.5}', False),
        ('{"name": "ironiron9", "age": 7}', False),
        ('{"name": "\n", "age": 7}', False),
        ('{"name": "iron"}', False),
        ('{"name": "iron", "age": 7, "more": 1}', False),
    ],
)
def test_only_what_satisfies_the_schema_in_one_layout(
    text: str, good: bool, grammars: GrammarCompiler, tokenizer: Tokenizer
) -> None:
    grammar = grammars.compile(PERSON)
    assert follows(grammar, ids(tokenizer, text)) is good
    assert grammar.is_complete is good


def test_an_open_end_is_the_models_to_choose(grammars: GrammarCompiler, tokenizer: Tokenizer) -> None:
    grammar = grammars.compile({"type": "integer"})
    assert not grammar.allowed_tokens()[END]
    assert follows(grammar, ids(tokenizer, "12"))
    assert not grammar.is_complete
    assert grammar.allowed_tokens()[END]
    grammar.consume(END)
    assert grammar.is_complete


def test_a_schema_may_not_change_the_layout(grammars: GrammarCompiler, tokenizer: Tokenizer) -> None:
    grammar = grammars.compile({"type": "array", "x-guidance": {"whitespace_flexible": True}})
    assert not follows(grammar, ids(tokenizer, "[  1]"))


def test_each_answer_goes_its_own_way(grammars: GrammarCompiler, tokenizer: Tokenizer) -> None:
    first, second = grammars.compile(PERSON), grammars.compile(PERSON)
    assert follows(first, ids(tokenizer, '{"name": "i'))
    assert follows(second, ids(tokenizer, '{"name": "iron", "age": 7}'))
    assert follows(first, ids(tokenizer, 'n", "age": 8}'))


LOOP: dict[str, Any] = {}
LOOP["items"] = LOOP


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"type": "nonsense"}, "nonsense"),
        ({"type": "array", "uniqueItems": True}, "uniqueItems"),
        ({"not": {"type": "string"}}, "not"),
        ({"$ref": "https://example.org/schema.json"}, r"example\.org"),
        ({"$ref": "#/$defs/nowhere"}, "nowhere"),
        ({"type": "integer", "minimum": 5, "maximum": 3}, "minimum"),
        ({"type": "string", "pattern": "(?=a)b"}, "look-around"),
        ({"type": "object", "required": ["a"], "additionalProperties": False}, "'a'"),
        ({"const": "\ud800"}, "escape"),
        ({"const": float("nan")}, "value"),
        ({"enum": {1, 2}}, "set"),
        (LOOP, "[Cc]ircular"),
    ],
)
def test_what_no_grammar_can_keep_to_is_refused(schema: dict[str, Any], reason: str, grammars: GrammarCompiler) -> None:
    with pytest.raises(SchemaRefused, match=reason) as refused:
        grammars.compile(schema)
    assert "\n" not in str(refused.value)
    assert grammars.compile(PERSON).allowed_tokens().any()


def test_a_schema_as_deep_as_no_stack_is_refused(grammars: GrammarCompiler) -> None:
    schema: dict[str, Any] = {"type": "integer"}
    for _ in range(5000):
        schema = {"type": "array", "items": schema}
    with pytest.raises(SchemaRefused):
        grammars.compile(schema)


def test_a_token_that_is_not_allowed_is_an_error(grammars: GrammarCompiler, tokenizer: Tokenizer) -> None:
    grammar = grammars.compile(PERSON)
    with pytest.raises(GenerationFailed):
        grammar.consume(ids(tokenizer, "r")[0])


def test_a_tokenizer_that_cannot_be_read_is_the_models_fault(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text(json.dumps({"model": {"type": "Telepathy"}}))
    with pytest.raises(ModelNotLoadable, match=r"tokenizer\.json"):
        GrammarCompiler(tmp_path, [END]).compile(PERSON)


def masked(grammar: Grammar, scores: torch.Tensor, answer: list[int], penalty: float = 2.0) -> torch.Tensor:
    """One step after `answer`, whose prompt is every token there is."""
    prompt = list(range(scores.shape[-1]))
    step = GrammarMask(grammar, len(prompt), penalty)
    return step(torch.tensor([prompt + answer]), scores)[0]  # type: ignore[arg-type]  # plain tensors do


def test_what_is_not_allowed_is_out_of_reach(grammars: GrammarCompiler, tokenizer: Tokenizer) -> None:
    grammar = grammars.compile({"enum": ["ab", "ac"]})
    answer = ids(tokenizer, '"a')
    assert follows(grammar, answer)
    left = masked(grammar, torch.zeros(1, tokenizer.get_vocab_size()), answer)
    assert sorted(tokenizer.decode([int(i)]) for i in left.isfinite().nonzero()) == ["b", "c"]


@pytest.mark.parametrize("extra", [-40, 0, 7])
def test_a_model_may_know_more_or_fewer_tokens(extra: int, grammars: GrammarCompiler, tokenizer: Tokenizer) -> None:
    size = tokenizer.get_vocab_size()
    left = masked(grammars.compile(PERSON), torch.zeros(1, size + extra), [])
    assert left.shape == (size + extra,)
    assert not left[size:].isfinite().any()
    assert left[ids(tokenizer, "{")[0]] == 0


def test_in_a_text_the_answers_own_words_are_penalised_and_nothing_else(
    grammars: GrammarCompiler, tokenizer: Tokenizer
) -> None:
    grammar = grammars.compile({"type": "array", "items": {"type": "string", "maxLength": 20}})
    answer = ids(tokenizer, '["x", "x, ')
    assert follows(grammar, answer)
    left = masked(grammar, torch.ones(1, tokenizer.get_vocab_size()), answer)
    penalised = {tokenizer.decode([int(i)]) for i in (left == 0.5).nonzero()}
    assert penalised == {"x", " "}


def test_where_the_grammar_lists_the_choices_nothing_is_penalised(
    grammars: GrammarCompiler, tokenizer: Tokenizer
) -> None:
    grammar = grammars.compile({"type": "array", "items": {"enum": ["a", "b"]}})
    answer = ids(tokenizer, '["a", "')
    assert follows(grammar, answer)
    left = masked(grammar, torch.ones(1, tokenizer.get_vocab_size()), answer)
    assert set(left[left.isfinite()].tolist()) == {1.0}


def test_an_answer_ends_with_its_grammar(grammars: GrammarCompiler, tokenizer: Tokenizer) -> None:
    end = GrammarStoppingCriteria(grammars.compile({"const": [1]}))
    written = [end(torch.tensor([[5, token]]), None) for token in ids(tokenizer, "[1]")]  # type: ignore[arg-type]  # plain tensors do
    assert [bool(ended) for ended in written] == [False, False, True]
