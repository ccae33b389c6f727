"""Which calls an answer makes, in which order, and what they show. The mock checks each as Telegram does."""

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
from bot.channels.telegram.reply import RECORD_ATTEMPTS, RECORD_PATIENCE, RenderOptions, TelegramReply
from bot.core.errors import PermanentDeliveryError, TemporaryDeliveryError
from bot.core.i18n import Translator
from bot.core.messages import File, Outcome, Source, Table
from bot.minds import load_mind
from consilium.retry import BackoffConfig
from db.errors import DatabaseUnreachable, TurnLeaseLost

AGOGE = load_mind(DEMO_MIND)
PLACE = Place(7, private=True, reply_to=3, draft=9)
DONE = Outcome("base", answer="**Rest** and sleep.", turn="t")


class RecordedParts:
    """Parts of an answer that are recorded in a list."""

    def __init__(self, bot: MockBot, message_ids: Sequence[str] = (), *, lease_lost: bool = False) -> None:
        self.bot = bot
        self.message_ids = message_ids
        self.lease_lost = lease_lost
        self.taken_over = False
        """Whether another worker has claimed the turn."""
        self.outages = 0
        """How many of the next records fail because the database is away."""
        self.asked_at: list[int] = []
        """How many calls were made each time that the database was asked for the lease."""
        self.patience: list[float | None] = []
        self.records: list[tuple[int, str, int]] = []
        """Number, message id, and how many calls were made before."""

    async def ensure_held(self, *, now: bool = False) -> None:
        if now:
            self.asked_at.append(len(self.bot.requests))
        if self.taken_over:
            raise TurnLeaseLost

    async def record(self, n: int, message_id: str, *, patience: float | None = None) -> None:
        if self.lease_lost:
            raise TurnLeaseLost
        if self.outages:
            self.outages -= 1
            self.patience.append(patience)
            raise DatabaseUnreachable(server="here", reason="gone")
        self.records.append((n, message_id, len(self.bot.requests)))


def calls(bot: MockBot) -> list[tuple[str, Any]]:
    """The calls that were made, and their texts."""
    return [(type(call).__name__, getattr(call, "text", None)) for call in bot.requests.all]


@pytest.fixture
def bot() -> MockBot:
    return MockBot()


def make_reply(bot: MockBot, parts: RecordedParts, place: Place = PLACE, *, rich: bool = False) -> TelegramReply:
    unlimited = RateLimit(10_000, 1)
    rate_limiter = RateLimiter(BotApiLimits(unlimited, unlimited, unlimited))
    outbox = Outbox(bot, rate_limiter, backoff=BackoffConfig(initial=0.0, maximum=0.0), max_retries=2)
    return TelegramReply(outbox, place, parts, Translator("en"), RenderOptions(AGOGE, rich))


async def test_placeholder_is_sent_and_recorded_before_the_answer(bot: MockBot) -> None:
    parts = RecordedParts(bot)
    await make_reply(bot, parts).finish(DONE)
    assert calls(bot) == [("SendMessage", "…"), ("EditMessageText", "Rest and sleep.")]
    assert [(n, before) for n, _, before in parts.records] == [(0, 1)]
    sent, edited = bot.requests.all
    assert isinstance(sent, SendMessage)
    assert isinstance(edited, EditMessageText)
    assert sent.reply_parameters is not None
    assert (sent.reply_parameters.message_id, sent.reply_parameters.allow_sending_without_reply) == (3, True)
    assert sent.parse_mode is None
    assert edited.parse_mode is None
    assert [entity.type for entity in edited.entities or ()] == ["bold"]


async def test_existing_messages_are_edited_and_superfluous_ones_deleted(bot: MockBot) -> None:
    parts = RecordedParts(bot, ["70", "71", "72"])
    await make_reply(bot, parts).finish(replace(DONE, answer="word " * 1200))
    assert [name for name, _ in calls(bot)] == ["EditMessageText", "EditMessageText", "DeleteMessage"]
    assert [call.message_id for call in bot.requests.all] == [70, 71, 72]
    assert parts.records == []


async def test_lost_lease_deletes_the_placeholder(bot: MockBot) -> None:
    with pytest.raises(TurnLeaseLost):
        await make_reply(bot, RecordedParts(bot, lease_lost=True)).finish(DONE)
    assert [name for name, _ in calls(bot)] == ["SendMessage", "DeleteMessage"]


@pytest.mark.parametrize("outages", [1, 3, RECORD_ATTEMPTS - 1])
async def test_a_message_that_cannot_be_recorded_soon_does_not_stay(bot: MockBot, outages: int) -> None:
    parts = RecordedParts(bot)
    parts.outages = outages
    await make_reply(bot, parts).finish(DONE)
    assert [name for name, _ in calls(bot)] == ["SendMessage", "DeleteMessage"] * outages + [
        "SendMessage",
        "EditMessageText",
    ]
    assert parts.asked_at == [2 * n for n in range(outages + 1)], "the database is asked before each"
    assert set(parts.patience) == {RECORD_PATIENCE}
    (_, recorded, _) = parts.records[0]
    assert bot.requests.edit_message_text[0].message_id == int(recorded)


async def test_a_database_that_stays_away_leaves_no_message(bot: MockBot) -> None:
    parts = RecordedParts(bot)
    parts.outages = RECORD_ATTEMPTS
    with pytest.raises(DatabaseUnreachable):
        await make_reply(bot, parts).finish(DONE)
    assert [name for name, _ in calls(bot)] == ["SendMessage", "DeleteMessage"] * RECORD_ATTEMPTS


async def test_answer_replaces_the_menu(bot: MockBot) -> None:
    await make_reply(bot, RecordedParts(bot), replace(PLACE, instead=55)).finish(Outcome("core", answer="Mode: core."))
    (edited,) = bot.requests.edit_message_text
    assert (edited.message_id, edited.text, edited.reply_markup) == (55, "Mode: core.", None)


async def test_command_answer_is_not_markdown(bot: MockBot) -> None:
    await make_reply(bot, RecordedParts(bot)).finish(Outcome("base", answer="I will remember: 2*3*4 _x_ # `y`"))
    assert calls(bot)[-1] == ("EditMessageText", "I will remember: 2*3*4 _x_ # `y`")


async def test_every_part_of_an_outcome_is_shown(bot: MockBot) -> None:
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
    await make_reply(bot, RecordedParts(bot)).finish(outcome)
    edited = bot.requests.edit_message_text[-1]
    assert edited.text == (
        "As I wrote [1].\n\n⏹ Stopped.\n\na  b\n1  2\n\n⚠️ It broke.\n\nSources\n[1] The grey day, p. 4: “rest is work”"
    )
    assert {entity.type for entity in edited.entities} == {"italic", "pre", "expandable_blockquote", "bold"}
    assert [button.callback_data for row in edited.reply_markup.inline_keyboard for button in row] == ["say:/retry"]


async def test_blank_outcome_keeps_the_placeholder(bot: MockBot) -> None:
    await make_reply(bot, RecordedParts(bot)).finish(Outcome("base", answer=" \u200b", turn="t"))
    assert calls(bot) == [("SendMessage", "…")]


async def test_recorded_file_is_not_sent_again(bot: MockBot) -> None:
    outcome = Outcome("base", answer="Here.", files=[File("a.md", b"all")])
    parts = RecordedParts(bot)
    await make_reply(bot, parts).finish(outcome)
    assert [n for n, _, _ in parts.records] == [0, 1]
    before = len(bot.requests)
    await make_reply(bot, RecordedParts(bot, [message_id for _, message_id, _ in parts.records])).finish(outcome)
    assert [name for name, _ in calls(bot)[before:]] == ["EditMessageText"]


async def test_refused_rich_message_falls_back_to_entities(bot: MockBot) -> None:
    # The mock does not know rich messages and refuses them.
    await make_reply(bot, RecordedParts(bot), rich=True).finish(DONE)
    assert calls(bot) == [("SendMessage", "…"), ("EditMessageText", None), ("EditMessageText", "Rest and sleep.")]


def test_rich_markdown_escapes_all_but_the_answer() -> None:
    outcome = replace(DONE, error="It broke (twice).")
    assert render_outcome_markdown(outcome, Translator("en")) == "**Rest** and sleep.\n\n⚠️ It broke \\(twice\\)\\."
    assert render_outcome_markdown(replace(DONE, answer="x" * 40_000), Translator("en")) is None
    assert render_outcome_markdown(replace(DONE, turn=None), Translator("en")) is None


@pytest.mark.parametrize(
    ("code", "description", "expected"),
    [
        (403, "Forbidden: bot was blocked by the user", PermanentDeliveryError),
        (400, "Bad Request: chat not found", PermanentDeliveryError),
        (400, "Bad Request: not enough rights to send text messages to the chat", PermanentDeliveryError),
    ],
)
async def test_permanent_refusal_is_not_retried(
    bot: MockBot, code: int, description: str, expected: type[Exception]
) -> None:
    bot.add_result(SendMessage, ok=False, error_code=code, description=description)
    with pytest.raises(expected):
        await make_reply(bot, RecordedParts(bot)).finish(DONE)
    assert len(bot.requests) == 1


async def test_failing_server_defers_the_answer_after_the_retries(bot: MockBot) -> None:
    for _ in range(3):
        bot.add_result(SendMessage, ok=False, error_code=502, description="Bad Gateway")
    with pytest.raises(TemporaryDeliveryError) as caught:
        await make_reply(bot, RecordedParts(bot)).finish(DONE)
    assert caught.value.retryable
    assert len(bot.requests) == 3


async def test_unmodified_message_counts_as_edited(bot: MockBot) -> None:
    bot.add_result(EditMessageText, ok=False, error_code=400, description="Bad Request: message is not modified: same")
    await make_reply(bot, RecordedParts(bot, ["70"])).finish(DONE)
    assert len(bot.requests) == 1


async def test_refused_entities_are_left_out(bot: MockBot) -> None:
    bot.add_result(EditMessageText, ok=False, error_code=400, description="Bad Request: ENTITY_BOUNDS_INVALID")
    await make_reply(bot, RecordedParts(bot, ["70"])).finish(DONE)
    shown = [(call.text, len(call.entities or ())) for call in bot.requests.all]
    assert shown == [("Rest and sleep.", 1), ("Rest and sleep.", 0)]


async def test_deleted_message_is_sent_again(bot: MockBot) -> None:
    bot.add_result(EditMessageText, ok=False, error_code=400, description="Bad Request: message to edit not found")
    bot.add_result(
        SendMessage, Message.model_validate({"message_id": 90, "date": 0, "chat": {"id": 7, "type": "private"}})
    )
    parts = RecordedParts(bot, ["70"])
    await make_reply(bot, parts).finish(DONE)
    assert parts.records == [(0, "90", 2)]
    assert calls(bot)[-1] == ("EditMessageText", "Rest and sleep.")


@pytest.mark.parametrize("existing", [(), ("70",)])
async def test_a_worker_that_has_lost_the_turn_changes_nothing(bot: MockBot, existing: tuple[str, ...]) -> None:
    parts = RecordedParts(bot, existing)
    parts.taken_over = True
    reply = make_reply(bot, parts, replace(PLACE, private=False))
    await reply.start("base")
    await reply.write("An old answer")
    with pytest.raises(TurnLeaseLost):
        await reply.finish(DONE)
    await reply.close()
    assert calls(bot) == []
