"""Routes by which interactions are answered and followed up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.fakes.discord import bodies
from tests.fakes.discord.calls import NO_CONTENT, Answer, Call
from tests.fakes.discord.commands import check_choices
from tests.fakes.discord.components import check_modal
from tests.fakes.discord.errors import Form, refusal
from tests.fakes.discord.interactions import (
    CHOICES,
    DEFER,
    DEFER_UPDATE,
    FITTING,
    MESSAGE,
    OPEN_MODAL,
    UPDATE,
    Interaction,
)
from tests.fakes.discord.messages import Message

if TYPE_CHECKING:
    from tests.fakes.discord.server import DiscordFake


async def callback(fake: DiscordFake, call: Call) -> Answer:
    """The first answer."""
    made = fake.interactions.all.get(call.id("interaction"))
    if made is None or made.token != call.path["token"]:
        raise refusal(10062)
    if made.answer is not None:
        raise refusal(40060)
    if fake.interactions.late(made):
        raise refusal(10062)
    body, form = call.form(), Form()
    kind, data = int(body.get("type") or 0), body.get("data") or {}
    if form.one_of(kind, ("type",), FITTING[made.kind]):
        _check_answer(form, made, kind, data)
    if kind in (DEFER_UPDATE, UPDATE) and made.message is None:
        form.add(("type",), "INTERACTION_RESPONSE_TYPE_INVALID", "There is no message to update")
    form.check()
    message = _answer(fake, made, kind, data, call)
    made.answer = kind
    fake.journal.add("answer", interaction=str(made.id), type=kind)
    if call.query.get("with_response") not in ("1", "true"):
        return NO_CONTENT
    about: dict[str, Any] = {"id": str(made.id), "type": made.kind}
    resource: dict[str, Any] = {"type": kind}
    if message is not None and kind in (MESSAGE, UPDATE, DEFER):
        about["response_message_id"] = str(message.id)
        about["response_message_loading"] = kind == DEFER
        about["response_message_ephemeral"] = message.seen_only_by is not None
        if kind != DEFER:
            resource["message"] = fake.messages.json(message, with_content=True)
    return 200, {"interaction": about, "resource": resource}


def _check_answer(form: Form, made: Interaction, kind: int, data: dict[str, Any]) -> None:
    if kind == CHOICES:
        choices = form.objects(data.get("choices"), ("data", "choices"), 0, 25)
        check_choices(form, choices, ("data", "choices"), made.option_kind)
    elif kind == OPEN_MODAL:
        check_modal(form, data)
    elif kind in (MESSAGE, UPDATE):
        bodies.check_body(data, ("data",))


def _answer(fake: DiscordFake, made: Interaction, kind: int, data: dict[str, Any], call: Call) -> Message | None:
    flags = (data.get("flags") or 0) & bodies.EPHEMERAL
    if kind == MESSAGE:
        if bodies.is_empty(data, len(call.files)):
            raise refusal(50006)
        made.original = fake.interactions.send(made, data, call, flags, first=True)
    elif kind == DEFER:
        made.original = fake.interactions.send(made, {}, call, flags | bodies.LOADING, first=True)
    elif kind in (UPDATE, DEFER_UPDATE):
        made.original = made.message
        if kind == UPDATE and made.message is not None:
            if fake.messages.would_be_empty(made.message, data, len(call.files)):
                raise refusal(50006)
            fake.messages.edit(made.message, data, call.files)
    elif kind == OPEN_MODAL:
        made.modal = data
    else:
        made.choices = data.get("choices") or []
    return made.original


async def follow_up(fake: DiscordFake, call: Call) -> Answer:
    """One more message; right after a deferral it fills the message that says the bot is thinking."""
    made, body = fake.interactions.by_token(call), call.form()
    bodies.check_body(body)
    if bodies.is_empty(body, len(call.files)):
        raise refusal(50006)
    if made.original is not None and made.original.flags & bodies.LOADING and not made.original.deleted:
        message = fake.messages.edit(made.original, body, call.files)
    else:
        flags = (body.get("flags") or 0) & bodies.EPHEMERAL
        message = fake.interactions.send(made, body, call, flags, first=False)
    return 200, fake.messages.json(message, with_content=True)


def _message(fake: DiscordFake, call: Call) -> Message:
    made = fake.interactions.by_token(call)
    if call.path["message"] == "@original":
        if made.original is None or made.original.deleted:
            raise refusal(10008)
        return made.original
    message = fake.messages.find(call.id("message"), made.channel, ephemeral=True)
    if message not in made.sent and message is not made.message:
        raise refusal(10008)
    return message


async def read(fake: DiscordFake, call: Call) -> Answer:
    """A message sent in answer."""
    return 200, fake.messages.json(_message(fake, call), with_content=True)


async def edit(fake: DiscordFake, call: Call) -> Answer:
    """Changes a message sent in answer."""
    message, body = _message(fake, call), call.form()
    bodies.check_body({**body, "flags": body.get("flags") or message.flags & bodies.IS_COMPONENTS_V2})
    if fake.messages.would_be_empty(message, body, len(call.files)):
        raise refusal(50006)
    return 200, fake.messages.json(fake.messages.edit(message, body, call.files), with_content=True)


async def delete(fake: DiscordFake, call: Call) -> Answer:
    """Takes a message sent in answer away."""
    fake.messages.delete(_message(fake, call))
    return NO_CONTENT


ROUTES = {
    "POST /interactions/{interaction}/{token}/callback": callback,
    "POST /webhooks/{application}/{token}": follow_up,
    "GET /webhooks/{application}/{token}/messages/{message}": read,
    "PATCH /webhooks/{application}/{token}/messages/{message}": edit,
    "DELETE /webhooks/{application}/{token}/messages/{message}": delete,
}
