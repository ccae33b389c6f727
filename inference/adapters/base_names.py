"""What two names of base models say of each other: names are told by people and trainers, shapes are checked."""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

_CACHE_FOLDER = re.compile(r"(?:^|[/\\])models--([\w.-]+?)--([\w.-]+?)(?:[/\\]|$)")
_DASHED_ID = re.compile(r"([\w.-]+?)--([\w.-]+)")
_REVISION = re.compile(r"@[\w./-]+$")
_DRIVE = re.compile(r"[A-Za-z]:")
_FORMAT_ENDING = re.compile(
    r"[-_.](?:(?:unsloth[-_])?bnb[-_][48]bit|[2-8][-_]?bits?|dynamic|gptq|awq|int[48]|fp8|nf4|w4a16|w8a8|hqq|exl2"
    r"|gguf|mlx|bf16|fp16|hf|base[-_]model)$"
)
_FAMILY = re.compile(
    r"llama|qwen|qwq|mistral|mixtral|ministral|gemma|phi-?\d|smollm|granite|glm|gpt|falcon|deepseek|olmo|command-?r|aya"
    r"|internlm|exaone|lfm|ernie|starcoder|vicuna|alpaca|zephyr|yi-?\d|baichuan|nemotron|apertus|seed-oss"
)
_FOLDER_WORDS: Final = frozenset(
    {
        "base", "bases", "checkpoint", "checkpoints", "ckpt", "ckpts", "content", "data", "export", "exports",
        "llm", "llms", "local", "merged", "model", "models", "out", "output", "outputs", "pretrained", "result",
        "results", "run", "runs", "save", "saves", "tmp", "weights", "workspace",
    }
)  # fmt: skip
"""First parts of relative paths that look like an owner's name."""


class NameRelation(Enum):
    """How the base that an adapter names stands to the base it is used with."""

    SAME = "same"
    """One model, perhaps under another owner or in another format of numbers."""
    UNTOLD = "untold"
    """One of the two names is a folder, or missing: it tells nothing."""
    UNSURE = "unsure"
    """The names differ, and the adapter's may be a folder of who trained it as well as a model."""
    OTHER = "other"
    """Both name models, and different ones."""


def compare_base_names(adapter_base: str, base: str) -> NameRelation:
    """What the name an adapter has for its base model says of the base it is to be used with.

    Owners, revisions, case, and endings that only tell a format (`-bnb-4bit`, `-GPTQ`, `-AWQ`) make no difference.
    """
    if _short_name(adapter_base) and _short_name(adapter_base) == _short_name(base):
        return NameRelation.SAME
    if _is_a_path(adapter_base) or _is_a_path(base):
        return NameRelation.UNTOLD
    return NameRelation.OTHER if _is_of_a_family(adapter_base) else NameRelation.UNSURE


def _is_a_path(name: str) -> bool:
    """Whether it is empty or a folder, and not the name of a model in any reading."""
    if not name:
        return True
    if _CACHE_FOLDER.search(name):
        return False
    return name[0] in "./~" or "\\" in name or bool(_DRIVE.match(name)) or name.count("/") > 1


def _is_of_a_family(name: str) -> bool:
    """Whether a name is most likely that of a published model: it has an owner, or tells a family of models."""
    owner, slash, _ = _REVISION.sub("", name).partition("/")
    has_owner = bool(slash) and owner.casefold() not in _FOLDER_WORDS
    return has_owner or bool(_CACHE_FOLDER.search(name) or _FAMILY.search(name.casefold()))


def _short_name(name: str) -> str:
    """The name without owner, revision, case, and what only tells the format of its numbers."""
    cached = _CACHE_FOLDER.search(name)
    if cached:
        name = cached[2]
    name = re.split(r"[/\\]", _REVISION.sub("", name.rstrip("/\\")))[-1]
    if dashed := _DASHED_ID.fullmatch(name):
        name = dashed[2]
    short = name.casefold()
    while (shorter := _FORMAT_ENDING.sub("", short)) != short:
        short = shorter
    return short.removeprefix("meta-")
