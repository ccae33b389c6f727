"""sglang-router, started from its profile, in front of real servers that die, return, join and leave."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.fixtures.sglang import START_TIMEOUT, RunningRouter, RunningSGLang, SGLangServers, StartRouter

pytestmark = [pytest.mark.sglang, pytest.mark.timeout(3 * START_TIMEOUT)]

ANSWER_TIMEOUT = 300.0


def ask(url: str, model: str, *, stream: bool = False, max_tokens: int = 4) -> httpx.Response:
    return httpx.post(f"{url}/v1/chat/completions", json=body(model, stream, max_tokens), timeout=ANSWER_TIMEOUT)


def body(model: str, stream: bool, max_tokens: int) -> dict[str, object]:
    return {
        "model": model,
        "messages": [{"role": "user", "content": "What is the capital of France?"}],
        "max_tokens": max_tokens,
        "temperature": 0,
        "stream": stream,
        "ignore_eos": True,
    }


@pytest.mark.kills_servers
def test_answers_go_on_when_a_server_dies_and_use_it_again_when_it_is_back(
    sglang_servers: SGLangServers, start_router: StartRouter
) -> None:
    servers = sglang_servers.take(2)
    router = start_router([server.url for server in servers])
    assert router.workers() == {server.url: True for server in servers}
    model = servers[0].model

    with httpx.stream(
        "POST", f"{router.url}/v1/chat/completions", json=body(model, True, 400), timeout=ANSWER_TIMEOUT
    ) as answer:
        lines = answer.iter_lines()
        first = json.loads(next(line for line in lines if line).removeprefix("data: "))
        assert first["choices"][0]["delta"]["role"] == "assistant"
        serving = next(server for server in servers if server.url == serving_url(router))
        serving.kill()
        rest: list[str] = []
        with pytest.raises(httpx.RemoteProtocolError):  # cut, not ended: nobody takes half an answer for a whole one
            rest.extend(lines)
        assert "data: [DONE]" not in rest

    (left,) = [server for server in servers if server is not serving]
    # At once: the router sends it to the dead server, which has seen this prompt, and tries again.
    [answered] = ask(router.url, model, max_tokens=12).json()["choices"]
    # Whole, whatever it says: beside another load, so small a model has answered with L'Étoile.
    assert answered["finish_reason"] == "length"
    assert answered["message"]["content"].strip()
    router.wait_for_workers([left.url])

    back = sglang_servers.start(*serving.flags, port=serving.port)
    router.wait_for_workers([left.url, back.url])
    left.kill()
    assert ask(router.url, model).status_code == httpx.codes.OK


def serving_url(router: RunningRouter) -> str:
    listed = httpx.get(f"{router.url}/workers", timeout=60).json()["workers"]
    (url,) = [worker["url"] for worker in listed if worker["load"]]
    return str(url)


def test_a_refusal_comes_through_as_it_is_and_takes_no_server_out(
    sglang: RunningSGLang, start_router: StartRouter
) -> None:
    router = start_router([sglang.url])
    for stream in [False, True] * 6:
        direct = ask(sglang.url, f"{sglang.model}:never-loaded", stream=stream)
        routed = ask(router.url, f"{sglang.model}:never-loaded", stream=stream)
        assert direct.status_code == routed.status_code == httpx.codes.BAD_REQUEST
        assert "never been loaded" in routed.json()["message"]
        assert routed.json() == direct.json()
    assert ask(router.url, sglang.model).status_code == httpx.codes.OK


def test_servers_join_and_leave_through_its_api(sglang: RunningSGLang, start_router: StartRouter) -> None:
    router = start_router([])
    none = ask(router.url, sglang.model)
    assert (none.status_code, none.json()["error"]["code"]) == (503, "no_available_workers")
    added = httpx.post(f"{router.url}/workers", json={"url": sglang.url}, timeout=30)
    assert added.status_code == httpx.codes.ACCEPTED
    router.wait_for_workers([sglang.url])
    assert ask(router.url, sglang.model).status_code == httpx.codes.OK
    (worker,) = httpx.get(f"{router.url}/workers", timeout=30).json()["workers"]
    removed = httpx.delete(f"{router.url}/workers/{worker['id']}", timeout=30)
    assert removed.status_code == httpx.codes.ACCEPTED
    router.wait_for_workers([])
    assert router.workers() == {}
