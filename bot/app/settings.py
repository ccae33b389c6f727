"""What an operator can set: environment variables (`CONSILIUM_…`) or a `.env` file. Every setting has a default."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import parse_qs, unquote, urlsplit
from zoneinfo import ZoneInfo

import platformdirs
from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from inference.device import DEVICE_PATTERN

APP_NAME: Final = "consilium"
MIN_KEY_LENGTH: Final = 24
"""Characters of an API key in the settings."""
ENV_FILE: Final = Path(".env")
"""What settings are read from beside the environment, in the folder that the program starts in."""
BOOTSTRAP_NAME: Final = "bootstrap"
"""The name of the program with the key of the settings, if the settings give it none."""
CLIENT_NAME: Final = re.compile(r"[^:\s]{1,64}")
"""The name of a program that uses the HTTP channel."""
DEMO_MIND: Final = Path(__file__).resolve().parents[2] / "minds" / "agoge"


class Settings(BaseSettings):
    """Read once, at the start. The defaults run everything embedded, on the CPU, without a network."""

    model_config = SettingsConfigDict(env_prefix="CONSILIUM_", env_file=ENV_FILE, extra="ignore", frozen=True)

    mind: Path = DEMO_MIND
    """Folder of the mind that answers."""
    language: Literal["ru", "en"] | None = None
    """Language of the service's own sentences for people who have not chosen one; unset: the system's."""
    owners: Annotated[tuple[str, ...], NoDecode] = ("console:*",)
    """Owners of the service, as `platform:id`, separated by commas; `*` is everybody who writes on a platform."""

    database_url: SecretStr | None = None
    """DSN of a Postgres with pgvector; unset: an embedded one under `data_dir`."""
    database_owner_url: SecretStr | None = None
    """DSN of the role that owns the schema and migrates it, where `database_url` is the service's own. Processes of one
    role do without."""
    database_backup_url: SecretStr | None = None
    """DSN of a role that sees everybody's rows, for `consilium backup`; unset: the owner's, or the embedded server's
    superuser."""
    data_dir: Path = Field(default_factory=lambda: platformdirs.user_data_path(APP_NAME))
    """What must not be lost: the embedded database."""
    cache_dir: Path = Field(default_factory=lambda: platformdirs.user_cache_path(APP_NAME))
    """What can be recreated: prepared base models and compositions."""
    state_dir: Path = Field(default_factory=lambda: platformdirs.user_state_path(APP_NAME))
    """Logs and the history of the terminal."""

    engine: Literal["local", "sglang", "vllm"] = "local"
    device: str = Field("auto", pattern=DEVICE_PATTERN)
    """Where the local engine answers and adapters are trained: auto, cpu, cuda, cuda:1 or mps; auto: a GPU if there is
    one."""
    base_model: str | None = None
    """Folder or hub id of the base model; unset: the mind's."""
    allow_download: bool = False
    """Whether models may be downloaded from a hub."""
    sglang_url: str = "http://127.0.0.1:30000"
    sglang_api_key: SecretStr | None = None
    """The server's `--api-key`, for answers."""
    sglang_admin_key: SecretStr | None = None
    """The server's `--admin-api-key`, for loading adapters into it."""
    vllm_url: str = "http://127.0.0.1:8000"
    vllm_api_key: SecretStr | None = None
    """The server's key for answers."""
    vllm_admin_key: SecretStr | None = None
    """The server's key for loading adapters into it."""
    engine_patience: float = Field(120, ge=0)
    """Seconds to retry while the engine's server is unavailable, before a person gets an error."""
    max_rank: int | None = Field(None, ge=1)
    """Largest rank of a composition; unset: the engine's limit. A value above that limit has no effect."""
    prewarm_modes: int = Field(8, ge=0, le=1000)
    """How many of the most used modes are prepared at start, beside the core and the default mode; 0: none at all."""
    prewarm_days: int = Field(14, ge=1, le=3650)
    """Days over which the use of modes is counted."""
    embedding_model: str | None = None
    """Model for memory, library and `auto`: a bundled one, a folder, a hub id, or a model of the server at
    `embedding_url`. Unset: multilingual-e5-small, or all-MiniLM-L6-v2 where the package of the former is missing."""
    embedding_url: str | None = None
    """Address of a server with OpenAI's `/v1/embeddings`; unset: the model runs in this process."""
    embedding_api_key: SecretStr | None = None
    embedding_former: Annotated[tuple[str, ...], NoDecode] = ()
    """Models used before, separated by commas: their vectors are compared until everything is embedded again. A folder,
    a hub id, or `MODEL@URL` for a model on a server. Unset, and no `embedding_model` set either: all-MiniLM-L6-v2,
    which was the default before."""
    embedding_former_api_key: SecretStr | None = None
    """API key of the servers in `embedding_former`."""
    reranker: str | None = None
    """A cross-encoder that reorders the passages found: a folder or a hub id; unset: none."""

    prompt_tokens: int = Field(3072, ge=256)
    """Tokens that a prompt may have: instructions, memories, passages, the recent window and the question."""
    draw_facts: bool | None = None
    """Whether the engine extracts facts about people, and summaries, from their messages; unset: if it is a server."""
    timezone: ZoneInfo | None = None
    """Time zone in which "yesterday" begins and ends, such as Europe/Moscow; unset: the machine's zone."""
    memories_recalled: int = Field(4, ge=0, le=50)
    """Memories of the person in a prompt, at most."""
    passages: int = Field(4, ge=0, le=20)
    """Passages of the library in a prompt, at most; 0: answers without the library."""
    library_tokens: int = Field(600, ge=50)
    """Tokens of all passages of a prompt together, at most."""
    style_examples: int = Field(0, ge=0, le=10)
    """Examples in a prompt of how the author speaks, at most; from the mind's collections of the kind `voice`. Adapters
    have learnt the style already, and small models answer worse with examples."""
    library_at_start: bool = True
    """Whether a process that answers updates the library at its start; `consilium library add` does it at any time."""
    document_megabytes: int = Field(20, ge=1, le=64)
    """Size of a document that a person sends, at most. Telegram gives bots no files above 20 MB."""
    documents_per_message: int = Field(5, ge=1, le=10)
    """Documents of one message that are read."""
    document_passages: int = Field(1000, ge=1, le=20_000)
    """Passages of 160 tokens that one document in a person's memory may have."""
    person_passages: int = Field(5000, ge=0, le=100_000)
    """Passages of all documents in a person's memory together; 0: no documents."""
    generation_seconds: float = Field(300, gt=0)
    """Timeout of one answer, from the prompt to its last token."""

    turn_seconds: float = Field(3600, gt=0)
    """How long a message may wait and be retried before the service gives up."""
    turn_attempts: int = Field(8, ge=1, le=1000)
    """How many attempts may break off, for example because their process dies, before the service gives up."""
    shown_patience: float = Field(5, ge=0)
    """Seconds to wait for a database that becomes unavailable during an answer in the terminal or over HTTP."""
    database_patience: float = Field(60, ge=0)
    """The same for answers on a platform, such as Telegram."""
    worker_turns: int | None = Field(None, ge=1, le=1000)
    """Turns that one process works on at the same time; unset: 16 with a server as the engine, 4 with the local one."""
    drain_seconds: float = Field(30, ge=0)
    """How long running answers may go on after the process is told to stop; other processes take over the rest."""

    person_at_once: int = Field(20, ge=1)
    """Messages that one person may send in a burst."""
    person_per_minute: float = Field(30, gt=0)
    person_per_day: int = Field(1000, ge=1)
    chat_at_once: int = Field(60, ge=1)
    """The same for a chat that several people share."""
    chat_per_minute: float = Field(120, gt=0)
    chat_per_day: int = Field(10_000, ge=1)
    waiting: int = Field(2000, ge=1)
    """Messages of all people that may wait or be worked on at the same time; more are refused with a sentence. An API
    key or a platform may have as many of them as are free besides: half, if it is alone."""
    answers_at_once: int | None = Field(None, ge=1, le=10_000)
    """Answers that one process generates at the same time, given out to API keys and platforms in the same way; unset:
    16 with a server as the engine, 2 with the local one, which generates one after another."""

    telegram_token: SecretStr | None = None
    """The bot's token from @BotFather; unset: no Telegram."""
    telegram_api: str = "https://api.telegram.org"
    """Address of the Bot API; change it for your own Bot API server."""
    telegram_per_second: int = Field(30, ge=1, le=1000)
    """Bot API calls that this process may make in a second; with several workers, its share of thirty."""
    telegram_rich: bool = False
    """Whether Telegram formats answers itself, with tables and headings; some of its clients do not show them."""
    telegram_webhook_url: str | None = None
    """Address that Telegram posts updates to, as seen from outside; unset: long polling."""
    telegram_webhook_secret: SecretStr | None = None
    """Secret that Telegram's posts carry: letters, digits, `_` and `-`; unset: derived from the token."""
    telegram_webhook_host: str = "127.0.0.1"
    telegram_webhook_port: int | None = Field(None, ge=0, le=65535)
    """Address to listen on for nothing but the posts, behind a reverse proxy; unset: that of `http_port`."""

    discord_token: SecretStr | None = None
    """The bot's token from Discord's developer portal; unset: no Discord."""
    discord_message_content: bool = False
    """Whether the bot reads messages that do not mention it, to answer replies to its own. It has to be switched on in
    the developer portal as well."""
    discord_guilds: Annotated[tuple[int, ...], NoDecode] = ()
    """Ids of the operator's own servers, separated by commas: commands appear there at once."""
    discord_api: str = "https://discord.com/api/v10"
    """Address of Discord's REST API; change it for your own proxy."""
    discord_gateway: str = "wss://gateway.discord.gg/"
    """Address of Discord's gateway; change it for your own proxy."""

    http_port: int | None = Field(8080, ge=0, le=65535)
    """Port of `/healthz`, `/readyz` and `/metrics` in `consilium serve`, and of the HTTP channel; 0: any free port;
    unset: none."""
    http_host: str = "127.0.0.1"
    http_connections: int = Field(2000, ge=8, le=100_000)
    """Connections of clients that the HTTP server keeps at the same time. Above that the one that has been without a
    request for longest is closed for a new one."""
    http_connections_per_address: int = Field(1000, ge=4, le=100_000)
    """The same for one address. Behind a reverse proxy all clients have its address."""
    api_keys: SecretStr | None = None
    """One key for the beginning, as `KEY` or `NAME:KEY`, of at least 24 characters. It may do everything; all
    other keys are made with `consilium keys create`."""
    api_open: bool = False
    """Whether programs on this machine may use the HTTP channel without a key."""
    http_origins: Annotated[tuple[str, ...], NoDecode] = ()
    """Web pages that may use the HTTP channel from a browser, as `https://chat.example.org`, separated by commas; `*`:
    all."""
    metrics_port: int | None = Field(None, ge=1, le=65535)
    """Port of the Prometheus metrics in commands other than `serve`; unset: they are not served."""
    metrics_host: str = "127.0.0.1"
    """Address of the metrics server."""
    otlp_endpoint: str | None = Field(None, pattern=r"^https?://[^/\s]+\S*$")
    """Address of an OpenTelemetry collector that traces are sent to, by OTLP over HTTP; unset: no traces."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_texts: bool = False
    """Whether messages of errors that may quote what people wrote go into the log; for a developer's own machine."""

    @field_validator("owners", "discord_guilds", "embedding_former", "http_origins", mode="before")
    @classmethod
    def _split_commas(cls, raw: object) -> object:
        if not isinstance(raw, str):
            return raw
        return tuple(item.strip() for item in raw.split(",") if item.strip())

    @field_validator("owners", mode="after")
    @classmethod
    def _check_owners(cls, owners: tuple[str, ...]) -> tuple[str, ...]:
        for owner in owners:
            platform, colon, name = owner.partition(":")
            if not (platform and colon and name):
                raise ValueError(f"“{owner}” is not an owner: write platform:id, such as telegram:123456")
        return owners

    @field_validator("mind", "data_dir", "cache_dir", "state_dir", mode="after")
    @classmethod
    def _expand_home(cls, path: Path) -> Path:
        return path.expanduser()

    @field_validator("api_keys", mode="after")
    @classmethod
    def _check_api_keys(cls, keys: SecretStr | None) -> SecretStr | None:
        pairs = _parse_api_keys(keys)
        if len(pairs) > 1:
            raise ValueError("it takes one KEY, or NAME:KEY; make the other keys with `consilium keys create NAME`")
        if not all(CLIENT_NAME.fullmatch(name) and key for name, key in pairs):
            raise ValueError("write KEY, or NAME:KEY")
        if any(len(key) < MIN_KEY_LENGTH for _, key in pairs):
            raise ValueError(
                f"the key must have at least {MIN_KEY_LENGTH} characters, such as from `openssl rand -hex 24`"
            )
        if any(not key.isascii() or not key.isprintable() for _, key in pairs):
            raise ValueError("the key must be of ASCII characters: others cannot be sent in a header")
        return keys

    @property
    def api_clients(self) -> dict[str, str]:
        """The key of the settings, by its name; empty if there is none."""
        return dict(_parse_api_keys(self.api_keys))

    @property
    def turns_at_once(self) -> int:
        """Turns that one process works on at the same time."""
        return self.worker_turns or (16 if self.engine_is_server else 4)

    @property
    def engine_slots(self) -> int:
        """Answers that one process generates at the same time."""
        return self.answers_at_once or (16 if self.engine_is_server else 2)

    @property
    def database_passwords(self) -> list[str]:
        """The passwords within the addresses of databases, as they are and as they are written there."""
        passwords = []
        for address in (self.database_url, self.database_owner_url, self.database_backup_url):
            try:
                parts = urlsplit(address.get_secret_value() if address else "")
            except ValueError:
                continue
            raw = parts.netloc.rpartition("@")[0].partition(":")[2]
            passwords += [raw, unquote(raw), *parse_qs(parts.query).get("password", [])]
        return [password for password in passwords if password]

    @property
    def engine_is_server(self) -> bool:
        """Whether answers come from a server, not from this process."""
        return self.engine != "local"

    @property
    def engine_url(self) -> str:
        """Address of the engine's server."""
        return self.vllm_url if self.engine == "vllm" else self.sglang_url

    @property
    def engine_api_key(self) -> SecretStr | None:
        """The key for answers of the engine's server."""
        return self.vllm_api_key if self.engine == "vllm" else self.sglang_api_key

    @property
    def engine_admin_key(self) -> SecretStr | None:
        """The key for loading adapters into the engine's server."""
        return self.vllm_admin_key if self.engine == "vllm" else self.sglang_admin_key

    @property
    def compositions_dir(self) -> Path:
        """Folder of the compositions."""
        return self.cache_dir / "compositions"

    @property
    def models_dir(self) -> Path:
        """Folder of prepared and downloaded models."""
        return self.cache_dir / "models"


def _parse_api_keys(keys: SecretStr | None) -> list[tuple[str, str]]:
    """Names and keys; a key without a name before it has the name `bootstrap`."""
    given = keys.get_secret_value().split(",") if keys else []
    pairs = []
    for pair in filter(None, map(str.strip, given)):
        name, colon, key = pair.partition(":")
        pairs.append((name.strip(), key.strip()) if colon else (BOOTSTRAP_NAME, pair))
    return pairs
