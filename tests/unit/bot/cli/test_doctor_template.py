"""The doctor tries a chat template instead of believing in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tokenizers import Tokenizer

from bot.cli.doctor.template import check_template
from bot.core.i18n import Translator
from inference.engines.errors import PromptRefused
from tests.fixtures.chat_models import unigram_tokenizer, with_template, wordpiece_tokenizer, write_checkpoint

SAY = Translator("en")


def checkpoint(folder: Path, tokenizer: Tokenizer, template: str) -> Path:
    with_template(write_checkpoint(folder, tokenizer), template)
    return folder


def test_a_template_that_can_express_everything_needs_no_remark(tmp_path: Path) -> None:
    finding = check_template(checkpoint(tmp_path, unigram_tokenizer(), "trl/qwen3"), SAY)
    assert finding.facts == ["answers end with <|im_end|>"]
    assert not finding.problems
    assert not finding.warnings


def test_what_is_folded_is_told(tmp_path: Path) -> None:
    finding = check_template(checkpoint(tmp_path, unigram_tokenizer(), "trl/gemma"), SAY)
    assert len(finding.facts) == 4
    assert not finding.problems


def test_a_tokenizer_that_loses_line_breaks_is_warned_of(tmp_path: Path) -> None:
    finding = check_template(checkpoint(tmp_path, wordpiece_tokenizer(), "trl/qwen3"), SAY)
    assert "cannot write the answer" in finding.warnings[0]


def test_a_template_that_drops_messages_is_a_problem(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path, unigram_tokenizer(), "trl/qwen3")
    (folder / "chat_template.jinja").write_text("{{ messages[-1].content }}</s>")
    [problem] = check_template(folder, SAY).problems
    assert "leaves out messages" in problem


def test_a_template_that_takes_no_conversation_is_refused(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path, unigram_tokenizer(), "trl/qwen3")
    (folder / "chat_template.jinja").write_text("{{ raise_exception('Never') }}")
    with pytest.raises(PromptRefused, match="Never"):
        check_template(folder, SAY)
