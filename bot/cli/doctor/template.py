"""Tries the base model's chat template and tokenizer on what prompts consist of."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from bot.cli.doctor.report import Finding
from bot.core.errors import describe_error
from bot.core.i18n import Translator
from inference.engines.errors import AnswerNotWritable, PromptRefused
from inference.engines.port import Message
from inference.engines.tokenizer import ChatTokenizer

_CONVERSATION: Final = (
    Message("system", "edelweiss"),
    Message("user", "colchicum"),
    Message("assistant", "damselfly"),
    Message("user", "marzipan"),
)
_ANSWERS: Final = ("An answer, in two lines:\nthe second.", "Ответ — в две строки:\nэто вторая.")


def check_template(base_folder: Path, say: Translator) -> Finding:
    """Render a conversation as the service does, and look for all of it in the prompt; blocking.

    Raises:
        ModelNotLoadable: there is no template or tokenizer, or no token that ends an answer.
        PromptRefused: the template takes no conversation, folded or not.
    """
    tokenizer = ChatTokenizer(base_folder)
    prompt = tokenizer.template.render(tokenizer.prepare_messages(_CONVERSATION))
    end = tokenizer.show_token(tokenizer.end_id)
    facts = [say("answers end with {token}", token=end)]
    lost = [message.role for message in _CONVERSATION if message.content not in prompt]
    if lost:
        problem = say("The chat template leaves out messages: {roles}. Use another base model.", roles=", ".join(lost))
        return Finding(facts, problems=[problem])
    form = tokenizer.template.form
    if not form.system:
        facts.append(say("it has no system role: the system message leads the person's first message"))
    if not form.repeats:
        facts.append(say("it wants roles to alternate: messages of one role in a row become one"))
    if not form.answer_first:
        facts.append(say("it wants the person to begin: “…” goes before an answer that comes first"))
    return Finding(facts, warnings=_unwritable(tokenizer, say))


def _unwritable(tokenizer: ChatTokenizer, say: Translator) -> list[str]:
    warnings = []
    for answer in _ANSWERS:
        try:
            tokenizer.encode_answer(_CONVERSATION, answer)
        except (AnswerNotWritable, PromptRefused) as error:
            warnings.append(describe_error(error, say.language, say.translate))
    return warnings
