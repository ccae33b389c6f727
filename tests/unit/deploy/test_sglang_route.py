"""The command that becomes sglang-router, without a router."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

DEPLOY = Path(__file__).resolve().parents[3] / "deploy" / "sglang"
SERVERS = ("--worker-url", "http://127.0.0.1:30000", "--worker-url", "http://[::1]:30001/")


def run(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CONSILIUM_")}
    return subprocess.run(
        [str(DEPLOY / "route"), *words],
        env=kept | {"CONSILIUM_SGLANG_PYTHON": sys.executable} | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def shown(*words: str, **variables: str) -> list[str]:
    done = run("--show", *words, **variables)
    assert done.returncode == 0, done.stderr
    return shlex.split(done.stdout)


def last(words: list[str], flag: str) -> str:
    """The value that counts: the last one said."""
    return words[len(words) - words[::-1].index(flag)]


def test_it_listens_on_this_machine_and_knows_its_servers() -> None:
    words = shown(*SERVERS)
    assert last(words, "--host") == "127.0.0.1"
    assert last(words, "--policy") == "cache_aware"
    assert last(words, "--prometheus-host") == "127.0.0.1"
    first = words.index("--worker-urls") + 1
    assert words[first : first + 2] == ["http://127.0.0.1:30000", "http://[::1]:30001"]
    assert "--api-key" not in words


def test_it_may_start_with_no_server() -> None:
    assert "--worker-urls" not in shown()


def test_a_flag_given_by_hand_wins() -> None:
    words = shown(*SERVERS, "--policy", "round_robin", "--host", "0.0.0.0", "--prometheus-port", "29000")
    assert last(words, "--policy") == "round_robin"
    assert last(words, "--host") == "0.0.0.0"
    assert words.count("--prometheus-port") == 1


def test_two_routers_do_not_want_one_port_for_metrics() -> None:
    assert last(shown(), "--prometheus-port") != "29000"


def test_a_refused_request_takes_no_server_out() -> None:
    assert "--disable-circuit-breaker" in shown(), "it counts a 400 as a failure of the server"


def test_retries_outlast_the_time_a_dead_server_stays_in() -> None:
    words = shown()

    def number(flag: str) -> float:
        return float(last(words, flag))

    noticed = number("--health-failure-threshold") * number("--health-check-interval-secs")
    wait, waited = number("--retry-initial-backoff-ms"), 0.0
    for _ in range(int(number("--retry-max-retries")) - 1):
        waited += min(wait, number("--retry-max-backoff-ms")) * (1 - number("--retry-jitter-factor"))
        wait *= number("--retry-backoff-multiplier")
    assert waited / 1000 > noticed + 1


def test_the_key_for_answers_comes_from_the_variable_of_the_server() -> None:
    keys = {"CONSILIUM_SGLANG_ADMIN_KEY": "for-adapters", "CONSILIUM_SGLANG_API_KEY": "for-answers"}
    words = shown(*SERVERS, **keys)
    assert last(words, "--api-key") == "for-answers"
    assert "for-adapters" not in " ".join(words), "the router loads no adapters"
    assert last(shown("--api-key", "mine", **keys), "--api-key") == "mine"


@pytest.mark.parametrize("url", ["127.0.0.1:30000", "grpc://host:1", "http://", "http://host:1/v1"])
def test_what_is_no_address_of_a_server_is_refused(url: str) -> None:
    done = run("--worker-url", url)
    assert done.returncode != 0
    assert url in done.stderr
    assert "Traceback" not in done.stderr


def test_without_an_environment_it_names_the_way_to_make_one(tmp_path: Path) -> None:
    done = run(CONSILIUM_SGLANG_PYTHON="", CONSILIUM_SGLANG_HOME=str(tmp_path))
    assert done.returncode != 0
    assert "make sglang" in done.stderr
