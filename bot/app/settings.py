"""What an operator can set: environment variables (`CONSILIUM_…`) or a `.env` file; every one has a default."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import platformdirs
from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

APP_NAME = "consilium"
DEMO_MIND = Path(__file__).resolve().parents[2] / "minds" / "agoge"


class Settings(BaseSettings):
    """Read once, at start. The defaults run everything embedded, on CPU, with no network."""

    model_config = SettingsConfigDict(env_prefix="CONSILIUM_", env_file=".env", extra="ignore", frozen=True)

    mind: Path = DEMO_MIND
    """Folder of the mind that answers."""
    language: Literal["ru", "en"] | None = None
    """Language of the interface for people who have not chosen one; unset: the system's."""
    owners: Annotated[tuple[str, ...], NoDecode] = ("console:*",)
    """Who owns the service, as `platform:id` with commas between; `*` for everybody who writes on a platform."""

    database_url: SecretStr | None = None
    """DSN of a Postgres with pgvector; unset: an embedded one under `data_dir`."""
    data_dir: Path = Field(default_factory=lambda: platformdirs.user_data_path(APP_NAME))
    """What must not be lost: the embedded database."""
    cache_dir: Path = Field(default_factory=lambda: platformdirs.user_cache_path(APP_NAME))
    """What can be made again: prepared base models and compositions."""
    state_dir: Path = Field(default_factory=lambda: platformdirs.user_state_path(APP_NAME))
    """Logs and the terminal's history."""

    engine: Literal["local", "sglang"] = "local"
    base_model: str | None = None
    """Folder or hub id of the base model; unset: the mind's."""
    allow_download: bool = False
    """Whether models may be fetched from a hub."""
    sglang_url: str = "http://127.0.0.1:30000"
    sglang_api_key: SecretStr | None = None
    """Its `--api-key`, for answers."""
    sglang_admin_key: SecretStr | None = None
    """Its `--admin-api-key`, for bringing adapters to it."""
    engine_patience: float = Field(120, ge=0)
    """Seconds to go on trying while the engine's server is away before a person gets an error."""
    max_rank: int | None = Field(None, ge=1)
    """Largest rank of a composition; unset: what the engine takes. A larger one than that changes nothing."""
    prewarm_modes: int = Field(8, ge=0, le=1000)
    """How many of the modes used most are made ready at start, beside the core and the default mode; 0 for none at
    all."""
    prewarm_days: int = Field(14, ge=1, le=3650)
    """From how many past days the use of modes is counted."""
    embedding_model: str = "all-MiniLM-L6-v2"
    """Of memory and `auto`: the bundled one, a folder, a hub id, or a model of the server at `embedding_url`."""
    embedding_url: str | None = None
    """Address of a server with OpenAI's `/v1/embeddings`; unset: the model runs in this process."""
    embedding_api_key: SecretStr | None = None
    embedding_former: Annotated[tuple[str, ...], NoDecode] = ()
    """Models used before, with commas between: their vectors are compared until everything is embedded anew. A folder,
    a hub id, or `MODEL@URL` for one of a server."""
    embedding_former_api_key: SecretStr | None = None
    """Of the servers among them."""
    reranker: str | None = None
    """A cross-encoder that puts the passages found in order, a folder or a hub id; unset: none."""

    prompt_tokens: int = Field(3072, ge=256)
    """Most tokens a prompt may hold: instructions, memories, passages, the recent window and the question."""
    draw_facts: bool | None = None
    """Whether the engine draws facts about a person, and summaries, from what he says; unset: if it is a server."""
    timezone: ZoneInfo | None = None
    """Where "yesterday" of the people here begins and ends, as in Europe/Moscow; unset: the machine's zone."""
    memories_recalled: int = Field(4, ge=0, le=50)
    passages: int = Field(4, ge=0, le=20)
    """Passages of the library that a prompt holds at most; 0 for answers without the library."""
    library_tokens: int = Field(600, ge=50)
    """Tokens of all passages of a prompt together."""
    style_examples: int = Field(0, ge=0, le=10)
    """Examples of how the author speaks, from the mind's collections of the kind `voice`, that a prompt holds at most.
    Adapters have learnt it already, and small models speak worse for examples."""
    library_at_start: bool = True
    """Whether a process that answers brings the library up to date when it starts; `consilium library add` does it at
    any time."""
    document_megabytes: int = Field(20, ge=1, le=64)
    """Size of a document that somebody sends, at most. Telegram gives bots no larger ones."""
    documents_per_message: int = Field(5, ge=1, le=10)
    """Documents of one message that are read."""
    document_passages: int = Field(1000, ge=1, le=20_000)
    """Passages of 160 tokens that a document in a person's memory may have."""
    person_passages: int = Field(5000, ge=0, le=100_000)
    """Passages of all documents in a person's memory; 0 for none at all."""
    generation_seconds: float = Field(300, gt=0)
    """Deadline of one answer, from the prompt to its last token."""

    turn_seconds: float = Field(3600, gt=0)
    """How long a message may wait and be tried until it is given up."""
    turn_attempts: int = Field(8, ge=1, le=1000)
    """How many attempts may come to no end, as when their process dies, until a message is given up."""
    shown_patience: float = Field(5, ge=0)
    """Seconds that a database which goes away in mid-answer is waited for by whoever shows the answer here and now."""
    database_patience: float = Field(60, ge=0)
    """The same for answers that are shown elsewhere, as on Telegram."""
    worker_turns: int = Field(4, ge=1, le=1000)
    """Answers that one process works on at once."""
    drain_seconds: float = Field(30, ge=0)
    """How long running answers may go on once the process is told to end; the rest is taken up by others."""

    person_at_once: int = Field(20, ge=1)
    """Messages that one person may send one right after another."""
    person_per_minute: float = Field(30, gt=0)
    person_per_day: int = Field(1000, ge=1)
    chat_at_once: int = Field(60, ge=1)
    """The same for a chat that several people share."""
    chat_per_minute: float = Field(120, gt=0)
    chat_per_day: int = Field(10_000, ge=1)
    waiting: int = Field(2000, ge=1)
    """Messages of everybody that may wait or be in work at once; more are declined with a sentence."""

    telegram_token: SecretStr | None = None
    """The bot's token from @BotFather; unset: no Telegram."""
    telegram_api: str = "https://api.telegram.org"
    """Address of the Bot API; another one for a Bot API server of one's own."""
    telegram_per_second: int = Field(30, ge=1, le=1000)
    """Calls that this process may make of the Bot API in a second; with several workers, its share of thirty."""
    telegram_rich: bool = False
    """Whether Telegram lays answers out itself, with tables and headings; some of its clients show nothing of them."""
    telegram_webhook_url: str | None = None
    """Address that Telegram posts updates to, as it is reached from outside; unset: updates are asked for."""
    telegram_webhook_secret: SecretStr | None = None
    """What Telegram's posts are known by: letters, digits, `_` and `-`; unset: made of the token."""
    telegram_webhook_host: str = "127.0.0.1"
    telegram_webhook_port: int = Field(8081, ge=0, le=65535)
    """Where the posts are listened for, behind a reverse proxy."""

    discord_token: SecretStr | None = None
    """The bot's token from Discord's developer portal; unset: no Discord."""
    discord_message_content: bool = False
    """Whether the bot reads what is not written to it, so as to answer replies that do not mention it; to be switched
    on in the developer portal as well."""
    discord_guilds: Annotated[tuple[int, ...], NoDecode] = ()
    """Ids of the operator's own servers, with commas between: commands appear there at once."""
    discord_api: str = "https://discord.com/api/v10"
    """Address of Discord's REST; another one for a proxy of one's own."""
    discord_gateway: str = "wss://gateway.discord.gg/"
    """Address of its gateway, likewise."""

    http_port: int | None = Field(8080, ge=0, le=65535)
    """Port of `/healthz`, `/readyz` and `/metrics` in `consilium serve`, and of the HTTP channel where it is served; 0
    for any that is free, unset for none."""
    http_host: str = "127.0.0.1"
    api_keys: SecretStr | None = None
    """Who may use the HTTP channel: `NAME:KEY` pairs, parted by commas; unset: programs on this machine, without a
    key."""
    metrics_port: int | None = Field(None, ge=1, le=65535)
    """Port of the Prometheus metrics in the other commands; unset: they are not served."""
    metrics_host: str = "127.0.0.1"
    """Address the metrics are served on."""
    otlp_endpoint: str | None = Field(None, pattern=r"^https?://[^/\s]+\S*$")
    """Address of an OpenTelemetry collector that traces are sent to by OTLP over HTTP; unset: there are none."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator("owners", "discord_guilds", "embedding_former", mode="before")
    @classmethod
    def _split_commas(cls, raw: object) -> object:
        if not isinstance(raw, str):
            return raw
        return tuple(one.strip() for one in raw.split(",") if one.strip())

    @field_validator("owners", mode="after")
    @classmethod
    def _check_owners(cls, owners: tuple[str, ...]) -> tuple[str, ...]:
        for owner in owners:
            platform, colon, name = owner.partition(":")
            if not (platform and colon and name):
                raise ValueError(f"“{owner}” is no owner: write platform:id, such as telegram:123456")
        return owners

    @field_validator("mind", "data_dir", "cache_dir", "state_dir", mode="after")
    @classmethod
    def _expand_home(cls, path: Path) -> Path:
        return path.expanduser()

    @field_validator("api_keys", mode="after")
    @classmethod
    def _check_api_keys(cls, keys: SecretStr | None) -> SecretStr | None:
        pairs = _parse_api_keys(keys)
        names, values = [name for name, _ in pairs], [key for _, key in pairs]
        if not all(names) or not all(values):
            raise ValueError("it takes NAME:KEY pairs, parted by commas")
        if len(set(names)) < len(names) or len(set(values)) < len(values):
            raise ValueError("each name and each key stands once")
        return keys

    @property
    def api_clients(self) -> dict[str, str]:
        """Keys of the HTTP channel by their names."""
        return dict(_parse_api_keys(self.api_keys))

    @property
    def compositions_dir(self) -> Path:
        return self.cache_dir / "compositions"

    @property
    def models_dir(self) -> Path:
        return self.cache_dir / "models"


def _parse_api_keys(keys: SecretStr | None) -> list[tuple[str, str]]:
    written = keys.get_secret_value().split(",") if keys else []
    parted = (pair.partition(":") for pair in written if pair.strip())
    return [(name.strip(), key.strip()) for name, _, key in parted]
