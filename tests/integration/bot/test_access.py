"""Who is let in, kept out, or given a role; and /admin, which changes it."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import asyncpg
import pytest

from bot.app.settings import DEMO_MIND
from bot.channels.console import pipe
from bot.channels.console.pipe import read_lines
from bot.core.errors import AlreadyRefused, MessageRefused
from bot.core.messages import Outcome
from bot.intake.access import AccessBlocked, AccessPolicy, NotInvited
from bot.intake.commands import COMMANDS
from tests.fakes.talk import Talk

OWNER = "1"


@pytest.fixture(scope="module")
def mind_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo mind, which keeps its textbook mode for editors."""
    folder = tmp_path_factory.mktemp("mind") / "agoge"
    shutil.copytree(DEMO_MIND, folder)
    with (folder / "mind.yaml").open("a") as written:
        written.write("\naccess:\n  classical: [editor]\n")
    return folder


async def refused(talk: Talk, person: str, **where: object) -> MessageRefused:
    with pytest.raises(MessageRefused) as caught:
        await talk.say(person, "How far today?", **where)
    return caught.value


async def order(talk: Talk, text: str, person: str = OWNER) -> Outcome:
    return await talk.say(person, f"/admin {text}")


async def test_who_is_kept_out_is_told_once_and_leaves_no_trace(talk: Talk, dsn: str) -> None:
    assert "Done" in (await order(talk, "deny telegram:7")).answer
    first = await refused(talk, "7")
    assert isinstance(first, AccessBlocked)
    assert not first.is_silent
    for _ in range(3):
        later = await refused(talk, "7")
        assert isinstance(later, AlreadyRefused)
        assert later.is_silent
    owner = await asyncpg.connect(dsn)
    assert await owner.fetchval("SELECT count(*) FROM identities WHERE external_id = '7'") == 0
    await owner.close()
    assert (await talk.say("8", "/mode base")).error is None
    await order(talk, "lift telegram:7")
    assert (await talk.say("7", "/mode base")).error is None


async def test_the_sentence_is_polite_and_in_the_language_he_writes_in(talk: Talk) -> None:
    await order(talk, "deny telegram:7")
    error = await refused(talk, "7")
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
async def test_chats_guilds_and_roles_are_kept_out(talk: Talk, subject: str, where: dict[str, object]) -> None:
    await order(talk, f"deny {subject}")
    assert isinstance(await refused(talk, "7", **where), AccessBlocked)
    assert isinstance(await refused(talk, "7", **where), AlreadyRefused)
    assert (await talk.say("7", "/mode base")).error is None
    # The same id on another platform is somebody else.
    talk.platforms["discord"].shown.clear()
    assert (await talk.say("7", "/mode base", platform="discord", **where)).error is None


async def test_from_the_first_invitation_on_only_the_invited_are_let_in(talk: Talk) -> None:
    assert (await talk.say("7", "/mode base")).error is None
    await order(talk, "allow telegram:8")
    uninvited = await refused(talk, "7")
    assert isinstance(uninvited, NotInvited)
    assert "telegram:7" in str(uninvited)
    assert (await talk.say("8", "/mode base")).error is None
    assert (await talk.say(OWNER, "/mode base")).error is None
    await order(talk, "allow chat telegram:-100")
    assert (await talk.say("7", "/mode base", chat="-100")).error is None
    assert isinstance(await refused(talk, "7"), AlreadyRefused)


async def test_to_keep_out_wins_over_to_let_in(talk: Talk) -> None:
    await order(talk, "allow chat telegram:-100")
    await order(talk, "deny telegram:7")
    assert isinstance(await refused(talk, "7", chat="-100"), AccessBlocked)


async def test_a_person_is_kept_out_under_all_his_names(talk: Talk) -> None:
    code = (await talk.say("7", "/link")).answer.rpartition("/link ")[2][:9]
    await talk.say("d7", f"/link {code}", platform="discord")
    await order(talk, "deny discord:d7")
    assert isinstance(await refused(talk, "7"), AccessBlocked)


async def test_a_granted_role_opens_a_mode(talk: Talk) -> None:
    assert (await talk.say("7", "/mode classical")).error
    assert "Done" in (await order(talk, "grant editor telegram:7")).answer
    assert (await talk.say("7", "/mode classical")).mode == "classical"
    assert (await talk.say("7", "How far today?")).error is None
    assert (await talk.say("8", "/mode classical", roles=frozenset({"55"}))).error
    await order(talk, "grant editor role telegram:55")
    assert (await talk.say("8", "/mode classical", roles=frozenset({"55"}))).mode == "classical"
    assert "Done" in (await order(talk, "revoke editor telegram:7")).answer
    assert (await talk.say("7", "/mode classical")).error


async def test_there_is_no_admin_command_for_others(talk: Talk) -> None:
    said = await order(talk, "list", "7")
    assert "no command “/admin”" in (said.error or "")
    assert "/admin" not in (said.error or "").replace("“/admin”", "")
    assert "/admin" not in str((await talk.say("7", "/help")).table)
    assert "/admin" in str((await talk.say(OWNER, "/help")).table)
    everybody = talk.services.inbox.commands
    assert {command.name for command in COMMANDS} - {command.name for command in everybody} == {"admin"}
    assert len(await talk.services.inbox.commands_for(talk.message(OWNER, ""))) == len(everybody) + 1
    assert len(await talk.services.inbox.commands_for(talk.message("7", ""))) == len(everybody)
    await order(talk, "deny telegram:7")
    assert await talk.services.inbox.commands_for(talk.message("7", "")) == ()


async def test_a_role_of_the_platform_that_is_called_admin_makes_no_admin(talk: Talk) -> None:
    said = await talk.say("7", "/admin list", roles=frozenset({"admin"}))
    assert "no command" in (said.error or "")


async def test_admins_are_made_by_the_owner_and_only_by_him(talk: Talk) -> None:
    await order(talk, "grant admin telegram:7")
    assert "Done" in (await order(talk, "deny telegram:8", "7")).answer
    assert isinstance(await refused(talk, "8"), AccessBlocked)
    for beyond in ("grant admin telegram:9", "revoke admin telegram:7", "deny telegram:7"):
        assert "owner" in ((await order(talk, beyond, "7")).error or "")
    assert "an owner cannot be denied access" in ((await order(talk, f"deny telegram:{OWNER}", "7")).error or "")
    await order(talk, "revoke admin telegram:7")
    assert "no command" in ((await order(talk, "list", "7")).error or "")


async def test_an_owner_cannot_lock_himself_out(talk: Talk) -> None:
    await order(talk, "deny guild telegram:900")
    assert (await talk.say(OWNER, "/mode base", guild="900", chat="-1")).error is None


async def test_the_rules_are_listed_and_said_twice_change_nothing(talk: Talk) -> None:
    assert "no rules" in (await order(talk, "list")).answer
    await order(talk, "deny telegram:8")
    await order(talk, "дать editor роль discord:55")
    assert "already" in (await order(talk, "deny telegram:8")).answer
    listed = await order(talk, "список")
    assert listed.table is not None
    assert [tuple(row) for row in listed.table.rows] == [
        ("deny", "", "user", "telegram:8"),
        ("role", "editor", "role", "discord:55"),
    ]
    assert "Done" in (await order(talk, "allow telegram:8")).answer
    assert "deny" not in str((await order(talk, "list")).table)


async def test_without_an_order_it_is_said_how_one_is_given(talk: Talk) -> None:
    assert "/admin deny" in (await order(talk, "")).answer
    assert "is not what /admin takes" in ((await order(talk, "deny everybody")).error or "")


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
def test_owners_are_named_by_platform_and_id(owners: tuple[str, ...], name: tuple[str, str], owns: bool) -> None:
    assert AccessPolicy("agoge", owners).is_owner([name]) is owns


async def test_a_terminal_says_nothing_either_to_one_who_has_been_told_and_a_program_gets_its_line(
    talk: Talk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    await order(talk, "deny console:mallory")
    heard = []
    for machine in (False, True):
        monkeypatch.setattr(pipe, "read_lines", lambda: read_lines(io.BytesIO(b"How far?\nAnd now?\nAnd now?\n")))
        assert await pipe.run_pipe_chat(talk.services.direct, "mallory", "en", json_output=machine)
        heard.append(capsys.readouterr().out)
        async with talk.services.database.anonymous_transaction() as connection:
            await connection.execute("DELETE FROM allowances")
    assert heard[0].count("I am not allowed to answer here.") == 1
    errors = [json.loads(line)["error"] for line in heard[1].splitlines()]
    assert [error.startswith("I am not allowed to answer here.") for error in errors] == [True] * 3
