"""What a chat template cannot express is folded into what it can."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from inference.engines.chat_template import ChatTemplate
from inference.engines.folding import TemplateForm, fold_messages
from inference.engines.port import Message

SYSTEM, QUESTION, ANSWER = Message("system", "S"), Message("user", "Q"), Message("assistant", "A")
STRICT = TemplateForm(system=False, repeats=False, answer_first=False)
TURNS = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}"

ALTERNATING = """
{%- for m in messages %}
    {%- if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Roles must alternate') }}{% endif %}
    {{- m.content }}
{%- endfor %}
"""


def form(folder: Path, template: str) -> TemplateForm:
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": template}))
    return ChatTemplate(folder).form


def test_what_a_template_can_express_stays_as_it_is() -> None:
    messages = [SYSTEM, ANSWER, QUESTION, QUESTION]
    assert fold_messages(messages, TemplateForm()) == messages


def test_a_system_message_leads_the_first_question() -> None:
    assert fold_messages([SYSTEM, QUESTION, ANSWER, QUESTION], TemplateForm(system=False)) == [
        Message("user", "S\n\nQ"),
        ANSWER,
        QUESTION,
    ]


def test_a_system_message_alone_becomes_a_question() -> None:
    assert fold_messages([SYSTEM], STRICT) == [Message("user", "S")]
    assert fold_messages([SYSTEM, ANSWER, QUESTION], STRICT) == [Message("user", "S"), ANSWER, QUESTION]


def test_an_answer_that_comes_first_gets_something_to_answer() -> None:
    form = TemplateForm(answer_first=False)
    assert fold_messages([SYSTEM, ANSWER, QUESTION], form) == [SYSTEM, Message("user", "…"), ANSWER, QUESTION]


def test_messages_of_one_role_become_one() -> None:
    folded = fold_messages([QUESTION, QUESTION, ANSWER, ANSWER, QUESTION], TemplateForm(repeats=False))
    assert folded == [Message("user", "Q\n\nQ"), Message("assistant", "A\n\nA"), QUESTION]


def test_nothing_folds_to_nothing() -> None:
    assert fold_messages([], STRICT) == []


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        (TURNS, TemplateForm()),
        (
            "{% if messages[0].role == 'system' %}{{ raise_exception('No') }}{% endif %}" + TURNS,
            TemplateForm(system=False),
        ),
        ("{% for m in messages if m.role != 'system' %}{{ m.content }}{% endfor %}", TemplateForm(system=False)),
        (ALTERNATING, TemplateForm(system=False, repeats=False, answer_first=False)),
        ("{% for m in messages %}{{ m.content[0]['text'] }}{% endfor %}", TemplateForm(parts=True)),
        ("{{ messages[0].content }}", TemplateForm(system=False, repeats=False, answer_first=False)),
        ("nothing of it", TemplateForm(usable=False)),
    ],
)
def test_trying_a_template_shows_what_it_can_express(template: str, expected: TemplateForm, tmp_path: Path) -> None:
    assert form(tmp_path, template) == expected
