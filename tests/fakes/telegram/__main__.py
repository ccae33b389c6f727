"""`python -m tests.fakes.telegram`: the server as a process of its own. It prints its port, and runs until ended."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys

from tests.fakes.telegram.limits import Limits
from tests.fakes.telegram.server import TOKEN, FakeTelegram


async def run(telegram: FakeTelegram, port: int, *, with_stdin: bool) -> None:
    """Serve until SIGTERM, SIGINT, or perhaps the end of stdin."""
    ended = asyncio.Event()
    if with_stdin:
        asyncio.get_running_loop().add_reader(sys.stdin, ended.set)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with telegram.serving(port) as url:
        print("port", url.rpartition(":")[2], flush=True)
        await ended.wait()


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(prog="python -m tests.fakes.telegram", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--token", default=TOKEN)
    parser.add_argument("--username", default="consilium_bot", help="of the bot")
    parser.add_argument("--seed", type=int, default=0, help="of mishaps that come by chance")
    parser.add_argument("--no-limits", action="store_true", help="never answer 429 by itself")
    parser.add_argument("--with-stdin", action="store_true", help="end with stdin, so that it never outlives a test")
    options = parser.parse_args()
    limits = Limits.off() if options.no_limits else Limits()
    telegram = FakeTelegram(options.token, options.username, limits, options.seed)
    asyncio.run(run(telegram, options.port, with_stdin=options.with_stdin))


if __name__ == "__main__":
    main()
