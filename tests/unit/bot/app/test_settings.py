"""Settings: the example file, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from bot.app.components import make_former_embedders
from bot.app.settings import Settings

EXAMPLE = Path(__file__).parents[4] / ".env.example"
LINE = re.compile(r"^#CONSILIUM_([A-Z_]+)=(.*)$", re.MULTILINE)


def test_env_example_lists_all_settings() -> None:
    named = [name.lower() for name, _ in LINE.findall(EXAMPLE.read_text(encoding="utf-8"))]
    assert sorted(named) == sorted(Settings.model_fields)


def test_env_example_is_valid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"CONSILIUM_{name.upper()}", raising=False)
    file = tmp_path / "env"
    file.write_text(LINE.sub(r"CONSILIUM_\1=\2", EXAMPLE.read_text(encoding="utf-8")), encoding="utf-8")
    settings = Settings(_env_file=file)
    defaults = Settings(_env_file=None)
    defaults_shown = (
        "engine_patience",
        "prewarm_modes",
        "prewarm_days",
        "metrics_host",
        "prompt_tokens",
        "generation_seconds",
    )
    for name in defaults_shown:
        assert getattr(settings, name) == getattr(defaults, name), name
    assert (settings.max_rank, settings.metrics_port) == (64, 9464)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_rank", 0), ("metrics_port", 0), ("metrics_port", 65536), ("prewarm_modes", -1), ("prewarm_days", 0),
        ("engine_patience", -1),
    ],
)  # fmt: skip
def test_invalid_number_is_refused(name: str, value: object) -> None:
    with pytest.raises(ValidationError, match=name):
        Settings.model_validate({name: value})


def test_secrets_are_not_in_repr() -> None:
    settings = Settings.model_validate({"sglang_api_key": "s3cret-one", "sglang_admin_key": "s3cret-two"})
    assert "s3cret" not in repr(settings) + str(settings)


def test_owners_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONSILIUM_OWNERS", " telegram:123, discord:9 ,")
    assert Settings(_env_file=None).owners == ("telegram:123", "discord:9")
    monkeypatch.setenv("CONSILIUM_OWNERS", "")
    assert Settings(_env_file=None).owners == ()
    monkeypatch.delenv("CONSILIUM_OWNERS")
    assert Settings(_env_file=None).owners == ("console:*",)


@pytest.mark.parametrize("owners", ["123", "telegram:", ":123", "telegram:1,anna"])
def test_owner_without_platform_is_refused(owners: str) -> None:
    with pytest.raises(ValidationError, match="write platform:id"):
        Settings.model_validate({"owners": owners})


def test_the_key_of_the_settings_has_a_name() -> None:
    key = "s3cret:" + 17 * "x"
    settings = Settings.model_validate({"api_keys": f" site:{key}, "})
    assert settings.api_clients == {"site": key}
    assert "s3cret" not in repr(settings) + str(settings)
    assert Settings.model_validate({"api_keys": ""}).api_clients == {}


LONG_KEY = "s3cret" + 18 * "x"


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        (LONG_KEY, "NAME:KEY"),
        ("site:", "NAME:KEY"),
        (f":{LONG_KEY}", "NAME:KEY"),
        (f"a b:{LONG_KEY}", "NAME:KEY"),
        (f"a:{LONG_KEY},b:{LONG_KEY}x", "consilium keys create"),
        (f"site:{LONG_KEY[:-1]}", "24 characters"),
        (f"site:{LONG_KEY}ключ", "ASCII"),
    ],
)
def test_a_wrong_key_of_the_settings_is_refused(keys: str, says: str) -> None:
    with pytest.raises(ValidationError, match="api_keys") as refused:
        Settings.model_validate({"api_keys": keys})
    [problem] = refused.value.errors()
    assert says in problem["msg"]
    assert "s3cret" not in problem["msg"]


@pytest.mark.parametrize("endpoint", ["collector:4318", "grpc://collector:4317", "http://", "http:// x"])
def test_invalid_endpoint_is_refused(endpoint: str) -> None:
    with pytest.raises(ValidationError, match="otlp_endpoint"):
        Settings.model_validate({"otlp_endpoint": endpoint})


def test_former_models_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONSILIUM_EMBEDDING_FORMER", "all-MiniLM-L6-v2, BAAI/bge-m3@http://e5:8080/v1")
    settings = Settings(_env_file=None)
    former = make_former_embedders(settings)
    assert [embedder.name.partition("@")[0] for embedder in former] == [
        "all-MiniLM-L6-v2",
        "BAAI/bge-m3",
    ]
    assert [getattr(embedder, "url", None) for embedder in former] == [None, "http://e5:8080"]
