"""What the client of the Bot API keeps."""

from __future__ import annotations

import pytest
from aiogram.methods import (
    AnswerCallbackQuery,
    DeleteMessage,
    EditMessageText,
    GetUpdates,
    Response,
    SendDocument,
    SendMessage,
    SendMessageDraft,
    TelegramMethod,
)

from bot.channels.telegram.client import response_types


@pytest.mark.parametrize(
    "method",
    [
        AnswerCallbackQuery,
        DeleteMessage,
        EditMessageText,
        GetUpdates,
        SendDocument,
        SendMessage,
        SendMessageDraft,
    ],
    ids=lambda method: method.__name__,
)
def test_the_models_of_frequent_responses_are_kept(method: type[TelegramMethod[object]]) -> None:
    wanted = Response[method.__returning__]  # type: ignore[name-defined]  # made here
    assert any(wanted is kept for kept in response_types())
