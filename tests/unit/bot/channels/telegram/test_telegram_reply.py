"""Which calls an answer makes, in which order, and what they show; each is checked as Telegram checks it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from aiogram.methods import EditMessageText, SendMessage
from aiogram.types import Message
from teremok import MockBot

from bot.app.settings import DEMO_MIND
from bot.channels.telegram.messages import Place
from bot.channels.telegram.outbox import Outbox
from bot.channels.telegram.rate_limiter import BotApiLimits, RateLimit, RateLimiter
from bot.channels.telegram.rendering import render_outcome_markdown
from bot.channels.telegram.reply import RenderOptions, TelegramReply
from bot.core.errors import PermanentDeliveryError, TemporaryDeliveryError
from bot.core.i18n import Translator
from bot.core.messages import File, Outcome, Source, Table
from bot.minds import load_mind
from db.errors import TurnLeaseLost

AGOGE = load_mind(DEMO_MIND)
HERE = Place(7, private=True, reply_to=3, draft=9)
DONE = Outcome("base", answer="**Rest** and sleep.", turn="t")


class Written:
    """Parts of an answer that are written down in a list."""

    def __init__(self, bot: MockBot, known: Sequence[str] = (), *, taken: bool = False) -> None:
        self.bot = bot
        self.message_ids = known
        self.taken = taken
        self.records: list[tuple[int, str, int]] = []
        """Number, message id, and how many calls had been made before."""

    async def record(self, n: int, message_id: str) -> None:
        if self.taken:
            raise TurnLeaseLost
        self.records.append((n, message_id, len(self.bot.requests)))


def made(bot: MockBot) -> list[tuple[str, Any]]:
    """The calls that were made, and what they show."""
    return [(type(call).__name__, getattr(call, "text", None)) for call in bot.requests.all]


@pytest.fixture
def bot() -> MockBot:
    return MockBot()


def reply_of(bot: MockBot, parts: Written, place: Place = HERE, **looks: Any) -> TelegramReply:
    free = RateLimit(10_000, 1)
    outbox = Outbox(bot, RateLimiter(BotApiLimits(free, free, free)), retry_delays=(0, 0))
    return TelegramReply(outbox, place, parts, Translator("en"), RenderOptions(AGOGE, **looks))


async def test_a_message_is_sent_empty_written_down_and_then_filled(bot: MockBot) -> None:
    parts = Written(bot)
    await reply_of(bot, parts).finish(DONE)
    assert made(bot) == [("SendMessage", "…"), ("EditMessageText", "Rest and sleep.")]
    assert [(n, before) for n, _, before in parts.records] == [(0, 1)]
    sent, edited = bot.requests.all
    assert isinstance(sent, SendMessage)
    assert isinstance(edited, EditMessageText)
    assert sent.reply_parameters is not None
    assert (sent.reply_parameters.message_id, sent.reply_parameters.allow_sending_without_reply) == (3, True)
    assert sent.parse_mode is None
    assert edited.parse_mode is None
    assert [entity.type for entity in edited.entities or ()] == ["bold"]


async def test_known_messages_are_edited_and_those_left_over_go(bot: MockBot) -> None:
    parts = Written(bot, ["70", "71", "72"])
    await reply_of(bot, parts).finish(replace(DONE, answer="word " * 1200))
    assert [name for name, _ in made(bot)] == ["EditMessageText", "EditMessageText", "DeleteMessage"]
    assert [call.message_id for call in bot.requests.all] == [70, 71, 72]
    assert parts.records == []


async def test_who_has_lost_the_turn_takes_his_message_away(bot: MockBot) -> None:
    with pytest.raises(TurnLeaseLost):
        await reply_of(bot, Written(bot, taken=True)).finish(DONE)
    assert [name for name, _ in made(bot)] == ["SendMessage", "DeleteMessage"]


async def test_a_menu_is_answered_in_its_place(bot: MockBot) -> None:
    await reply_of(bot, Written(bot), replace(HERE, instead=55)).finish(Outcome("core", answer="Mode: core."))
    (edited,) = bot.requests.edit_message_text
    assert (edited.message_id, edited.text, edited.reply_markup) == (55, "Mode: core.", None)


async def test_what_a_command_says_is_no_markdown(bot: MockBot) -> None:
    await reply_of(bot, Written(bot)).finish(Outcome("base", answer="I will remember: 2*3*4 _x_ # `y`"))
    assert made(bot)[-1] == ("EditMessageText", "I will remember: 2*3*4 _x_ # `y`")


async def test_all_of_an_outcome_is_shown(bot: MockBot) -> None:
    outcome = Outcome(
        "base",
        answer="As I wrote [1].",
        turn="t",
        stopped=True,
        table=Table(("a", "b"), [("1", "2")]),
        error="It broke.",
        is_service_error=True,
        sources=[Source(1, "The grey day", "p. 4", "rest\nis work")],
    )
    await reply_of(bot, Written(bot)).finish(outcome)
    edited = bot.requests.edit_message_text[-1]
    assert edited.text == (
        "As I wrote [1].\n\n⏹ Stopped.\n\na  b\n1  2\n\n⚠️ It broke.\n\nSources\n[1] The grey day, p. 4: “rest is work”"
    )
    assert {entity.type for entity in edited.entities} == {"italic", "pre", "expandable_blockquote", "bold"}
    assert [key.callback_data for row in edited.reply_markup.inline_keyboard for key in row] == ["say:/retry"]


async def test_an_outcome_that_shows_nothing_is_shown_nevertheless(bot: MockBot) -> None:
    await reply_of(bot, Written(bot)).finish(Outcome("base", answer=" \u200b", turn="t"))
    assert made(bot) == [("SendMessage", "…")]


async def test_a_file_that_was_sent_is_not_sent_again(bot: MockBot) -> None:
    outcome = Outcome("base", answer="Here.", files=[File("a.md", b"all")])
    parts = Written(bot)
    await reply_of(bot, parts).finish(outcome)
    assert [n for n, _, _ in parts.records] == [0, 1]
    before = len(bot.requests)
    await reply_of(bot, Written(bot, [message_id for _, message_id, _ in parts.records])).finish(outcome)
    assert [name for name, _ in made(bot)[before:]] == ["EditMessageText"]


async def test_an_answer_that_telegram_will_not_lay_out_is_shown_plainly(bot: MockBot) -> None:
    # This Telegram knows no rich messages at all.
    await reply_of(bot, Written(bot), rich=True).finish(DONE)
    assert made(bot) == [("SendMessage", "…"), ("EditMessageText", None), ("EditMessageText", "Rest and sleep.")]


def test_what_is_not_the_models_is_escaped_in_rich_markdown() -> None:
    outcome = replace(DONE, error="It broke (twice).")
    assert render_outcome_markdown(outcome, Translator("en")) == "**Rest** and sleep.\n\n⚠️ It broke \\(twice\\)\\."
    assert render_outcome_markdown(replace(DONE, answer="x" * 40_000), Translator("en")) is None
    assert render_outcome_markdown(replace(DONE, turn=None), Translator("en")) is None


@pytest.mark.parametrize(
    ("code", "said", "expected"),
    [
        (403, "Forbidden: bot was blocked by the user", PermanentDeliveryError),
        (400, "Bad Request: chat not found", PermanentDeliveryError),
        (400, "Bad Request: not enough rights to send text messages to the chat", PermanentDeliveryError),
    ],
)
async def test_what_telegram_will_never_take_is_not_tried_again(
    bot: MockBot, code: int, said: str, expected: type[Exception]
) -> None:
    bot.add_result(SendMessage, ok=False, error_code=code, description=said)
    with pytest.raises(expected):
        await reply_of(bot, Written(bot)).finish(DONE)
    assert len(bot.requests) == 1


async def test_a_server_that_stays_away_puts_the_answer_off(bot: MockBot) -> None:
    for _ in range(3):
        bot.add_result(SendMessage, ok=False, error_code=502, description="Bad Gateway")
    with pytest.raises(TemporaryDeliveryError) as caught:
        await reply_of(bot, Written(bot)).finish(DONE)
    assert caught.value.retryable
    assert len(bot.requests) == 3


async def test_an_edit_that_changes_nothing_is_a_success(bot: MockBot) -> None:
    bot.add_result(EditMessageText, ok=False, error_code=400, description="Bad Request: message is not modified: same")
    await reply_of(bot, Written(bot, ["70"])).finish(DONE)
    assert len(bot.requests) == 1


async def test_looks_that_telegram_will_not_take_are_left_out(bot: MockBot) -> None:
    bot.add_result(EditMessageText, ok=False, error_code=400, description="Bad Request: ENTITY_BOUNDS_INVALID")
    await reply_of(bot, Written(bot, ["70"])).finish(DONE)
    shown = [(call.text, len(call.entities or ())) for call in bot.requests.all]
    assert shown == [("Rest and sleep.", 1), ("Rest and sleep.", 0)]


async def test_a_message_that_is_gone_is_sent_anew(bot: MockBot) -> None:
    bot.add_result(EditMessageText, ok=False, error_code=400, description="Bad Request: message to edit not found")
    bot.add_result(
        SendMessage, Message.model_validate({"message_id": 90, "date": 0, "chat": {"id": 7, "type": "private"}})
    )
    parts = Written(bot, ["70"])
    await reply_of(bot, parts).finish(DONE)
    assert parts.records == [(0, "90", 2)]
    assert made(bot)[-1] == ("EditMessageText", "Rest and sleep.")
