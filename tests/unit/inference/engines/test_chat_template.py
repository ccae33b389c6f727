"""Chat templates, from whichever place a checkpoint keeps them in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from inference.engines.chat_template import ChatTemplate
from inference.engines.errors import ModelNotLoadable, PromptRefused
from inference.engines.port import Message

PLAIN = "{% for m in messages %}{{ bos_token }}{{ m.role }}: {{ m.content }}\n{% endfor %}assistant:"
HELLO = [Message("user", "Hello")]


def checkpoint(folder: Path, template: object = None, **settings: object) -> Path:
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": template, **settings}))
    return folder


def test_a_file_of_its_own_goes_before_the_settings(tmp_path: Path) -> None:
    checkpoint(tmp_path, "settings")
    (tmp_path / "chat_template.jinja").write_text("file")
    assert ChatTemplate(tmp_path).render(HELLO) == "file"


def test_the_default_of_several_is_taken(tmp_path: Path) -> None:
    named = [{"name": "tool_use", "template": "tools"}, {"name": "default", "template": "plain"}]
    assert ChatTemplate(checkpoint(tmp_path, named)).render(HELLO) == "plain"


@pytest.mark.parametrize("token", ["<s>", {"content": "<s>", "special": True}])
def test_special_tokens_are_known_in_either_form(tmp_path: Path, token: object) -> None:
    assert ChatTemplate(checkpoint(tmp_path, PLAIN, bos_token=token)).render(HELLO) == "<s>user: Hello\nassistant:"


def test_models_that_can_think_first_are_told_not_to(tmp_path: Path) -> None:
    template = "{% if enable_thinking is defined and enable_thinking is false %}at once{% endif %}"
    assert ChatTemplate(checkpoint(tmp_path, template)).render(HELLO) == "at once"


def test_json_is_written_as_people_read_it(tmp_path: Path) -> None:
    template = "{{ messages[0] | tojson }}"
    assert ChatTemplate(checkpoint(tmp_path, template)).render([Message("user", "да <b>")]) == (
        '{"role": "user", "content": "да <b>"}'
    )


def test_a_template_that_refuses_says_why(tmp_path: Path) -> None:
    template = "{{ raise_exception('Roles must alternate.') }}"
    with pytest.raises(PromptRefused, match=r"Roles must alternate\. Use the roles"):
        ChatTemplate(checkpoint(tmp_path, template)).render(HELLO)


def test_a_template_cannot_reach_beyond_its_text(tmp_path: Path) -> None:
    template = "{{ messages.__class__.__mro__[1].__subclasses__() }}"
    with pytest.raises(PromptRefused):
        ChatTemplate(checkpoint(tmp_path, template)).render(HELLO)


@pytest.mark.parametrize("template", [None, [{"name": "tool_use", "template": "tools"}], "{% for %}"])
def test_no_usable_template_is_told(tmp_path: Path, template: object) -> None:
    with pytest.raises(ModelNotLoadable, match="chat template"):
        ChatTemplate(checkpoint(tmp_path, template))


def test_no_settings_are_told(tmp_path: Path) -> None:
    with pytest.raises(ModelNotLoadable, match="chat template"):
        ChatTemplate(tmp_path)
