"""Bob on Discord, who chooses English."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.acceptance.conftest import DEADLINE
from tests.acceptance.scripted.transcript import Block, Key, Transcript
from tests.fakes.discord.server import DiscordFake
from tests.fakes.discord.validation import SELECT, components_in

QUESTION = "Why does a heavy barbell feel heavier at the bottom of a squat?"
FACT = "I train in a garage, with one barbell."
LATER = "What can I do with my barbell today?"
ENOUGH = 40
"""Characters of an answer that are awaited before it is stopped."""
GROWTH = 3
"""How many times at least an unfinished answer was shown, in three answers."""
FENCED = re.compile(r"```\n?(.*?)\n?```", re.DOTALL)
ESCAPED = re.compile(r"\\([^\w\s])")


class OnDiscord:
    """Uses commands, buttons, menus and a form, and looks at what is there."""

    def __init__(self, discord: DiscordFake) -> None:
        self._discord = discord
        self._people = discord.people
        self.bob = self._people.add_user("Bob", locale="ru")
        # A bot may write only to who is in a guild with it.
        self._people.join(self._people.add_guild("Agoge"), self.bob)
        self.dm = self._people.dm(self.bob)
        self.transcript = Transcript("Discord", "Bob", "Consilium")

    async def ready(self) -> None:
        """The bot is there, with its commands."""
        await self._people.wait_for(
            lambda: self._discord.gateway.connected_shards() and self._people.commands(), within=DEADLINE
        )

    async def begin(self) -> None:
        """From the first greeting to what is to be remembered."""
        await self.ready()
        await self._run("start")
        menu = await self._run("lang")
        self._people.choose(self.bob, menu["id"], ["English"])
        self._note("chooses “English”")
        await self._changed(menu, "Language: English.")
        await self._mix()
        stopped = await self._ask_and_stop()
        self._people.press(self.bob, stopped["id"], "Ask again")
        self._note("presses “Ask again”")
        answer = await self._answer(stopped["id"])
        assert "Stopped." not in answer["content"]
        assert FACT in (await self._run("remember", text=FACT))["content"]

    async def go_on(self) -> None:
        """After the restart: what is remembered, and what it is good for."""
        await self.ready()
        assert FACT in _plain(await self._run("memory"))
        asked = self._tell(LATER)
        assert len((await self._answer(asked))["content"].split()) > 3

    async def end(self) -> None:
        """Forget, and see what is left."""
        assert FACT in _plain(await self._run("forget", argument="1"))
        assert FACT not in _plain(await self._run("memory"))
        assert (await self._run("export"))["files"] == ["consilium-export.json", "consilium-export.md"]

    def exported(self) -> dict[str, Any]:
        """What the export's JSON holds."""
        files = [file for message in self._discord.messages.all.values() for file in message.files]
        told: dict[str, Any] = json.loads(files[0].data)
        return told

    def texts(self) -> list[str]:
        """All that the bot has ever shown."""
        return [str(state["content"]) for state in self._people.journal("message") if state["author"] == self._bot]

    def check(self) -> None:
        """Discord was asked for nothing that it would not do, and everything that it asked for was done."""
        assert self._discord.rate_limits.early_requests == []
        assert self._people.journal("bug") == []
        refused = [entry for entry in self._people.journal("request") if entry.get("status", 0) >= 400]
        assert [entry for entry in refused if entry["status"] != 429] == []
        for interaction in self._people.journal("interaction"):
            assert self._people.interaction(interaction["id"])["state"] in ("done", "modal"), interaction
        said = [seen["content"] for seen in self._seen()]
        assert len(said) == len(set(said)), "nothing is said twice"
        assert len(self._growth()) >= GROWTH

    @property
    def _bot(self) -> str:
        return self._people.bot

    async def _mix(self) -> None:
        menu = await self._run("mode")
        self._people.choose(self.bob, menu["id"], ["physics", "core"], select="adapters to mix")
        self._note("chooses “physics” and “core” in “adapters to mix”")
        await self._changed(menu, "core+physics")
        menu = await self._run("mode")
        form = self._people.press(self.bob, menu["id"], "Weights…")
        modal = (await self._people.wait_interaction(form, within=DEADLINE))["modal"]
        assert modal["components"][0]["components"][0]["value"] == "core+physics"
        self._people.submit_modal(form, expression="physics*0.7+core")
        self._note("presses “Weights…” and writes “physics*0.7+core”")
        await self._changed(menu, "core+physics*0.7")

    async def _ask_and_stop(self) -> dict[str, Any]:
        asked = self._tell(QUESTION)

        def long_enough() -> dict[str, Any] | None:
            new = [seen for seen in self._seen() if int(seen["id"]) > int(asked)]
            return new[0] if new and len(new[0]["content"]) >= ENOUGH else None

        begun = await self._people.wait_for(long_enough, within=DEADLINE)
        assert begun is not None
        assert self._people.labels(begun["id"]) == ["Stop"]
        self._show(begun, unfinished=True)
        self._people.press(self.bob, begun["id"], "Stop")
        self._note("presses “Stop”")
        stopped = await self._answer(asked)
        assert stopped["id"] == begun["id"]
        assert stopped["content"].startswith(begun["content"][: ENOUGH // 2])
        assert _plain(stopped).endswith("-# core+physics*0.7 · Stopped.")
        return stopped

    def _tell(self, text: str) -> str:
        self.transcript.said(text)
        return self._people.send_dm(self.bob, text)

    async def _run(self, command: str, **options: str) -> dict[str, Any]:
        """Give a slash command, and what is answered."""
        self.transcript.said(" ".join([f"/{command}", *options.values()]))
        given = self._people.run_command(self.dm, self.bob, command, **options)

        def answered() -> dict[str, Any] | None:
            shown: dict[str, Any] | None = self._people.interaction(given)["original"]
            return shown if shown and not shown["loading"] and shown["content"] != "…" else None

        shown = await self._people.wait_for(answered, within=DEADLINE)
        assert shown is not None
        self._show(shown)
        return shown

    async def _answer(self, after: str) -> dict[str, Any]:
        """The bot's first message after another, once it has come to its end."""

        def ended() -> dict[str, Any] | None:
            new = [seen for seen in self._seen() if int(seen["id"]) > int(after)]
            return new[0] if new and "Ask again" in self._people.labels(new[0]["id"]) else None

        answer = await self._people.wait_for(ended, within=DEADLINE)
        assert answer is not None
        self._show(answer)
        return answer

    async def _changed(self, menu: dict[str, Any], says: str) -> None:
        def changed() -> dict[str, Any] | None:
            now = self._people.message(menu["id"])
            return now if now["content"] != menu["content"] and says in _plain(now) else None

        now = await self._people.wait_for(changed, within=DEADLINE)
        assert now is not None
        self._show(now)

    def _growth(self) -> set[str]:
        """What unfinished answers have shown."""
        states = [state["content"] for state in self._people.journal("message") if _says_stop(state)]
        return {content for content in states if not content.startswith("-# ")}

    def _seen(self) -> list[dict[str, Any]]:
        return [seen for seen in self._people.messages_in(self.dm, self.bob) if seen["author"] == self._bot]

    def _note(self, done: str) -> None:
        self.transcript.note(f"Bob {done}")

    def _show(self, message: dict[str, Any], *, unfinished: bool = False) -> None:
        keys = [_keys(row) for row in message["components"]]
        self.transcript.shown(_blocks(message["content"]), keys, tuple(message["files"]), unfinished=unfinished)


def _says_stop(state: dict[str, Any]) -> bool:
    return any(part.get("label") == "Stop" for part in components_in(state["components"]))


def _keys(row: dict[str, Any]) -> list[Key]:
    return [
        Key(part["placeholder"], "select") if part["type"] == SELECT
        else Key(part["label"], "red" if part["style"] == 4 else "grey")
        for part in row["components"]
    ]  # fmt: skip


def _plain(message: dict[str, Any]) -> str:
    return ESCAPED.sub(r"\1", message["content"])


def _blocks(content: str) -> list[Block]:
    """Markdown as Discord shows it: code apart, small print apart."""
    blocks = []
    for n, piece in enumerate(FENCED.split(content)):
        if n % 2:
            blocks.append(Block(piece, "code"))
            continue
        lines = piece.splitlines()
        text = ESCAPED.sub(r"\1", "\n".join(line for line in lines if not line.startswith("-# "))).strip()
        small = ESCAPED.sub(r"\1", "\n".join(line[3:] for line in lines if line.startswith("-# ")))
        blocks += [block for block in (Block(text), Block(small, "small")) if block.text]
    return blocks
