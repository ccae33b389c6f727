"""A small language model for campaigns, trained on the repository's own texts and, if they are there, on more.

It speaks neither language well. It has words, sentences and the form of a dialogue in both, so that an adapter has
something to build on, and losses mean what they mean for larger models.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM

ROOT: Final = Path(__file__).parents[2]
VOCABULARY: Final = 3072
SHAPE: Final[dict[str, Any]] = {
    "hidden_size": 160,
    "intermediate_size": 448,
    "num_hidden_layers": 5,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "max_position_embeddings": 512,
    "tie_word_embeddings": True,
}
WINDOW: Final = 128
BATCH: Final = 16
TEMPLATE: Final = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def make_base(folder: Path, data: Path | None, cpu_seconds: float) -> Path:
    """The base in `folder`; trained and written there unless it is there already.

    Args:
        data: a folder with more texts (`*.txt`, and XQuAD's JSON); None for the repository's alone.
        cpu_seconds: processor time after which training ends; it ends after three passes at the latest.
    """
    if (folder / "model.safetensors").exists():
        return folder
    texts = [*_repository_texts(), *(_other_texts(data) if data else ())]
    random.Random(1).shuffle(texts)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = _train_tokenizer(texts, folder)
    ids: list[int] = []
    end = tokenizer.token_to_id("<|im_end|>")
    for text in texts:
        ids += [*tokenizer.encode(text).ids, end]
    _pretrain(ids, tokenizer, folder, cpu_seconds)
    return folder


def _repository_texts() -> Iterator[str]:
    mind = ROOT / "minds" / "agoge"
    for path in sorted(mind.glob("dialogues/*.train.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            messages = json.loads(line)["messages"]
            yield "".join(f"<|im_start|>{it['role']}\n{it['content']}<|im_end|>\n" for it in messages)
    for path in sorted(mind.glob("library/*/*")):
        yield from _paragraphs(path.read_text("utf-8"))
    for path in (ROOT / "README.ru.md", ROOT / "docs" / "README.ru.md"):
        if path.exists():
            yield from _paragraphs(path.read_text("utf-8"))
    for line in (ROOT / "benchmarks" / "router_cases" / "subjects.txt").read_text("utf-8").splitlines():
        yield from (column for column in line.split(" | ") if len(column) > 20)
    for path in sorted((ROOT / "bot" / "locales").rglob("*.po")):
        yield from _paragraphs(path.read_text("utf-8"))


def _other_texts(data: Path) -> Iterator[str]:
    for path in sorted(data.rglob("*.txt")):
        yield from _paragraphs(path.read_text("utf-8"))
    for path in sorted(data.rglob("xquad.*.json")):
        for article in json.loads(path.read_text("utf-8"))["data"]:
            for paragraph in article["paragraphs"]:
                context = paragraph["context"]
                yield context
                for question in paragraph["qas"]:
                    start = question["answers"][0]["answer_start"]
                    first = context.rfind(". ", 0, start) + 2 if ". " in context[:start] else 0
                    last = context.find(". ", start)
                    answer = context[first : last + 1 if last > 0 else len(context)]
                    yield (
                        f"<|im_start|>user\n{question['question']}<|im_end|>\n"
                        f"<|im_start|>assistant\n{answer}<|im_end|>\n"
                    )


def _paragraphs(text: str) -> Iterator[str]:
    yield from (paragraph.strip() for paragraph in text.split("\n\n") if len(paragraph) > 30)


def _train_tokenizer(texts: list[str], folder: Path) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<|im_start|>", "<|im_end|>", "<|endoftext|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[AddedToken(token) for token in special],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"eos_token": "<|im_end|>"}))
    (folder / "chat_template.jinja").write_text(TEMPLATE)
    return tokenizer


def _pretrain(ids: list[int], tokenizer: Tokenizer, folder: Path, cpu_seconds: float) -> None:
    torch.manual_seed(7)
    end = tokenizer.token_to_id("<|im_end|>")
    config = LlamaConfig(
        vocab_size=tokenizer.get_vocab_size(), bos_token_id=None, eos_token_id=end, pad_token_id=0, **SHAPE
    )
    model = LlamaForCausalLM(config)
    windows = torch.tensor(ids[: len(ids) // WINDOW * WINDOW]).view(-1, WINDOW)
    steps = 3 * len(windows) // BATCH
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.05, betas=(0.9, 0.95))
    began, order = time.process_time(), torch.randperm(len(windows)).repeat(4)
    print(f"base: {sum(p.numel() for p in model.parameters()):,} parameters, {len(ids):,} tokens", flush=True)
    for step in range(steps):
        # By time and by steps, whichever is nearer to its end, so that the rate is low at the end of either.
        done = max(step / steps, (time.process_time() - began) / cpu_seconds)
        if done >= 1:
            break
        for group in optimizer.param_groups:
            group["lr"] = 3e-3 * min(1.0, (step + 1) / 50) * max(1 - done, 0.02)
        batch = windows[order[step * BATCH : (step + 1) * BATCH]]
        loss = model(input_ids=batch, labels=batch).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 50 == 0:
            print(f"base: step {step} of {steps}, loss {loss.item():.3f}, {done:.0%}", flush=True)
    model.save_pretrained(folder)
