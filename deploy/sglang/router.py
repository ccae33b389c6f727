"""Turns the profile `router` and the flags beside it into sglang-router. Run by `route`, in SGLang's environment."""

from __future__ import annotations

import argparse
import shlex
import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

from startup import check_port, end_with_parent, is_given, key_argument, read_profile, stop

PROFILE = Path(__file__).resolve().parent / "profiles" / "router.toml"
API_KEY = "CONSILIUM_SGLANG_API_KEY"
DEFAULT_PORT = 30100


def _checked(url: str) -> str:
    """The address of a server as the router wants it: a scheme, a host, and nothing after the port."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
        stop(f"{url} is no server's address. Write it like http://127.0.0.1:30000")
    return url.rstrip("/")


def _metrics_port(words: list[str]) -> list[str]:
    """A free port of the loopback for the metrics nobody asked for: the router always listens for them."""
    if is_given("--prometheus-port", words):
        return []
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return ["--prometheus-port", str(probe.getsockname()[1])]


def serve(words: list[str]) -> None:
    """Be the router until it is told to end.

    This is what `python -m sglang_router.launch_router` does, without what that imports beside it: all of SGLang,
    ten seconds and half a gigabyte for a program that needs 40 MB.
    """
    # Not in the environment that types are checked in.
    from sglang_router.router import Router  # type: ignore[import-not-found]
    from sglang_router.router_args import RouterArgs  # type: ignore[import-not-found]

    parser = argparse.ArgumentParser(prog="deploy/sglang/route", allow_abbrev=False)
    RouterArgs.add_cli_args(parser)
    Router.from_args(RouterArgs.from_cli_args(parser.parse_args(words))).start()


def main() -> None:
    parser = argparse.ArgumentParser(prog="deploy/sglang/route", allow_abbrev=False)
    parser.add_argument("--worker-url", action="append", default=[], metavar="URL", help="a server; say it for each")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT)
    parser.add_argument("--end-with-parent", action="store_true", help="end when the starting process is gone")
    parser.add_argument("--show", action="store_true", help="print the command; start nothing")
    given, extra = parser.parse_known_args()

    words = [*read_profile(PROFILE).arguments(), "--host", given.host, "--port", str(given.port)]
    words += key_argument("--api-key", API_KEY, extra)
    words += _metrics_port(extra)
    if given.worker_url:
        words += ["--worker-urls", *map(_checked, given.worker_url)]
    words += extra
    if given.show:
        print(shlex.join([sys.executable, "-m", "sglang_router.launch_router", *words]))
        return
    check_port(given.host, given.port)
    if given.end_with_parent:
        end_with_parent()
    serve(words)


if __name__ == "__main__":
    main()
