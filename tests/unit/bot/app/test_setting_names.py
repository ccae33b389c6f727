"""A misspelt setting stops the start."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.app.setting_names import DEVELOPER_NAMES, describe_unknown_name, known_names, unknown_names

NOWHERE = Path("/nonexistent/.env")
KNOWN = known_names()


@given(st.dictionaries(st.sampled_from([*KNOWN, *DEVELOPER_NAMES, "PATH", "consilium_http_port"]), st.text(max_size=5)))
def test_known_names_are_known(environment: dict[str, str]) -> None:
    assert unknown_names(environment, NOWHERE) == {}


@given(st.sampled_from(KNOWN), st.data())
def test_a_slip_is_found_and_the_right_name_told(name: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(len("CONSILIUM_"), len(name) - 1))
    slip = name[:place] + name[place + 1 :]
    if slip in KNOWN:
        return
    [(found, nearest)] = unknown_names({slip: "x"}, NOWHERE).items()
    assert found == slip
    assert nearest in KNOWN


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("CONSILIUM_API_KEY", "CONSILIUM_API_KEYS"),
        ("CONSILIUM_TELEGRAM_TOKENS", "CONSILIUM_TELEGRAM_TOKEN"),
        ("CONSILIUM_DATABASEURL", "CONSILIUM_DATABASE_URL"),
        ("CONSILIUM_XYZZY", None),
    ],
)
def test_nearest(name: str, nearest: str | None) -> None:
    assert unknown_names({name: "x"}, NOWHERE) == {name: nearest}
    assert name in describe_unknown_name(name, nearest)


def test_the_file_is_looked_at_too(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("CONSILIUM_LANGUAGE=ru\n#CONSILIUM_OLD=1\nexport CONSILIUM_LANGAUGE=ru\n", encoding="utf-8")
    assert unknown_names({}, file) == {"CONSILIUM_LANGAUGE": "CONSILIUM_LANGUAGE"}


def test_what_kubernetes_tells_of_its_services_is_no_setting() -> None:
    environment = {
        "CONSILIUM_SERVICE_HOST": "10.0.0.1",
        "CONSILIUM_API_SERVICE_PORT": "8080",
        "CONSILIUM_API_SERVICE_PORT_HTTP": "8080",
        "CONSILIUM_PORT": "tcp://10.0.0.1:8080",
        "CONSILIUM_API_PORT_8080_TCP_ADDR": "10.0.0.1",
    }
    assert unknown_names(environment, NOWHERE) == {}
    assert unknown_names({"CONSILIUM_PORT": "8080"}, NOWHERE) == {"CONSILIUM_PORT": "CONSILIUM_HTTP_PORT"}
