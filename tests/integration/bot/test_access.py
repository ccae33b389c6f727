"""Access rules, and /admin, which changes them."""

from __future__ import annotations

import io
import json
from pathlib import Path

import asyncpg
import pytest

from bot.channels.console import pipe
from bot.channels.console.pipe import read_lines
from bot.core.errors import AlreadyRefused, MessageRefused
from bot.core.messages import Outcome
from bot.intake.access import AccessBlocked, AccessPolicy, NotInvited
from bot.intake.commands import COMMANDS
from tests.fakes.talk import Talk
from tests.fixtures.minds import copy_bilingual_mind

OWNER = "1"


@pytest.fixture(scope="module")
def mind_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo mind, which keeps its textbook mode for editors."""
    folder = tmp_path_factory.mktemp("mind") / "agoge"
    copy_bilingual_mind(folder)
    with (folder / "mind.yaml").open("a") as written:
        written.write("\naccess:\n  classical: [editor]\n")
    return folder


async def refusal(talk: Talk, person: str, **where: object) -> MessageRefused:
    with pytest.raises(MessageRefused) as caught:
        await talk.say(person, "How far today?", **where)
    return caught.value


async def admin(talk: Talk, text: str, person: str = OWNER) -> Outcome:
    return await talk.say(person, f"/admin {text}")


async def test_denied_person_is_told_once_and_leaves_no_rows(talk: Talk, dsn: str) -> None:
    assert "Done" in (await admin(talk, "deny telegram:7")).answer
    first = await refusal(talk, "7")
    assert isinstance(first, AccessBlocked)
    assert not first.is_silent
    for _ in range(3):
        later = await refusal(talk, "7")
        assert isinstance(later, AlreadyRefused)
        assert later.is_silent
    owner = await asyncpg.connect(dsn)
    assert await owner.fetchval("SELECT count(*) FROM identities WHERE external_id = '7'") == 0
    await owner.close()
    assert (await talk.say("8", "/mode base")).error is None
    await admin(talk, "lift telegram:7")
    assert (await talk.say("7", "/mode base")).error is None


async def test_denial_is_in_the_language_of_the_message(talk: Talk) -> None:
    await admin(talk, "deny telegram:7")
    error = await refusal(talk, "7")
    said = talk.services.inbox.refusal_outcome(talk.message("7", "Как далеко сегодня?"), error)
    assert "владельцу" in (said.error or "")


@pytest.mark.parametrize(
    ("subject", "where"),
    [
        ("chat telegram:-100", {"chat": "-100"}),
        ("guild telegram:900", {"guild": "900", "chat": "-7"}),
        ("role telegram:55", {"roles": frozenset({"55", "56"})}),
    ],
)
async def test_deny_chats_guilds_and_roles(talk: Talk, subject: str, where: dict[str, object]) -> None:
    await admin(talk, f"deny {subject}")
    assert isinstance(await refusal(talk, "7", **where), AccessBlocked)
    assert isinstance(await refusal(talk, "7", **where), AlreadyRefused)
    assert (await talk.say("7", "/mode base")).error is None
    # The same id on another platform is another subject.
    talk.platforms["discord"].shown.clear()
    assert (await talk.say("7", "/mode base", platform="discord", **where)).error is None


async def test_first_allow_rule_makes_access_invite_only(talk: Talk) -> None:
    assert (await talk.say("7", "/mode base")).error is None
    await admin(talk, "allow telegram:8")
    uninvited = await refusal(talk, "7")
    assert isinstance(uninvited, NotInvited)
    assert "telegram:7" in str(uninvited)
    assert (await talk.say("8", "/mode base")).error is None
    assert (await talk.say(OWNER, "/mode base")).error is None
    await admin(talk, "allow chat telegram:-100")
    assert (await talk.say("7", "/mode base", chat="-100")).error is None
    assert isinstance(await refusal(talk, "7"), AlreadyRefused)


async def test_deny_wins_over_allow(talk: Talk) -> None:
    await admin(talk, "allow chat telegram:-100")
    await admin(talk, "deny telegram:7")
    assert isinstance(await refusal(talk, "7", chat="-100"), AccessBlocked)


async def test_deny_covers_all_linked_accounts(talk: Talk) -> None:
    assert "linked now" in await talk.link("7", "d7")
    await admin(talk, "deny discord:d7")
    assert isinstance(await refusal(talk, "7"), AccessBlocked)


async def test_granted_role_opens_a_mode(talk: Talk) -> None:
    assert (await talk.say("7", "/mode classical")).error
    assert "Done" in (await admin(talk, "grant editor telegram:7")).answer
    assert (await talk.say("7", "/mode classical")).mode == "classical"
    assert (await talk.say("7", "How far today?")).error is None
    assert (await talk.say("8", "/mode classical", roles=frozenset({"55"}))).error
    await admin(talk, "grant editor role telegram:55")
    assert (await talk.say("8", "/mode classical", roles=frozenset({"55"}))).mode == "classical"
    assert "Done" in (await admin(talk, "revoke editor telegram:7")).answer
    assert (await talk.say("7", "/mode classical")).error


async def test_admin_command_is_hidden_from_others(talk: Talk) -> None:
    said = await admin(talk, "list", "7")
    assert "no command “/admin”" in (said.error or "")
    assert "/admin" not in (said.error or "").replace("“/admin”", "")
    assert "/admin" not in str((await talk.say("7", "/help")).table)
    assert "/admin" in str((await talk.say(OWNER, "/help")).table)
    everybody = talk.services.inbox.commands
    assert {command.name for command in COMMANDS} - {command.name for command in everybody} == {"admin"}
    assert len(await talk.services.inbox.commands_for(talk.message(OWNER, ""))) == len(everybody) + 1
    assert len(await talk.services.inbox.commands_for(talk.message("7", ""))) == len(everybody)
    await admin(talk, "deny telegram:7")
    assert await talk.services.inbox.commands_for(talk.message("7", "")) == ()


async def test_platform_role_named_admin_makes_no_admin(talk: Talk) -> None:
    said = await talk.say("7", "/admin list", roles=frozenset({"admin"}))
    assert "no command" in (said.error or "")


async def test_only_owners_appoint_admins(talk: Talk) -> None:
    await admin(talk, "grant admin telegram:7")
    assert "Done" in (await admin(talk, "deny telegram:8", "7")).answer
    assert isinstance(await refusal(talk, "8"), AccessBlocked)
    for beyond in ("grant admin telegram:9", "revoke admin telegram:7", "deny telegram:7"):
        assert "owner" in ((await admin(talk, beyond, "7")).error or "")
    assert "an owner cannot be denied access" in ((await admin(talk, f"deny telegram:{OWNER}", "7")).error or "")
    await admin(talk, "revoke admin telegram:7")
    assert "no command" in ((await admin(talk, "list", "7")).error or "")


async def test_owner_cannot_lock_themselves_out(talk: Talk) -> None:
    await admin(talk, "deny guild telegram:900")
    assert (await talk.say(OWNER, "/mode base", guild="900", chat="-1")).error is None


async def test_list_rules_and_repeat_one(talk: Talk) -> None:
    assert "no rules" in (await admin(talk, "list")).answer
    await admin(talk, "deny telegram:8")
    await admin(talk, "дать editor роль discord:55")
    assert "already" in (await admin(talk, "deny telegram:8")).answer
    listed = await admin(talk, "список")
    assert listed.table is not None
    assert [tuple(row) for row in listed.table.rows] == [
        ("deny", "", "user", "telegram:8"),
        ("role", "editor", "role", "discord:55"),
    ]
    assert "Done" in (await admin(talk, "allow telegram:8")).answer
    assert "deny" not in str((await admin(talk, "list")).table)


async def test_usage_of_admin(talk: Talk) -> None:
    assert "/admin deny" in (await admin(talk, "")).answer
    assert "/admin does not accept" in ((await admin(talk, "deny everybody")).error or "")


@pytest.mark.parametrize(
    ("owners", "name", "owns"),
    [
        (("console:*",), ("console", "anna"), True),
        (("console:*",), ("telegram", "anna"), False),
        (("telegram:1", "discord:2"), ("discord", "2"), True),
        (("telegram:1",), ("discord", "1"), False),
        ((), ("console", "anna"), False),
    ],
)
def test_owner_by_platform_and_id(owners: tuple[str, ...], name: tuple[str, str], owns: bool) -> None:
    assert AccessPolicy("agoge", owners).is_owner([name]) is owns


async def test_denial_in_a_terminal_is_shown_once_but_in_every_json_line(
    talk: Talk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    await admin(talk, "deny console:mallory")
    outputs = []
    for machine in (False, True):
        monkeypatch.setattr(pipe, "read_lines", lambda: read_lines(io.BytesIO(b"How far?\nAnd now?\nAnd now?\n")))
        assert await pipe.run_pipe_chat(talk.services.direct, "mallory", "en", json_output=machine)
        outputs.append(capsys.readouterr().out)
        async with talk.services.database.anonymous_transaction() as connection:
            await connection.execute("DELETE FROM allowances")
    assert outputs[0].count("I am not allowed to answer here.") == 1
    # The log may print to the same output, as of the worker that ends the turn of /admin.
    errors = [json.loads(line)["error"] for line in outputs[1].splitlines() if line.startswith("{")]
    assert [error.startswith("I am not allowed to answer here.") for error in errors] == [True] * 3
