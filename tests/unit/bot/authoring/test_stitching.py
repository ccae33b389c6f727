"""Messages of chats become dialogues of the author with one other person, and of every other one the reason is told."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.authoring.reasons import Reason
from bot.authoring.stitching import ChatHead, Stitched, stitch
from bot.library.parse.chats import Attachment, AttachmentKind, ConversationKind, Message

START = datetime(2026, 5, 1, 12)  # noqa: DTZ001 - as an exporting device shows it
LONG = " ".join(f"слово{number}" for number in range(30))


def message(
    number: int, speaker: str, text: str, minute: float = 0, reply_to: int | str = "", **more: object
) -> Message:
    sent = START + timedelta(minutes=minute or number)
    return Message(str(number), speaker, sent, text, reply_to=str(reply_to), speaker_id=f"id-{speaker}", **more)  # type: ignore[arg-type]


def stitched(*messages: Message, kind: ConversationKind = ConversationKind.GROUP) -> Stitched:
    return stitch(
        ChatHead("s:0", kind, "result.json"), messages, lambda each: each.speaker == "me", lambda key: f"#{key}"
    )


def said(found: Stitched) -> list[list[str]]:
    return [[turn.text for turn in candidate.turns] for candidate in found.candidates]


def test_replies_come_before_time() -> None:
    found = stitched(
        message(1, "anna", "Как бежать?"),
        message(2, "boris", "Как спать?"),
        message(3, "me", "Рано ложиться.", reply_to=2),
        message(4, "me", "Медленно.", reply_to=1),
    )
    assert said(found) == [["Как спать?", "Рано ложиться."], ["Как бежать?", "Медленно."]]
    assert [candidate.speakers for candidate in found.candidates] == [("#id-boris",), ("#id-anna",)]
    assert not found.dropped


def test_without_links_the_last_speaker_is_answered_and_nobody_else() -> None:
    found = stitched(
        message(1, "anna", "Как бежать?"),
        message(2, "boris", "Как спать?"),
        message(3, "boris", "И когда?"),
        message(4, "me", "Рано."),
        message(5, "me", "В десять."),
    )
    assert said(found) == [["Как спать?\nИ когда?", "Рано.\nВ десять."]]
    assert found.dropped == {Reason.UNANSWERED: 1}


def test_paragraphs_and_line_breaks_are_kept() -> None:
    answer = "Первое.\n\nВторое:\n- раз\n- два"
    found = stitched(message(1, "anna", "Как?\nИ зачем?"), message(2, "me", answer))
    assert said(found) == [["Как?\nИ зачем?", answer]]


def test_topics_of_a_forum_do_not_mix() -> None:
    # Messages of a topic reply to the service message that opened it, which is no message.
    found = stitched(
        message(1, "anna", "Про бег?", reply_to=900),
        message(2, "boris", "Про сон?", reply_to=901),
        message(3, "me", "Бегай.", reply_to=900),
        message(4, "me", "Спи.", reply_to=901),
        message(5, "anna", "Ещё про бег?", reply_to=900),
        message(6, "boris", "Ещё про сон?", reply_to=901),
    )
    assert said(found) == [["Про бег?", "Бегай."], ["Про сон?", "Спи."]]
    assert found.dropped == {Reason.UNANSWERED: 2}


def test_an_answer_in_private_may_take_a_night_and_in_a_group_not() -> None:
    messages = (message(1, "anna", "Как бежать?", 1), message(2, "me", "Медленно.", 600))
    assert said(stitched(*messages, kind=ConversationKind.PRIVATE)) == [["Как бежать?", "Медленно."]]
    in_group = stitched(*messages)
    assert not in_group.candidates
    assert in_group.dropped == {Reason.UNANSWERED: 1, Reason.UNPROMPTED: 1}


def test_a_further_answer_days_later_is_a_dialogue_of_its_own() -> None:
    found = stitched(
        message(1, "anna", "Как бежать?"),
        message(2, "me", "Медленно.", reply_to=1),
        message(3, "anna", "А как спать?"),
        message(4, "me", "Долго.", reply_to=3),
        message(5, "me", "И в гору тоже.", 9000, reply_to=1),
    )
    assert said(found) == [["Как бежать?", "Медленно.", "А как спать?", "Долго."], ["Как бежать?", "И в гору тоже."]]
    # The question is counted once.
    assert [candidate.pieces for candidate in found.candidates] == [4, 1]


def test_what_is_not_written_by_hand_has_its_reason() -> None:
    sticker = (Attachment(AttachmentKind.STICKER, "👍"),)
    found = stitched(
        message(1, "anna", "", attachments=sticker),
        message(2, "me", "🔥🔥"),
        message(3, "me", LONG, forwarded_from="другой"),
        message(4, "me", "Привет всем"),
    )
    assert found.dropped == {Reason.WORDLESS: 2, Reason.FORWARDED: 1, Reason.UNPROMPTED: 1}


def test_posts_and_long_words_to_nobody_are_monologues() -> None:
    posts = stitched(message(1, "me", f"О беге\n\n{LONG}"), message(2, "guest", LONG), kind=ConversationKind.CHANNEL)
    assert said(posts) == [["О беге", LONG]]
    assert posts.dropped == {Reason.UNANSWERED: 1}
    assert said(stitched(message(1, "me", LONG))) == [["", LONG]]


def test_a_post_shown_in_the_group_of_its_comments_is_the_authors() -> None:
    found = stitched(message(1, "me", LONG, forwarded_from="me"), message(2, "anna", "Почему?", reply_to=1))
    assert said(found) == [["", LONG]]


def test_chats_with_bots_are_left_out() -> None:
    found = stitched(message(1, "me", "/start"), message(2, "bot", "Готово"), kind=ConversationKind.BOT)
    assert found.dropped == {Reason.FROM_BOT: 2}


MESSAGES = st.lists(
    st.tuples(
        st.sampled_from(["me", "me", "anna", "boris", ""]),
        st.sampled_from(["", "🔥", "Да", "Как бежать?", LONG]),
        st.integers(0, 2000),
        st.one_of(st.none(), st.integers(0, 12), st.just(900)),
        st.sampled_from([None, None, None, "", "me"]),
        st.booleans(),
    ),
    max_size=25,
)


@settings(max_examples=150, deadline=None)
@given(MESSAGES, st.sampled_from(list(ConversationKind)))
def test_every_message_is_in_one_dialogue_or_has_a_reason(
    rows: list[tuple[str, str, int, int | None, str | None, bool]], kind: ConversationKind
) -> None:
    messages = [
        # Some messages have no id, and some the id of another one: exports are damaged.
        message(
            0 if is_damaged else number, speaker, text, 1 + gap, "" if reply is None else reply, forwarded_from=source
        )
        for number, (speaker, text, gap, reply, source, is_damaged) in enumerate(rows)
    ]
    found = stitched(*messages, kind=kind)
    assert sum(each.pieces for each in found.candidates) + found.dropped.total() == len(messages)
    for candidate in found.candidates:
        roles = [turn.role for turn in candidate.turns]
        assert roles == ["user", "assistant"] * (len(roles) // 2)
        assert all(turn.text.strip() for turn in candidate.turns[1:])
