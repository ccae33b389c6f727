"""Names of base models: what is one model under two names, what is a folder, and what is another model."""

from __future__ import annotations

import pytest

from inference.adapters.base_names import NameRelation, compare_base_names

BASE = "Qwen/Qwen2.5-7B-Instruct"


@pytest.mark.parametrize(
    "name",
    [
        "Qwen/Qwen2.5-7B-Instruct",
        "qwen2.5-7b-instruct",
        "unsloth/Qwen2.5-7B-Instruct-bnb-4bit",
        "unsloth/Qwen2.5-7B-Instruct-unsloth-bnb-4bit",
        "Qwen/Qwen2.5-7B-Instruct-GPTQ-Int4",
        "Qwen/Qwen2.5-7B-Instruct-AWQ",
        "mlx-community/Qwen2.5-7B-Instruct-4bit",
        "Qwen--Qwen2.5-7B-Instruct",
        "models--Qwen--Qwen2.5-7B-Instruct",
        "Qwen/Qwen2.5-7B-Instruct@main",
        "/root/.cache/huggingface/hub/models--Qwen--Qwen2.5-7B-Instruct/snapshots/0123abc",
        "./Qwen2.5-7B-Instruct/",
        "models/Qwen2.5-7B-Instruct",
        "C:\\models\\Qwen2.5-7B-Instruct",
    ],
)
def test_one_model_under_another_name(name: str) -> None:
    assert compare_base_names(name, BASE) is NameRelation.SAME


@pytest.mark.parametrize("name", ["", "./base", "../base", "~/base", "/data/llama", "a/b/c", "D:/models", "x\\y"])
def test_a_folder_tells_nothing(name: str) -> None:
    assert compare_base_names(name, BASE) is NameRelation.UNTOLD
    assert compare_base_names(BASE, name) is NameRelation.UNTOLD


@pytest.mark.parametrize("name", ["merged", "outputs/merged", "checkpoints/run-3", "base_model"])
def test_what_may_be_a_relative_folder_is_unsure(name: str) -> None:
    assert compare_base_names(name, BASE) is NameRelation.UNSURE


@pytest.mark.parametrize(
    "name", ["Qwen/Qwen2.5-7B", "meta-llama/Llama-3.1-8B", "someone/brain", "models/Qwen2.5-14B", "gpt2", "gemma-2b"]
)
def test_another_model_is_another_model(name: str) -> None:
    assert compare_base_names(name, BASE) is NameRelation.OTHER


def test_metas_name_and_the_hubs_are_one() -> None:
    assert (
        compare_base_names("unsloth/Meta-Llama-3.1-8B-Instruct-bnb-4bit", "meta-llama/Llama-3.1-8B-Instruct")
        is NameRelation.SAME
    )
