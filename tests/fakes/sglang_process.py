"""The server that only looks like SGLang as a process of its own, to be killed: `python -m tests.fakes.sglang_process`.

It answers each question with itself, so that an answer tells what it is the answer to.
"""

from __future__ import annotations

import argparse
import asyncio
import signal

from tests.fakes.sglang_server import SGLangServer


async def run(base: str, port: int, pause: float, calls: str | None) -> None:
    """Serve until SIGTERM."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    async with SGLangServer(base=base, echoes=True, pause=pause, calls=calls).serving(port):
        print("ready", flush=True)
        await ended.wait()


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--base", required=True, help="name of the base model")
    parser.add_argument("--pause", type=float, default=0.0, help="seconds before each piece")
    parser.add_argument("--calls", help="what it answers with when it is offered tools; it says the result back")
    options = parser.parse_args()
    asyncio.run(run(options.base, options.port, options.pause, options.calls))


if __name__ == "__main__":
    main()
