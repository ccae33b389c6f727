"""The fake as its own process: `python -m tests.fakes.discord --port 0` prints the port and serves until stopped."""

from __future__ import annotations

import argparse
import asyncio

from tests.fakes.discord.server import DiscordFake


async def serve(options: argparse.Namespace) -> None:
    """Serves until cancelled."""
    fake = DiscordFake(options.token, portal_intents=options.portal_intent, shards=options.shards)
    async with fake.serving(options.port):
        print(fake.url.rsplit(":", 1)[1], flush=True)
        await asyncio.Event().wait()


def main() -> None:
    """Reads the options and serves."""
    parser = argparse.ArgumentParser(prog="python -m tests.fakes.discord")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--token", default="fake-token")
    parser.add_argument("--shards", type=int, default=1)
    parser.add_argument("--portal-intent", action="append", default=[], help="members, presences, message_content")
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
